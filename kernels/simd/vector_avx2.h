/* The operations of vector.h that AVX2 has its own ways for; included there. What each does stands
 * in vector_avx512.h. */
#ifndef KERNELS_SIMD_VECTOR_AVX2_H
#define KERNELS_SIMD_VECTOR_AVX2_H

VEC_INLINE vec vec_times(vec x, double factor)
{
    const __m256d f = _mm256_set1_pd(factor);
    const __m256d low = _mm256_mul_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(x)), f);
    const __m256d high = _mm256_mul_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)), f);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)),
                                _mm256_cvtpd_ps(high), 1);
}

typedef __m256d vec_wide;

VEC_INLINE vec_wide vec_wide_zero(void)
{
    return _mm256_setzero_pd();
}

VEC_INLINE vec_wide vec_wide_add(vec_wide sum, vec x)
{
    const __m256d low = _mm256_add_pd(sum, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
    return _mm256_add_pd(low, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
}

VEC_INLINE double vec_wide_sum(vec_wide sum)
{
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd(sum, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

VEC_INLINE vec vec_load_first(const float *from, int64_t n)
{
    return _mm256_maskload_ps(from, avx2_first(n));
}

VEC_INLINE void vec_store_first(float *to, vec x, int64_t n)
{
    _mm256_maskstore_ps(to, avx2_first(n), x);
}

VEC_INLINE vec vec_load_bf16(const uint16_t *from)
{
    return avx2_from_bf16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

VEC_INLINE vec vec_load_bf16_first(const uint16_t *from, int64_t n)
{
    uint16_t words[VEC] = {0};
    memcpy(words, from, (size_t)n * sizeof *words);
    return vec_load_bf16(words);
}

VEC_INLINE float vec_sum(vec x)
{
    return avx2_sum(x);
}

VEC_INLINE float vec_greatest(vec x)
{
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

VEC_INLINE uint32_t vec_above(vec a, vec b)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

VEC_INLINE uint32_t vec_nans(vec x)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

VEC_INLINE vec vec_choose(uint32_t bits, vec a, vec b)
{
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32((int32_t)bits), bit);
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bit)));
}

/* The same bits as assay_f32_to_bf16. */
VEC_INLINE __m128i vec_bf16_words(vec x)
{
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    const __m256 nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    const __m256i rounded = _mm256_castps_si256(
        _mm256_blendv_ps(_mm256_castsi256_ps(_mm256_add_epi32(bits, half)),
                         _mm256_castsi256_ps(quiet), nan));
    const __m256i words = _mm256_srli_epi32(rounded, 16);
    const __m256i packed = _mm256_packus_epi32(words, words); /* within each half */
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}

VEC_INLINE void vec_store_bf16(uint16_t *to, vec x)
{
    _mm_storeu_si128((__m128i *)(void *)to, vec_bf16_words(x));
}

VEC_INLINE void vec_store_bf16_first(uint16_t *to, vec x, int64_t n)
{
    uint16_t words[VEC];
    vec_store_bf16(words, x);
    memcpy(to, words, (size_t)n * sizeof *words);
}

VEC_INLINE vec vec_round(vec x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* In two steps, as 2^n may be no normal number; only the second one rounds. */
VEC_INLINE vec vec_scale(vec x, vec n)
{
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i rest = _mm256_sub_epi32(whole, half);
    const __m256i one = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i two = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(x, _mm256_castsi256_ps(one)), _mm256_castsi256_ps(two));
}

#endif
