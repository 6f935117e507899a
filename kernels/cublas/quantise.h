/* Rows as integers of 8 bits with one scale each, and sums made numbers again (precision.h has the
 * rule, for weights; rows of activations follow it too):
 *   scale = max |x| / 127      q = rint(x / scale), 0 where scale is 0
 * in f32. A row with a number that is not finite has the scale NaN, and its outputs are NaN. */
#ifndef KERNELS_CUBLAS_QUANTISE_H
#define KERNELS_CUBLAS_QUANTISE_H

#include "kernels/cuda/contract.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/upload.h"

namespace assay_cublas {

using namespace assay_cuda;

enum { STEPS = 127 };

/* A block a row; zeros from `columns` to `pitch`. */
static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    quantise_rows(Matrix from, int64_t columns, int8_t *to, int64_t pitch, float *scale)
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
    const float step = wild != 0 ? NAN : top / static_cast<float>(STEPS);
    for (int64_t i = threadIdx.x; i < pitch; i += BLOCK) {
        const bool counts = i < columns && wild == 0 && step > 0.0f;
        to[row * pitch + i] =
            counts ? static_cast<int8_t>(rintf(load(from, row, i) / step)) : int8_t{0};
    }
    if (threadIdx.x == 0) {
        scale[row] = step;
    }
}

inline assay_status quantise(const assay_exec *exec, const Matrix &from, int64_t rows,
                             int64_t columns, int8_t *to, int64_t pitch, float *scale)
{
    const Dimensions size = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, quantise_rows, size, from, columns, to, pitch, scale);
    return ASSAY_OK;
}

/* y[n,o] = sum[n,o] row_scale[n] weight_scale[o] + bias[o], rounded once. */
template <typename T>
static __global__ void dequantise_sums(const int32_t *sum, const float *row_scale,
                                       const float *weight_scale, Matrix bias, Matrix y,
                                       int64_t rows, int64_t columns)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * columns; at += step) {
        const int64_t n = at / columns;
        const int64_t o = at % columns;
        const double scaled = static_cast<double>(sum[at]) *
                              (static_cast<double>(row_scale[n]) *
                               static_cast<double>(weight_scale[o]));
        narrow(scaled + element_or(bias, o, 0.0), address<T>(y, n, o));
    }
}

} // namespace assay_cublas

#endif
