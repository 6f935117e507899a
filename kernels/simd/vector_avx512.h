/* The operations of vector.h that AVX-512 has its own ways for; included there. */
#ifndef KERNELS_SIMD_VECTOR_AVX512_H
#define KERNELS_SIMD_VECTOR_AVX512_H

VEC_INLINE vec vec_load_first(const float *from, int64_t n)
{
    return _mm512_maskz_loadu_ps(avx512_first(n), from);
}

VEC_INLINE void vec_store_first(float *to, vec x, int64_t n)
{
    _mm512_mask_storeu_ps(to, avx512_first(n), x);
}

VEC_INLINE vec vec_load_bf16(const uint16_t *from)
{
    return avx512_from_bf16(_mm256_loadu_si256((const __m256i *)(const void *)from));
}

VEC_INLINE vec vec_load_bf16_first(const uint16_t *from, int64_t n)
{
    return avx512_from_bf16(_mm256_maskz_loadu_epi16(avx512_first(n), from));
}

VEC_INLINE void vec_store_bf16(uint16_t *to, vec x)
{
    _mm256_storeu_si256((__m256i *)(void *)to, avx512_to_bf16(x));
}

VEC_INLINE void vec_store_bf16_first(uint16_t *to, vec x, int64_t n)
{
    _mm256_mask_storeu_epi16(to, avx512_first(n), avx512_to_bf16(x));
}

VEC_INLINE float vec_sum(vec x)
{
    return avx512_sum(x);
}

VEC_INLINE float vec_greatest(vec x)
{
    return _mm512_reduce_max_ps(x);
}

/* A bit for each lane where a > b; where x is a NaN. */
VEC_INLINE uint32_t vec_above(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

VEC_INLINE uint32_t vec_nans(vec x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}

/* a where its bit is set, else b */
VEC_INLINE vec vec_choose(uint32_t bits, vec a, vec b)
{
    return _mm512_mask_blend_ps((__mmask16)bits, b, a);
}

VEC_INLINE vec vec_round(vec x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x 2^n for whole n from -252 to 126, subnormal results rounded once. */
VEC_INLINE vec vec_scale(vec x, vec n)
{
    return _mm512_scalef_ps(x, n);
}

/* x * factor, the product taken in f64 */
VEC_INLINE vec vec_times(vec x, double factor)
{
    const __m512d f = _mm512_set1_pd(factor);
    const __m512d low = _mm512_mul_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(x)), f);
    const __m512d high = _mm512_mul_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)), f);
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high),
                              1);
}

/* Sums in f64: half as many lanes as there are in a vector, each of two neighbours' halves. */
typedef __m512d vec_wide;

VEC_INLINE vec_wide vec_wide_zero(void)
{
    return _mm512_setzero_pd();
}

VEC_INLINE vec_wide vec_wide_add(vec_wide sum, vec x)
{
    const __m512d low = _mm512_add_pd(sum, _mm512_cvtps_pd(_mm512_castps512_ps256(x)));
    return _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)));
}

VEC_INLINE double vec_wide_sum(vec_wide sum)
{
    return _mm512_reduce_add_pd(sum);
}

#endif
