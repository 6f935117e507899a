/* Elements in device memory: their types, and views of matrices that kernels get by value.
 *
 * The type of activations is a template parameter (float or Bf16); weights keep the type they are
 * stored in, which a view carries: the branch on it is the same for all threads. Widening is exact;
 * narrowing rounds once, to nearest even, from float or from double. */
#ifndef KERNELS_CUDA_ELEMENT_H
#define KERNELS_CUDA_ELEMENT_H

#include "kernels/cuda/device.h"

#ifndef ASSAY_EMULATED
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace assay_cuda {

struct Bf16 {
    uint16_t word;
};

struct F16 {
    uint16_t word;
};

#ifdef ASSAY_EMULATED
inline float widen(Bf16 x) { return assay_bf16_to_f32(x.word); }
inline float widen(F16 x) { return assay_f16_to_f32(x.word); }
inline void narrow(float x, Bf16 *to) { to->word = assay_f32_to_bf16(x); }
inline void narrow(float x, F16 *to) { to->word = assay_f32_to_f16(x); }
inline void narrow(double x, Bf16 *to) { to->word = assay_f64_to_bf16(x); }
inline void narrow(double x, F16 *to) { to->word = assay_f64_to_f16(x); }
#else
__device__ __forceinline__ float widen(Bf16 x)
{
    return __uint_as_float(static_cast<unsigned>(x.word) << 16);
}
__device__ __forceinline__ float widen(F16 x)
{
    return __half2float(__ushort_as_half(x.word));
}
__device__ __forceinline__ void narrow(float x, Bf16 *to)
{
    to->word = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
__device__ __forceinline__ void narrow(float x, F16 *to)
{
    to->word = __half_as_ushort(__float2half_rn(x));
}
__device__ __forceinline__ void narrow(double x, Bf16 *to)
{
    to->word = __bfloat16_as_ushort(__double2bfloat16(x));
}
__device__ __forceinline__ void narrow(double x, F16 *to)
{
    to->word = __half_as_ushort(__double2half(x));
}
#endif
__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(double x) { return static_cast<float>(x); }
__device__ __forceinline__ void narrow(float x, float *to) { *to = x; }
__device__ __forceinline__ void narrow(double x, float *to) { *to = static_cast<float>(x); }

/* x as the type T holds it. */
template <typename T> __device__ __forceinline__ float rounded(float x)
{
    T held;
    narrow(x, &held);
    return widen(held);
}
template <> __device__ __forceinline__ float rounded<float>(float x) { return x; }

/* A matrix, strides in elements; a vector is a matrix of one row. */
struct Matrix {
    void *data;
    int64_t row, column;
    int32_t dtype; /* assay_dtype */
};

#ifdef ASSAY_EMULATED
inline bool is_there(const Matrix &matrix)
{
    return !emulate::is_host_memory(matrix.data);
}
#endif

inline Matrix matrix_of(const assay_tensor &tensor)
{
    const bool vector = tensor.rank == 1;
    return {tensor.data, vector ? 0 : tensor.stride[0], tensor.stride[vector ? 0 : 1],
            tensor.dtype};
}

inline bool is_real(assay_dtype dtype)
{
    return dtype == ASSAY_F32 || dtype == ASSAY_BF16 || dtype == ASSAY_F16 || dtype == ASSAY_F64;
}

template <typename T>
__device__ __forceinline__ T *address(const Matrix &m, int64_t row, int64_t column)
{
    return static_cast<T *>(m.data) + row * m.row + column * m.column;
}

/* Element (row, column), rounded to float when it is a double. */
__device__ __forceinline__ float load(const Matrix &m, int64_t row, int64_t column)
{
    switch (m.dtype) {
    case ASSAY_BF16: return widen(*address<const Bf16>(m, row, column));
    case ASSAY_F16: return widen(*address<const F16>(m, row, column));
    case ASSAY_F64: return widen(*address<const double>(m, row, column));
    default: return *address<const float>(m, row, column);
    }
}

__device__ __forceinline__ double load_wide(const Matrix &m, int64_t row, int64_t column)
{
    return m.dtype == ASSAY_F64 ? *address<const double>(m, row, column)
                                : static_cast<double>(load(m, row, column));
}

/* value is a float or a double. */
template <typename Value>
__device__ __forceinline__ void store(const Matrix &m, int64_t row, int64_t column, Value value)
{
    switch (m.dtype) {
    case ASSAY_BF16: narrow(value, address<Bf16>(m, row, column)); break;
    case ASSAY_F16: narrow(value, address<F16>(m, row, column)); break;
    case ASSAY_F64: *address<double>(m, row, column) = static_cast<double>(value); break;
    default: narrow(value, address<float>(m, row, column)); break;
    }
}

/* An index vector, i32 or i64. */
__device__ __forceinline__ int64_t load_index(const Matrix &m, int64_t i)
{
    return m.dtype == ASSAY_I32 ? static_cast<int64_t>(*address<const int32_t>(m, 0, i))
                                : *address<const int64_t>(m, 0, i);
}

__device__ __forceinline__ void store_index(const Matrix &m, int64_t i, int64_t value)
{
    if (m.dtype == ASSAY_I32) {
        *address<int32_t>(m, 0, i) = static_cast<int32_t>(value);
    } else {
        *address<int64_t>(m, 0, i) = value;
    }
}

enum { OCTET = 8 }; /* elements that a thread moves at once: 16 bytes of a 16-bit type */

/* A 16-byte access needs neighbours, and an address that is a multiple of 16. */
__device__ __forceinline__ bool is_vector(const Matrix &m, const void *at, int64_t count)
{
    return m.column == 1 && count >= OCTET && (reinterpret_cast<uintptr_t>(at) & 15u) == 0;
}

/* x[0..7] = eight neighbours at an address that is a multiple of 16. */
__device__ __forceinline__ void load_vector(const float *at, float *x)
{
    const float4 low = reinterpret_cast<const float4 *>(at)[0];
    const float4 high = reinterpret_cast<const float4 *>(at)[1];
    x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
    x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
}

template <typename Word> __device__ __forceinline__ void load_vector(const Word *at, float *x)
{
    const uint4 four = *reinterpret_cast<const uint4 *>(at);
    const unsigned pair[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
    for (int i = 0; i < OCTET; i++) {
        x[i] = widen(Word{static_cast<uint16_t>(pair[i / 2] >> (i % 2 * 16))});
    }
}

/* x[0..7] = elements column .. column+7 of a row; beyond `count` of them, zeros. */
__device__ __forceinline__ void load_octet(const Matrix &m, int64_t row, int64_t column,
                                           int64_t count, float *x)
{
    const uint16_t *const words = address<const uint16_t>(m, row, column);
    const float *const floats = address<const float>(m, row, column);
    if (m.dtype == ASSAY_BF16 && is_vector(m, words, count)) {
        load_vector(reinterpret_cast<const Bf16 *>(words), x);
    } else if (m.dtype == ASSAY_F16 && is_vector(m, words, count)) {
        load_vector(reinterpret_cast<const F16 *>(words), x);
    } else if (m.dtype == ASSAY_F32 && is_vector(m, floats, count)) {
        load_vector(floats, x);
    } else {
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            x[i] = i < count ? load(m, row, column + i) : 0.0f;
        }
    }
}

/* Whether a tensor of this type has octets of neighbours alone, at multiples of 16 bytes. */
inline bool is_in_octets(const assay_tensor &tensor, assay_dtype type)
{
    const int32_t last = tensor.rank - 1;
    const int64_t step = 16 / static_cast<int64_t>(assay_dtype_size(type));
    bool whole = tensor.dtype == type && tensor.stride[last] == 1 &&
                 tensor.shape[last] % OCTET == 0 &&
                 reinterpret_cast<uintptr_t>(tensor.data) % 16 == 0;
    for (int32_t axis = 0; axis < last; axis++) {
        whole = whole && tensor.stride[axis] % step == 0;
    }
    return whole;
}

/* The same of a view's rows, which are as wide as their readers say. */
inline bool is_in_octets(const Matrix &m, assay_dtype type)
{
    const int64_t step = 16 / static_cast<int64_t>(assay_dtype_size(type));
    return m.dtype == type && m.column == 1 && m.row % step == 0 &&
           reinterpret_cast<uintptr_t>(m.data) % 16 == 0;
}

/* As load_octet; WIDE: of a tensor of type T that is in octets, with no branch. */
template <typename T, bool WIDE>
__device__ __forceinline__ void fetch_octet(const Matrix &m, int64_t row, int64_t column,
                                            int64_t count, float *x)
{
    if (!WIDE) {
        load_octet(m, row, column, count, x);
    } else if (count > 0) {
        load_vector(address<const T>(m, row, column), x);
    } else {
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            x[i] = 0.0f;
        }
    }
}

/* Eight neighbours at an address that is a multiple of 16. */
__device__ __forceinline__ void store_vector(const float *x, float *at)
{
    reinterpret_cast<float4 *>(at)[0] = float4{x[0], x[1], x[2], x[3]};
    reinterpret_cast<float4 *>(at)[1] = float4{x[4], x[5], x[6], x[7]};
}

__device__ __forceinline__ unsigned two_words(float low, float high)
{
    Bf16 held[2];
    narrow(low, &held[0]);
    narrow(high, &held[1]);
    return held[0].word | static_cast<unsigned>(held[1].word) << 16;
}

__device__ __forceinline__ void store_vector(const float *x, Bf16 *at)
{
    *reinterpret_cast<uint4 *>(at) = uint4{two_words(x[0], x[1]), two_words(x[2], x[3]),
                                           two_words(x[4], x[5]), two_words(x[6], x[7])};
}

/* Elements column .. of a row of type T, at most `count` of them. */
template <typename T>
__device__ __forceinline__ void store_octet(const Matrix &m, int64_t row, int64_t column,
                                            int64_t count, const float *x)
{
    T *const at = address<T>(m, row, column);
    if (is_vector(m, at, count)) {
        store_vector(x, at);
        return;
    }
#pragma unroll
    for (int i = 0; i < OCTET; i++) {
        if (i < count) {
            narrow(x[i], at + i * m.column);
        }
    }
}

/* The same where the type is known at run time alone. */
__device__ __forceinline__ void store_octet(const Matrix &m, int64_t row, int64_t column,
                                            int64_t count, const float *x)
{
    if (m.dtype == ASSAY_BF16) {
        store_octet<Bf16>(m, row, column, count, x);
    } else if (m.dtype == ASSAY_F32) {
        store_octet<float>(m, row, column, count, x);
    } else {
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            if (i < count) {
                store(m, row, column + i, x[i]);
            }
        }
    }
}

} // namespace assay_cuda

#endif
