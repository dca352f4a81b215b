/* SHA-256 by the instructions that x86 processors have for it (Intel SDM, SHA256RNDS2, SHA256MSG1, SHA256MSG2). */
#include "sha256-blocks.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

/*
 * The instructions keep the state as two registers, a b e f and c d g h. Each step does four rounds, and makes the four
 * words of the message schedule that are due twelve rounds later.
 */
__attribute__((target("sha,ssse3,sse4.1"))) static void compress(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8), cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
    for (; count; count--, blocks += 64) {
        const __m128i before[2] = { abef, cdgh };
        __m128i words[4];
        for (int i = 0; i < 4; i++)
            words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16 * i)), big_endian);
        for (int i = 0; i < 16; i++) {
            __m128i *due = &words[i % 4];
            const __m128i last = words[(i + 3) % 4];
            __m128i round = _mm_add_epi32(*due, _mm_loadu_si128((const __m128i *)(sha256_constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, round);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(round, 0x0e));
            if (i >= 12)
                continue;
            __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*due, words[(i + 1) % 4]),
                                        _mm_alignr_epi8(last, words[(i + 2) % 4], 4));
            *due = _mm_sha256msg2_epu32(sum, last);
        }
        abef = _mm_add_epi32(abef, before[0]);
        cdgh = _mm_add_epi32(cdgh, before[1]);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

sha256_compress sha256_compress_in_hardware(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
        return NULL;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA ? compress : NULL;
}
#else
sha256_compress sha256_compress_in_hardware(void)
{
    return NULL;
}
#endif
