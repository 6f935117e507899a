/* y = f(a, b), elementwise: add and swiglu, whose functions fused kernels call too. A thread takes eight neighbours of a row; y may be a
 * or b, since a thread reads all that it writes over before it does. */
#ifndef KERNELS_CUDA_PAIRS_H
#define KERNELS_CUDA_PAIRS_H

#include "kernels/cuda/contract.h"

namespace assay_cuda {

struct Addition {
    template <typename T> __device__ __forceinline__ static float of(float a, float b)
    {
        return a + b;
    }
};

/* exp(-g) overflows for g below -88, where silu(g) is still a normal number: there the exponential
 * is taken in two halves, neither of which underflows. */
__device__ __forceinline__ float silu(float gate)
{
    if (gate > -80.0f) {
        return gate / (1.0f + expf(-gate));
    }
    const float half = expf(0.5f * gate);
    return gate * half * half;
}

struct GatedProduct {
    template <typename T> __device__ __forceinline__ static float of(float gate, float up)
    {
        return rounded<T>(silu(gate)) * up;
    }
};

template <typename T, typename Function>
__global__ void pairs(Matrix a, Matrix b, Matrix y, int64_t rows, int64_t d)
{
    const int64_t octets = (d + OCTET - 1) / OCTET;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t task = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         task < rows * octets; task += step) {
        const int64_t n = task / octets;
        const int64_t column = task % octets * OCTET;
        float left[OCTET];
        float right[OCTET];
        load_octet(a, n, column, d - column, left);
        load_octet(b, n, column, d - column, right);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            left[i] = Function::template of<T>(left[i], right[i]);
        }
        store_octet<T>(y, n, column, d - column, left);
    }
}

template <typename T, typename Function>
assay_status run_pairs(const assay_exec *exec, const Operand &a, const Operand &b,
                       const assay_tensor &y)
{
    const Operand typed[] = {a, b, {"y", &y}};
    const assay_status status = expect(exec, Flow<T>::type, typed);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = y.shape[0];
    const int64_t d = y.shape[1];
    const Dimensions size = {grid_stride(rows * blocks_for(d, OCTET)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, (pairs<T, Function>), size, matrix_of(*a.tensor), matrix_of(*b.tensor),
                 matrix_of(y), rows, d);
    return ASSAY_OK;
}

} // namespace assay_cuda

#endif
