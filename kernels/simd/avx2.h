/* Helpers for files compiled with AVX2, FMA and F16C. */
#ifndef KERNELS_SIMD_AVX2_H
#define KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stdint.h>

/* The first `count` of 8 lanes as a mask for maskload and maskstore; all from 8 on. */
static inline __m256i avx2_first(int64_t count)
{
    const int32_t limit = count > 8 ? 8 : (int32_t)count;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(limit),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Eight bf16 numbers as f32: exact. */
static inline __m256 avx2_from_bf16(__m128i words)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16));
}

static inline float avx2_sum(__m256 lanes)
{
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#endif
