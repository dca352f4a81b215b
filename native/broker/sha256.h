#pragma once
#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
};

void sha256_init(struct sha256 *context);
void sha256_update(struct sha256 *context, const void *data, size_t length);
void sha256_final(struct sha256 *context, uint8_t digest[32]);
/* Reads a descriptor from its start to its end; returns 0, or -1 with errno. */
int sha256_file(int fd, uint8_t digest[32], uint64_t *size);
