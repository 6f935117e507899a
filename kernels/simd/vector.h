/* The same vector operations on f32 for AVX-512 (16 lanes) and AVX2 (8), by what the file that
 * includes this is compiled for; bf16 is widened as it is read and rounded as it is written.
 *
 * `first` forms touch the first n lanes' memory alone and read zeros for the others. */
#ifndef KERNELS_SIMD_VECTOR_H
#define KERNELS_SIMD_VECTOR_H

#include <math.h>

#include "kernels/simd/kernel.h"

#if defined(__AVX512F__)
#include "kernels/simd/avx512.h"
enum { VEC = 16 };
typedef __m512 vec;
#define VEC_DO(name) _mm512_##name
#else
#include "kernels/simd/avx2.h"
enum { VEC = 8 };
typedef __m256 vec;
#define VEC_DO(name) _mm256_##name
#endif

/* With a constant type or count every branch on it is decided where the function is inlined. */
#define VEC_INLINE __attribute__((always_inline)) static inline

/* function(type, ...) with the type a constant: one that comes from outside a parallel region is a
 * variable inside, and would be asked for with every vector. */
#define VEC_TYPED(function, type, ...)                                                             \
    ((type) == ASSAY_BF16 ? function(ASSAY_BF16, __VA_ARGS__) : function(ASSAY_F32, __VA_ARGS__))

/* Products and sums in f32, activations of one type: what kernels promise that widen bf16 to f32
 * and round results once. */
#define VEC_CONTRACT(storage_, type_, order_, angle_)                                              \
    {                                                                                              \
        .storage = (storage_), .multiply = ASSAY_F32,                                              \
        .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},                         \
        .intermediate = ASSAY_F32, .output = (type_), .angle = (angle_), .order = (order_),        \
        .flush = ASSAY_FLUSH_NONE                                                                  \
    }

VEC_INLINE vec vec_set(float x)
{
    return VEC_DO(set1_ps)(x);
}

VEC_INLINE vec vec_load(const float *from)
{
    return VEC_DO(loadu_ps)(from);
}

VEC_INLINE void vec_store(float *to, vec x)
{
    VEC_DO(storeu_ps)(to, x);
}

VEC_INLINE vec vec_add(vec a, vec b)
{
    return VEC_DO(add_ps)(a, b);
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
    return VEC_DO(sub_ps)(a, b);
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
    return VEC_DO(mul_ps)(a, b);
}

VEC_INLINE vec vec_div(vec a, vec b)
{
    return VEC_DO(div_ps)(a, b);
}

/* a b + c and a b - c, rounded once */
VEC_INLINE vec vec_fma(vec a, vec b, vec c)
{
    return VEC_DO(fmadd_ps)(a, b, c);
}

VEC_INLINE vec vec_fms(vec a, vec b, vec c)
{
    return VEC_DO(fmsub_ps)(a, b, c);
}

/* Where either is a NaN: b. */
VEC_INLINE vec vec_max(vec a, vec b)
{
    return VEC_DO(max_ps)(a, b);
}

VEC_INLINE vec vec_min(vec a, vec b)
{
    return VEC_DO(min_ps)(a, b);
}

#if defined(__AVX512F__)

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

#else

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

/* Element i on of an array of f32 or bf16. */
VEC_INLINE vec vec_read(assay_dtype type, const void *from, int64_t i)
{
    return type == ASSAY_BF16 ? vec_load_bf16((const uint16_t *)from + i)
                              : vec_load((const float *)from + i);
}

VEC_INLINE void vec_write(assay_dtype type, void *to, int64_t i, vec x)
{
    if (type == ASSAY_BF16) {
        vec_store_bf16((uint16_t *)to + i, x);
    } else {
        vec_store((float *)to + i, x);
    }
}

/* The same, n of them, n being anything from 1 on. */
VEC_INLINE vec vec_read_first(assay_dtype type, const void *from, int64_t i, int64_t n)
{
    if (n >= VEC) {
        return vec_read(type, from, i);
    }
    return type == ASSAY_BF16 ? vec_load_bf16_first((const uint16_t *)from + i, n)
                              : vec_load_first((const float *)from + i, n);
}

VEC_INLINE void vec_write_first(assay_dtype type, void *to, int64_t i, vec x, int64_t n)
{
    if (n >= VEC) {
        vec_write(type, to, i, x);
    } else if (type == ASSAY_BF16) {
        vec_store_bf16_first((uint16_t *)to + i, x, n);
    } else {
        vec_store_first((float *)to + i, x, n);
    }
}

/* e^x = result 2^*n for x from -170 to 88, the result between 0.7 and 1.5; below 2 ulp. A NaN
 * stays one. Source: Cephes' expf (Moshier), with fused multiply-adds. */
VEC_INLINE vec vec_exp_parts(vec x, vec *n)
{
    *n = vec_round(vec_mul(x, vec_set(1.44269504088896341f)));
    const vec near = vec_fma(*n, vec_set(-0.693359375f), x);
    const vec r = vec_fma(*n, vec_set(2.12194440e-4f), near);
    vec p = vec_set(1.9875691500e-4f);
    p = vec_fma(p, r, vec_set(1.3981999507e-3f));
    p = vec_fma(p, r, vec_set(8.3334519073e-3f));
    p = vec_fma(p, r, vec_set(4.1665795894e-2f));
    p = vec_fma(p, r, vec_set(1.6666665459e-1f));
    p = vec_fma(p, r, vec_set(5.0000001201e-1f));
    return vec_add(vec_fma(p, vec_mul(r, r), r), vec_set(1.0f));
}

/* e^x for x up to 88, minus infinity included; a NaN stays one. Below -104 it is 0 without being
 * computed: a processor takes a hundred cycles over a result that underflows. */
VEC_INLINE vec vec_exp(vec x)
{
    vec n;
#if defined(__AVX512F__)
    const __mmask16 live = _mm512_cmp_ps_mask(x, vec_set(-104.0f), _CMP_NLT_UQ);
    const vec p = vec_exp_parts(x, &n);
    return _mm512_maskz_scalef_ps(live, p, n);
#else
    const vec live = _mm256_cmp_ps(x, vec_set(-104.0f), _CMP_NLT_UQ);
    const vec p = vec_exp_parts(_mm256_and_ps(x, live), &n);
    return _mm256_and_ps(vec_scale(p, n), live);
#endif
}

/* The row of a matrix whose rows are dense. */
VEC_INLINE void *vec_row(const assay_tensor *matrix, int64_t row)
{
    return (char *)matrix->data +
           row * matrix->stride[0] * (int64_t)assay_dtype_size(matrix->dtype);
}

#endif
