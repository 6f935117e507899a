/* Multiply-adds by 256-bit vectors: FMA, bf16 widened to it, 8-bit integers in pairs or VNNI. */
#include "bench/probe/loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))
#define TARGET_VNNI __attribute__((target("avx2,fma,avxvnni")))
/* The compiler must take a value as new every time: nothing is carried out of the loop. */
#define RENEW(value) __asm__ volatile("" : "+x"(value))

enum { CHAINS = 12, LANES = 8 }; /* a latency of 4 or 5 cycles, 2 a cycle, 16 registers */

TARGET static double add_up(const __m256 *sum, int chains)
{
    double total = 0;
    for (int k = 0; k < chains; k++) {
        _Alignas(32) float lane[LANES];
        _mm256_store_ps(lane, sum[k]);
        for (int i = 0; i < LANES; i++) {
            total += (double)lane[i];
        }
    }
    return total;
}

TARGET static double f32(const void *operands, size_t iterations)
{
    const float *const p = operands;
    __m256 sum[CHAINS];
    const __m256 a = _mm256_load_ps(p + (size_t)CHAINS * LANES);
    const __m256 b = _mm256_load_ps(p + (size_t)(CHAINS + 1) * LANES);
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm256_load_ps(p + (size_t)k * LANES);
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 12
        for (int k = 0; k < CHAINS; k++) {
            sum[k] = _mm256_fmadd_ps(sum[k], a, b);
        }
    }
    return add_up(sum, CHAINS);
}

/* Sixteen bf16 weights are widened once and meet four rows of activations. */
enum { WIDE_CHAINS = 8 };

TARGET static double bf16(const void *operands, size_t iterations)
{
    const float *const p = operands;
    const __m256i upper = _mm256_set1_epi32((int32_t)0xffff0000);
    const __m256 x = _mm256_load_ps(p + (size_t)WIDE_CHAINS * LANES);
    const __m256 y = _mm256_load_ps(p + (size_t)(WIDE_CHAINS + 1) * LANES);
    __m256i pair = _mm256_load_si256((const __m256i *)operands);
    __m256 sum[WIDE_CHAINS];
    for (int k = 0; k < WIDE_CHAINS; k++) {
        sum[k] = _mm256_load_ps(p + (size_t)k * LANES);
    }
    for (size_t i = 0; i < iterations; i++) {
        RENEW(pair);
        const __m256 even = _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16));
        const __m256 odd = _mm256_castsi256_ps(_mm256_and_si256(pair, upper));
#pragma GCC unroll 4
        for (int k = 0; k < WIDE_CHAINS; k += 2) {
            sum[k] = _mm256_fmadd_ps(even, x, sum[k]);
            sum[k + 1] = _mm256_fmadd_ps(odd, y, sum[k + 1]);
        }
    }
    return add_up(sum, WIDE_CHAINS);
}

TARGET static double add_up_integers(const __m256i *sum, int chains)
{
    double total = 0;
    for (int k = 0; k < chains; k++) {
        _Alignas(32) int32_t lane[LANES];
        _mm256_store_si256((__m256i *)(void *)lane, sum[k]);
        for (int i = 0; i < LANES; i++) {
            total += (double)lane[i];
        }
    }
    return total;
}

enum { BYTE_CHAINS = 8, BYTES = 32 };

/* Pairs of products in 16 bits, pairs of those in 32: 32 multiply-adds in three instructions. */
TARGET static double int8(const void *operands, size_t iterations)
{
    const __m256i *const p = operands;
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i b = _mm256_load_si256(p + 1);
    __m256i a = _mm256_load_si256(p);
    __m256i sum[BYTE_CHAINS];
    for (int k = 0; k < BYTE_CHAINS; k++) {
        sum[k] = _mm256_setzero_si256();
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 8
        for (int k = 0; k < BYTE_CHAINS; k++) {
            RENEW(a);
            const __m256i pairs = _mm256_maddubs_epi16(a, b);
            sum[k] = _mm256_add_epi32(sum[k], _mm256_madd_epi16(pairs, ones));
        }
    }
    return add_up_integers(sum, BYTE_CHAINS);
}

TARGET_VNNI static double int8_vnni(const void *operands, size_t iterations)
{
    const __m256i *const p = operands;
    const __m256i a = _mm256_load_si256(p);
    const __m256i b = _mm256_load_si256(p + 1);
    __m256i sum[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm256_setzero_si256();
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 12
        for (int k = 0; k < CHAINS; k++) {
            sum[k] = _mm256_dpbusd_avx_epi32(sum[k], a, b);
        }
    }
    return add_up_integers(sum, CHAINS);
}

const assay_multiply_loop assay_multiply_avx2[] = {
    {"f32", "avx2", ASSAY_FEATURE_AVX2_FMA, 2.0 * CHAINS * LANES, f32},
    {"bf16", "avx2", ASSAY_FEATURE_AVX2_FMA, 2.0 * WIDE_CHAINS * LANES, bf16},
    {"int8", "avx2", ASSAY_FEATURE_AVX2_FMA, 2.0 * BYTE_CHAINS * BYTES, int8},
    {"int8", "avx_vnni", ASSAY_FEATURE_AVX2_FMA | ASSAY_FEATURE_AVX_VNNI, 2.0 * CHAINS * BYTES,
     int8_vnni},
    {NULL, NULL, 0, 0, NULL},
};
#endif
