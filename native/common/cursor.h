/*
 * Reads fields from bytes that a stranger wrote. A read past the end gives zero and marks the cursor as bad, once and
 * for all: check at the end.
 */
#pragma once
#include "common/little-endian.h"

#include <stdbool.h>
#include <stddef.h>

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct cursor cursor_over(const void *bytes, size_t length)
{
    const uint8_t *start = bytes;
    return (struct cursor){ .at = start, .end = start + length, .bad = false };
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* The next `length` bytes, or NULL. */
static inline const uint8_t *take_bytes(struct cursor *cursor, size_t length)
{
    if (cursor->bad || cursor_left(cursor) < length) {
        cursor->bad = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += length;
    return bytes;
}

static inline uint16_t take_u16(struct cursor *cursor)
{
    const uint8_t *bytes = take_bytes(cursor, sizeof(uint16_t));
    return bytes ? get_u16(bytes) : 0;
}

static inline uint32_t take_u32(struct cursor *cursor)
{
    const uint8_t *bytes = take_bytes(cursor, sizeof(uint32_t));
    return bytes ? get_u32(bytes) : 0;
}

static inline uint64_t take_u64(struct cursor *cursor)
{
    const uint8_t *bytes = take_bytes(cursor, sizeof(uint64_t));
    return bytes ? get_u64(bytes) : 0;
}

/* The next NUL-terminated string, in place, or NULL when no NUL is left. */
static inline char *take_string(struct cursor *cursor)
{
    const uint8_t *nul = cursor->bad || cursor->at == cursor->end ? NULL : memchr(cursor->at, 0, cursor_left(cursor));
    if (!nul) {
        cursor->bad = true;
        return NULL;
    }
    const uint8_t *string = cursor->at;
    cursor->at = nul + 1;
    return (char *)(uintptr_t)string;
}
