/* Helpers for files compiled with AVX-512 F, BW, DQ, VL. */
#ifndef KERNELS_SIMD_AVX512_H
#define KERNELS_SIMD_AVX512_H

#include <immintrin.h>
#include <stdint.h>

/* The first `count` of 16 lanes; all from 16 on, none from 0 down. */
static inline __mmask16 avx512_first(int64_t count)
{
    const unsigned lanes = count >= 16 ? 0xffffu : count <= 0 ? 0u : (1u << (unsigned)count) - 1u;
    return (__mmask16)lanes;
}

/* Sixteen bf16 numbers as f32: exact. */
static inline __m512 avx512_from_bf16(__m256i words)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
}

/* Sixteen f32 rounded to bf16, to nearest even; a NaN stays one, subnormals are kept. The same bits
 * as assay_f32_to_bf16. */
static inline __m256i avx512_to_bf16(__m512 value)
{
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
    const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    const __m512i rounded = _mm512_mask_or_epi32(_mm512_add_epi32(bits, half), nan, bits,
                                                 _mm512_set1_epi32(0x00400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
}

/* Lane 0+8, 1+9, ... down to one: the order of scalar's sixteen lanes. */
static inline float avx512_sum(__m512 lanes)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(lanes),
                                       _mm512_extractf32x8_ps(lanes, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#endif
