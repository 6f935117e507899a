/* The k-th greatest of many numbers by one block, exactly: numbers become unsigned keys of the same
 * order, whose digits are counted from the highest down. */
#ifndef KERNELS_CUDA_SELECT_H
#define KERNELS_CUDA_SELECT_H

#include "kernels/cuda/reduce.h"

namespace assay_cuda {

/* -0 and 0 are equal; every NaN is the greatest key. */
__device__ __forceinline__ uint32_t key_of(float x)
{
    const float value = x + 0.0f;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t key = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
    return value != value ? ~uint32_t{0} : key;
}

__device__ __forceinline__ uint64_t key_of(double x)
{
    const double value = x + 0.0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t key = (bits >> 63) != 0 ? ~bits : bits | (uint64_t{1} << 63);
    return value != value ? ~uint64_t{0} : key;
}

template <typename Key> struct Kth {
    Key key;
    int64_t equals; /* how many of those with this very key are among the k */
};

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

/* Finds the digit that holds the `left`-th greatest of the counted; takes off those above it. */
__device__ __forceinline__ int digit_of(const int *count, int64_t *left)
{
    ASSAY_SHARED(int64_t, found, 2);
    int64_t above = 0;
    for (int base = 0; base < DIGITS; base += static_cast<int>(blockDim.x)) {
        const int at = base + static_cast<int>(threadIdx.x);
        const int64_t here = at < DIGITS ? count[DIGITS - 1 - at] : 0;
        int64_t total = 0;
        const int64_t before = above + block_scan(here, &total);
        if (before < *left && *left <= before + here) {
            found[0] = DIGITS - 1 - at;
            found[1] = before;
        }
        above += total;
    }
    __syncthreads();
    const int digit = static_cast<int>(found[0]);
    *left -= found[1];
    __syncthreads();
    return digit;
}

/* The k-th greatest of key(0) .. key(count-1), 1 <= k <= count. */
template <typename Key, typename KeyAt>
__device__ __forceinline__ Kth<Key> kth_greatest(int64_t count, int64_t k, const KeyAt &key)
{
    ASSAY_SHARED(int, counted, DIGITS);
    Key prefix = 0;
    int64_t left = k;
    for (int shift = 8 * static_cast<int>(sizeof(Key)) - DIGIT_BITS; shift >= 0;
         shift -= DIGIT_BITS) {
        for (int i = static_cast<int>(threadIdx.x); i < DIGITS; i += static_cast<int>(blockDim.x)) {
            counted[i] = 0;
        }
        __syncthreads();
        const Key above = shift + DIGIT_BITS < 8 * static_cast<int>(sizeof(Key))
                              ? static_cast<Key>(~Key{0} << (shift + DIGIT_BITS))
                              : Key{0};
        for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
            const Key own = key(i);
            if ((own & above) == prefix) {
                (void)atomicAdd(&counted[static_cast<int>(own >> shift) & (DIGITS - 1)], 1);
            }
        }
        __syncthreads();
        prefix |= static_cast<Key>(digit_of(counted, &left)) << shift;
    }
    return {prefix, left};
}

/* Index of the nth (from 1) i with key(i) == wanted; -1 for nth 0. There are so many. */
template <typename Key, typename KeyAt>
__device__ __forceinline__ int64_t nth_equal(int64_t count, Key wanted, int64_t nth,
                                             const KeyAt &key)
{
    ASSAY_SHARED(int64_t, found, 1);
    if (threadIdx.x == 0) {
        found[0] = -1;
    }
    __syncthreads();
    int64_t before = 0;
    for (int64_t base = 0; base < count && before < nth; base += blockDim.x) {
        const int64_t i = base + threadIdx.x;
        const int64_t equal = i < count && key(i) == wanted ? 1 : 0;
        int64_t total = 0;
        const int64_t rank = before + block_scan(equal, &total) + equal;
        if (equal != 0 && rank == nth) {
            found[0] = i;
        }
        before += total;
    }
    __syncthreads();
    const int64_t index = found[0];
    __syncthreads();
    return index;
}

} // namespace assay_cuda

#endif
