/* Numbers of the wire. Both protocols are little-endian, and so are both architectures that are built for. */
#pragma once
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire's numbers are copied as they are");

#define LITTLE_ENDIAN_NUMBER(name, type)                \
    static inline type get_##name(const void *from)     \
    {                                                   \
        type value;                                     \
        memcpy(&value, from, sizeof value);             \
        return value;                                   \
    }                                                   \
    static inline void put_##name(void *to, type value) \
    {                                                   \
        memcpy(to, &value, sizeof value);               \
    }

LITTLE_ENDIAN_NUMBER(u16, uint16_t)
LITTLE_ENDIAN_NUMBER(u32, uint32_t)
LITTLE_ENDIAN_NUMBER(u64, uint64_t)
#undef LITTLE_ENDIAN_NUMBER
