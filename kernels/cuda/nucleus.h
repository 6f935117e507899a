/* The nucleus of a row of tokens by one block: by descending score, those before which the sum of
 * weights has not reached top_p. Nothing is sorted: its least key is found by bisection, each sum
 * in the same order, so that sums of fewer weights are never greater. */
#ifndef KERNELS_CUDA_NUCLEUS_H
#define KERNELS_CUDA_NUCLEUS_H

#include "kernels/cuda/select.h"

namespace assay_cuda {

/* Sum of the weights whose score's key is above the given one. */
__device__ __forceinline__ double weight_above(const float *score, const float *weight,
                                               int64_t vocab, uint32_t key)
{
    double part = 0.0;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        part += key_of(score[t]) > key ? static_cast<double>(weight[t]) : 0.0;
    }
    return block_reduce<Sum>(part);
}

/* How many of `equals` tokens of weight w each, of which the sum before the first is `before`, come
 * before the sum has reached `enough`; of the very first tokens one stays in any case. */
__device__ __forceinline__ int64_t kept_equals(double before, double w, double enough,
                                               int64_t equals, bool very_first)
{
    int64_t kept = 0;
    if (before < enough) {
        const double room = w > 0.0 ? (enough - before) / w : static_cast<double>(equals);
        kept = room < static_cast<double>(equals) ? static_cast<int64_t>(room) : equals;
        while (kept < equals && before + static_cast<double>(kept) * w < enough) {
            kept++;
        }
        while (kept > 0 && !(before + static_cast<double>(kept - 1) * w < enough)) {
            kept--;
        }
    }
    return kept == 0 && very_first ? 1 : kept;
}

/* Drops the tokens before which the sum, by descending probability, has reached top_p. Of equals
 * the highest index comes first, so the lowest are dropped. Returns the sum of what is left. */
__device__ __forceinline__ double keep_top_p(const float *score, float *weight, int64_t vocab,
                                             double top_p, double total)
{
    const double enough = top_p * total;
    uint32_t least_key = 0; /* the least before whose tokens the sum is below `enough` */
    for (uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
        const bool reached = !(weight_above(score, weight, vocab, least_key + bit - 1) < enough);
        least_key += reached ? bit : 0;
    }
    uint32_t top_key = 0;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        const uint32_t key = key_of(score[t]);
        top_key = key > top_key ? key : top_key;
    }
    top_key = static_cast<uint32_t>(block_reduce<Greatest>(static_cast<uint64_t>(top_key)));
    least_key = least_key < top_key ? least_key : top_key;
    const double before = weight_above(score, weight, vocab, least_key);
    const auto key = [&](int64_t t) { return key_of(score[t]); };
    int64_t part = 0;
    float own = 0.0f;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        const bool equal = key(t) == least_key;
        part += equal ? 1 : 0;
        own = equal ? weight[t] : own;
    }
    const int64_t equals = block_reduce<Sum>(part);
    const double w = static_cast<double>(block_reduce<Greatest>(own));
    const int64_t kept = kept_equals(before, w, enough, equals, least_key == top_key);
    const int64_t last_dropped = nth_equal<uint32_t>(vocab, least_key, equals - kept, key);
    double left = 0.0;
    for (int64_t t = threadIdx.x; t < vocab; t += blockDim.x) {
        const uint32_t its = key(t);
        if (its < least_key || (its == least_key && t <= last_dropped)) {
            weight[t] = 0.0f;
        }
        left += static_cast<double>(weight[t]);
    }
    return block_reduce<Sum>(left);
}

} // namespace assay_cuda

#endif
