/* Rows as words of 8 bits with one scale each, and sums made numbers again. In f32 arithmetic, with
 * x the row as f32, q to nearest even:
 *   integers  scale = max |x| / 127, q = rint(x / scale), at most 127 either way, 0 where scale is
 *             0; precision.h has the rules, for weights and for rows of activations
 *   e4m3      scale = the least power of two, of 2^-60 .. 2^60, by which max |x| is at most 448;
 *             q = e4m3(x / scale). A float is no more precise for a scale between two powers, while
 *             dividing and multiplying by one of them is exact: in whatever order that is done, and
 *             by whom, and integers that e4m3 holds stay what they are.
 * A row with a number that is not finite has the scale NaN, and its outputs are NaN. */
#ifndef KERNELS_CUBLAS_QUANTISE_H
#define KERNELS_CUBLAS_QUANTISE_H

#include "kernels/cublas/element.h"
#include "kernels/cuda/contract.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/upload.h"

namespace assay_cublas {

using namespace assay_cuda;

template <typename Element> struct Words;

template <> struct Words<int8_t> {
    __device__ __forceinline__ static float scale(float top) { return top / 127.0f; }
    /* Of a scale that is subnormal, and so rounded coarsely, a quotient may be beyond 127. */
    __device__ __forceinline__ static int8_t word(float x, float scale)
    {
        const float near = rintf(x / scale);
        return scale > 0.0f ? static_cast<int8_t>(fmaxf(-127.0f, fminf(127.0f, near))) : int8_t{0};
    }
};

template <> struct Words<E4m3> {
    /* 448 is 1.75 x 2^8. */
    __device__ __forceinline__ static float scale(float top)
    {
        constexpr uint32_t bias = 127, three_quarters = 0x600000, least = bias - 60;
        uint32_t bits;
        memcpy(&bits, &top, sizeof bits);
        const uint32_t above = (bits >> 23) + ((bits & 0x7fffffu) > three_quarters ? 1u : 0u);
        const uint32_t exponent = above < least + 8 ? least : above - 8;
        bits = (exponent > bias + 60 ? bias + 60 : exponent) << 23;
        float power;
        memcpy(&power, &bits, sizeof power);
        return power;
    }
    __device__ __forceinline__ static E4m3 word(float x, float scale)
    {
        E4m3 word;
        narrow(x / scale, &word);
        return word;
    }
};

/* A block a row; zeros from `columns` to `pitch`. */
template <typename Element>
static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    quantise_rows(Matrix from, int64_t columns, Element *to, int64_t pitch, float *scale)
{
    const int64_t row = blockIdx.x;
    float top = 0.0f;
    int wild = 0;
    for (int64_t i = threadIdx.x; i < columns; i += BLOCK) {
        const float value = load(from, row, i);
        top = fmaxf(top, fabsf(value));
        wild += value - value != 0.0f ? 1 : 0; /* a NaN or an infinity */
    }
    top = block_reduce<Greatest>(top);
    wild = block_reduce<Sum>(wild);
    const float step = Words<Element>::scale(wild != 0 ? 0.0f : top);
    for (int64_t i = threadIdx.x; i < pitch; i += BLOCK) {
        const bool counts = i < columns && wild == 0;
        to[row * pitch + i] = Words<Element>::word(counts ? load(from, row, i) : 0.0f, step);
    }
    if (threadIdx.x == 0) {
        scale[row] = wild != 0 ? NAN : step;
    }
}

template <typename Element>
assay_status quantise(const assay_exec *exec, const Matrix &from, int64_t rows, int64_t columns,
                      Element *to, int64_t pitch, float *scale)
{
    const Dimensions size = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, quantise_rows<Element>, size, from, columns, to, pitch, scale);
    return ASSAY_OK;
}

/* y[n,o] = sum[n,o] row_scale[n] weight_scale[o] + bias[o], rounded once. Sums lie `pitch` from row
 * to row. row_scale NULL: ones. */
template <typename Total, typename T>
static __global__ void dequantise_sums(const Total *sum, int64_t pitch, const float *row_scale,
                                       const float *weight_scale, Matrix bias, Matrix y,
                                       int64_t rows, int64_t columns)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * columns; at += step) {
        const int64_t n = at / columns;
        const int64_t o = at % columns;
        const double of_row = row_scale != nullptr ? static_cast<double>(row_scale[n]) : 1.0;
        const double scale = of_row * static_cast<double>(weight_scale[o]);
        const double scaled = static_cast<double>(sum[n * pitch + o]) * scale;
        narrow(scaled + element_or(bias, o, 0.0), address<T>(y, n, o));
    }
}

} // namespace assay_cublas

#endif
