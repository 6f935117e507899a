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
#include "kernels/simd/vector_avx512.h"
#else
#include "kernels/simd/vector_avx2.h"
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
