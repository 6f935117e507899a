/* Rows that fused attention may get wrong: it multiplies what is masked by a weight of 0, which
 * makes a NaN of an infinity or a NaN that a row must not see, and a score of -Inf is no less than
 * the number that masks. All of that shows as an output that is not finite; those heads are
 * computed again, over visible keys alone, and stay what they are where the formula says so. Finite
 * ones are copied to y, which may be q: the graph writes to scratch. */
#ifndef KERNELS_CUDNN_REPAIR_H
#define KERNELS_CUDNN_REPAIR_H

#include "kernels/cuda/cache.h"
#include "kernels/cuda/reduce.h"

namespace assay_cudnn {

using namespace assay_cuda;

enum { HEAD_MOST = 8192 }; /* what shared memory holds */

struct Heads {
    int64_t heads, group, head_dim; /* group: query heads of one kv head */
    float scale;
};

__device__ __forceinline__ float score_at(const float *query, const Matrix &k, int64_t t,
                                          int64_t from, const Heads &h)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < h.head_dim; i++) {
        sum += query[i] * load(k, t, from + i);
    }
    return sum * h.scale;
}

/* A block for a head of a row. */
template <typename T>
static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    repair_heads(Matrix made, Matrix q, Matrix sequence, Matrix position, Cache k_cache,
                 Cache v_cache, Matrix y, Heads h)
{
    ASSAY_DYNAMIC_SHARED(float, query); /* [head_dim] */
    ASSAY_SHARED(float, weight, BLOCK);
    const int64_t n = blockIdx.x / h.heads;
    const int64_t own = blockIdx.x % h.heads * h.head_dim;
    int wrong = 0;
    for (int64_t i = threadIdx.x; i < h.head_dim; i += BLOCK) {
        const T held = *address<const T>(made, n, own + i);
        wrong += widen(held) - widen(held) != 0.0f ? 1 : 0; /* a NaN or an infinity */
        query[i] = load(q, n, own + i);
        *address<T>(y, n, own + i) = held;
    }
    if (block_reduce<Sum>(wrong) == 0) { /* which ends with a barrier */
        return;
    }
    const int64_t s = load_index(sequence, n);
    const int64_t keys = load_index(position, n) + 1;
    const int64_t from = own / h.head_dim / h.group * h.head_dim;
    const Matrix k = rows_of(k_cache, s);
    const Matrix v = rows_of(v_cache, s);
    float top = -INFINITY;
    for (int64_t t = threadIdx.x; t < keys; t += BLOCK) {
        top = fmaxf(top, score_at(query, k, t, from, h));
    }
    top = block_reduce<Greatest>(top);
    for (int64_t e = 0; e < h.head_dim; e += BLOCK) {
        const int64_t i = e + threadIdx.x;
        float out = 0.0f;
        float sum = 0.0f;
        for (int64_t first = 0; first < keys; first += BLOCK) {
            const int64_t t = first + threadIdx.x;
            weight[threadIdx.x] =
                t < keys ? expf(score_at(query, k, t, from, h) - top) : 0.0f;
            __syncthreads();
            for (int64_t j = 0; j < least(BLOCK, keys - first); j++) {
                sum += weight[j];
                out += i < h.head_dim ? weight[j] * load(v, first + j, from + i) : 0.0f;
            }
            __syncthreads();
        }
        if (i < h.head_dim) {
            narrow(out / sum, address<T>(y, n, own + i));
        }
    }
}

template <typename T>
assay_status repair(const assay_exec *exec, const assay_attention_params *params,
                    const assay_attention_io *io, const Matrix &made, float scale)
{
    const Heads h = {params->heads, params->heads / params->kv_heads, params->head_dim, scale};
    const Dimensions size = {dim3(static_cast<unsigned>(io->q.shape[0] * params->heads)),
                             dim3(BLOCK),
                             static_cast<size_t>(params->head_dim) * sizeof(float)};
    ASSAY_LAUNCH(exec, repair_heads<T>, size, made, matrix_of(io->q), matrix_of(io->sequence),
                 matrix_of(io->position), cache_of(io->k_cache), cache_of(io->v_cache),
                 matrix_of(io->y), h);
    return ASSAY_OK;
}

} // namespace assay_cudnn

#endif
