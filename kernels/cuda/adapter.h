/* What adapters multiply: a row less the mean, normalised where asked. */
#ifndef KERNELS_CUDA_ADAPTER_H
#define KERNELS_CUDA_ADAPTER_H

#include "kernels/cuda/contract.h"
#include "kernels/cuda/reduce.h"

namespace assay_cuda {

__device__ __forceinline__ double centred(const Matrix &x, const Matrix &mean, int64_t row,
                                          int64_t i)
{
    const double value = load_wide(x, row, i);
    return mean.data != nullptr ? value - load_wide(mean, 0, i) : value;
}

/* v of the formula, a block a row, rounded to f32. */
static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    input_rows(Matrix x, Matrix mean, int64_t row_first, int64_t d, bool normalise, float *v)
{
    const int64_t row = row_first + blockIdx.x;
    float *const own = v + blockIdx.x * d;
    double part = 0.0;
    for (int64_t i = threadIdx.x; i < d; i += BLOCK) {
        const float value = static_cast<float>(centred(x, mean, row, i));
        own[i] = value;
        part += static_cast<double>(value) * static_cast<double>(value);
    }
    if (!normalise) {
        return; /* every thread of every block */
    }
    const double divisor = sqrt(block_reduce<Sum>(part)) + 1e-8;
    for (int64_t i = threadIdx.x; i < d; i += BLOCK) {
        own[i] = static_cast<float>(static_cast<double>(own[i]) / divisor);
    }
}

} // namespace assay_cuda

#endif
