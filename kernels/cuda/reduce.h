/* Sums, maxima and prefix sums over a warp and over a block, each in one fixed order. A block is
 * one-dimensional and a whole number of warps; every thread of it calls. */
#ifndef KERNELS_CUDA_REDUCE_H
#define KERNELS_CUDA_REDUCE_H

#include "kernels/cuda/element.h"

namespace assay_cuda {

enum { WARPS_MAX = 32 };

struct Sum {
    template <typename T> __device__ __forceinline__ static T of(T a, T b) { return a + b; }
};

/* The greater; a NaN loses to a number, so whoever cares looks for it elsewhere. */
struct Greatest {
    __device__ __forceinline__ static float of(float a, float b) { return fmaxf(a, b); }
    __device__ __forceinline__ static int64_t of(int64_t a, int64_t b) { return a > b ? a : b; }
    __device__ __forceinline__ static uint64_t of(uint64_t a, uint64_t b) { return a > b ? a : b; }
};

/* Every lane gets the result. */
template <typename Operation, typename T> __device__ __forceinline__ T warp_reduce(T value)
{
    for (int with = WARP / 2; with > 0; with /= 2) {
        value = Operation::of(value, __shfl_xor_sync(ALL_LANES, value, with));
    }
    return value;
}

/* Every thread gets the result. Ends with a barrier: `value` of the next call may follow. */
template <typename Operation, typename T> __device__ __forceinline__ T block_reduce(T value)
{
    ASSAY_SHARED(T, part, WARPS_MAX);
    const unsigned warps = blockDim.x / WARP;
    value = warp_reduce<Operation>(value);
    if (threadIdx.x % WARP == 0) {
        part[threadIdx.x / WARP] = value;
    }
    __syncthreads();
    T total = part[0];
    for (unsigned w = 1; w < warps; w++) {
        total = Operation::of(total, part[w]);
    }
    __syncthreads();
    return total;
}

/* Sum of the values of threads 0 .. own - 1; *total of all. */
template <typename T> __device__ __forceinline__ T block_scan(T value, T *total)
{
    ASSAY_SHARED(T, part, WARPS_MAX);
    const unsigned warps = blockDim.x / WARP;
    const unsigned warp = threadIdx.x / WARP;
    const unsigned lane = threadIdx.x % WARP;
    T inclusive = value;
    for (unsigned by = 1; by < WARP; by *= 2) {
        const T before = __shfl_up_sync(ALL_LANES, inclusive, by);
        inclusive = lane >= by ? before + inclusive : inclusive;
    }
    if (lane == WARP - 1) {
        part[warp] = inclusive;
    }
    const T up = __shfl_up_sync(ALL_LANES, inclusive, 1u);
    __syncthreads();
    T base = 0;
    T all = 0;
    for (unsigned w = 0; w < warps; w++) {
        base = w == warp ? all : base;
        all = all + part[w];
    }
    __syncthreads();
    *total = all;
    return lane == 0 ? base : base + up;
}

} // namespace assay_cuda

#endif
