/* The compression function of SHA-256 over whole blocks of 64 bytes, in two forms with the same result. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef void (*sha256_compress)(uint32_t state[8], const uint8_t *blocks, size_t count);

extern const uint32_t sha256_constants[64];

void sha256_compress_plainly(uint32_t state[8], const uint8_t *blocks, size_t count);
/* With the processor's own instructions, ten times as fast; NULL where it has none. */
sha256_compress sha256_compress_in_hardware(void);
