/* Multiply-adds by 512-bit vectors: FMA, bf16 widened to it or by pairs, 8-bit integers. */
#include "bench/probe/loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define TARGET_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#define TARGET_VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
/* The compiler must take a value as new every time: nothing is carried out of the loop. */
#define RENEW(value) __asm__ volatile("" : "+v"(value))

enum { CHAINS = 16, LANES = 16, BYTES = 64 }; /* 32 registers; latencies up to 6, 2 a cycle */

TARGET static double add_up(const __m512 *sum)
{
    double total = 0;
    for (int k = 0; k < CHAINS; k++) {
        _Alignas(64) float lane[LANES];
        _mm512_store_ps(lane, sum[k]);
        for (int i = 0; i < LANES; i++) {
            total += (double)lane[i];
        }
    }
    return total;
}

TARGET static double add_up_integers(const __m512i *sum)
{
    double total = 0;
    for (int k = 0; k < CHAINS; k++) {
        _Alignas(64) int32_t lane[LANES];
        _mm512_store_si512(lane, sum[k]);
        for (int i = 0; i < LANES; i++) {
            total += (double)lane[i];
        }
    }
    return total;
}

TARGET static double f32(const void *operands, size_t iterations)
{
    const float *const p = operands;
    const __m512 a = _mm512_load_ps(p + (size_t)CHAINS * LANES);
    const __m512 b = _mm512_load_ps(p + (size_t)(CHAINS + 1) * LANES);
    __m512 sum[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm512_load_ps(p + (size_t)k * LANES);
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            sum[k] = _mm512_fmadd_ps(sum[k], a, b);
        }
    }
    return add_up(sum);
}

/* 32 bf16 weights are widened once and meet eight rows of activations. */
TARGET static double bf16(const void *operands, size_t iterations)
{
    const float *const p = operands;
    const __m512i upper = _mm512_set1_epi32((int32_t)0xffff0000);
    const __m512 x = _mm512_load_ps(p + (size_t)CHAINS * LANES);
    const __m512 y = _mm512_load_ps(p + (size_t)(CHAINS + 1) * LANES);
    __m512i pair = _mm512_load_si512(operands);
    __m512 sum[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm512_load_ps(p + (size_t)k * LANES);
    }
    for (size_t i = 0; i < iterations; i++) {
        RENEW(pair);
        const __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(pair, 16));
        const __m512 odd = _mm512_castsi512_ps(_mm512_and_si512(pair, upper));
#pragma GCC unroll 8
        for (int k = 0; k < CHAINS; k += 2) {
            sum[k] = _mm512_fmadd_ps(even, x, sum[k]);
            sum[k + 1] = _mm512_fmadd_ps(odd, y, sum[k + 1]);
        }
    }
    return add_up(sum);
}

/* VDPBF16PS: 32 products into 16 sums. */
TARGET_BF16 static double bf16_pairs(const void *operands, size_t iterations)
{
    const float *const p = operands;
    const __m512bh a = (__m512bh)_mm512_load_si512(operands);
    const __m512bh b = (__m512bh)_mm512_load_si512((const char *)operands + BYTES);
    __m512 sum[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm512_load_ps(p + (size_t)k * LANES);
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            sum[k] = _mm512_dpbf16_ps(sum[k], a, b);
        }
    }
    return add_up(sum);
}

/* Pairs of products in 16 bits, pairs of those in 32: 64 multiply-adds in three instructions. */
TARGET static double int8(const void *operands, size_t iterations)
{
    const __m512i ones = _mm512_set1_epi16(1);
    const __m512i b = _mm512_load_si512((const char *)operands + BYTES);
    __m512i a = _mm512_load_si512(operands);
    __m512i sum[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm512_setzero_si512();
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            RENEW(a);
            const __m512i pairs = _mm512_maddubs_epi16(a, b);
            sum[k] = _mm512_add_epi32(sum[k], _mm512_madd_epi16(pairs, ones));
        }
    }
    return add_up_integers(sum);
}

TARGET_VNNI static double int8_vnni(const void *operands, size_t iterations)
{
    const __m512i a = _mm512_load_si512(operands);
    const __m512i b = _mm512_load_si512((const char *)operands + BYTES);
    __m512i sum[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        sum[k] = _mm512_setzero_si512();
    }
    for (size_t i = 0; i < iterations; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            sum[k] = _mm512_dpbusd_epi32(sum[k], a, b);
        }
    }
    return add_up_integers(sum);
}

const assay_multiply_loop assay_multiply_avx512[] = {
    {"f32", "avx512", ASSAY_FEATURE_AVX512, 2.0 * CHAINS * LANES, f32},
    {"bf16", "avx512", ASSAY_FEATURE_AVX512, 2.0 * CHAINS * LANES, bf16},
    {"bf16", "avx512_bf16", ASSAY_FEATURE_AVX512_BF16, 4.0 * CHAINS * LANES, bf16_pairs},
    {"int8", "avx512", ASSAY_FEATURE_AVX512, 2.0 * CHAINS * BYTES, int8},
    {"int8", "avx512_vnni", ASSAY_FEATURE_AVX512_VNNI, 2.0 * CHAINS * BYTES, int8_vnni},
    {NULL, NULL, 0, 0, NULL},
};
#endif
