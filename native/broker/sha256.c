/* SHA-256 (FIPS 180-4). Own code, because a library in the privileged program would cost more review than these lines. */
#include "sha256.h"

#include "sha256-blocks.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void compress_one(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) {
        memcpy(&w[i], block + 4 * i, 4);
        w[i] = be32toh(w[i]);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t t1 = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_constants[i] + w[i];
        uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t t2 = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void sha256_compress_plainly(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    for (; count; count--, blocks += 64)
        compress_one(state, blocks);
}

static void compress(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    static sha256_compress best;
    if (!best)
        best = sha256_compress_in_hardware();
    if (!best)
        best = sha256_compress_plainly;
    best(state, blocks, count);
}

void sha256_init(struct sha256 *c)
{
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memcpy(c->state, start, sizeof start);
    c->length = 0;
}

void sha256_update(struct sha256 *c, const void *data, size_t length)
{
    const uint8_t *at = data;
    while (length) {
        size_t used = c->length % 64, take = 64 - used < length ? 64 - used : length;
        if (!used && length >= 64) {
            take = length - length % 64;
            compress(c->state, at, take / 64);
        } else {
            memcpy(c->block + used, at, take);
            if (used + take == 64)
                compress(c->state, c->block, 1);
        }
        c->length += take;
        at += take;
        length -= take;
    }
}

void sha256_final(struct sha256 *c, uint8_t digest[32])
{
    uint64_t bits = htobe64(c->length * 8);
    static const uint8_t padding[64] = { 0x80 };
    size_t used = c->length % 64;
    sha256_update(c, padding, used < 56 ? 56 - used : 120 - used);
    sha256_update(c, &bits, 8);
    for (int i = 0; i < 8; i++) {
        uint32_t word = htobe32(c->state[i]);
        memcpy(digest + 4 * i, &word, 4);
    }
}

int sha256_file(int fd, uint8_t digest[32], uint64_t *size)
{
    static uint8_t buffer[1 << 18];
    struct sha256 context;
    sha256_init(&context);
    for (off_t at = 0;;) {
        ssize_t n = pread(fd, buffer, sizeof buffer, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        sha256_update(&context, buffer, (size_t)n);
        at += n;
    }
    *size = context.length;
    sha256_final(&context, digest);
    return 0;
}
