/* The key/value cache, and the rows of a call stored in it. */
#ifndef KERNELS_CUDA_CACHE_H
#define KERNELS_CUDA_CACHE_H

#include "kernels/cuda/contract.h"

namespace assay_cuda {

struct Cache {
    char *data;
    int64_t sequence, position, column; /* strides in elements */
    int32_t dtype;
};

inline Cache cache_of(const assay_tensor &tensor)
{
    return {static_cast<char *>(tensor.data), tensor.stride[0], tensor.stride[1],
            tensor.stride[2], tensor.dtype};
}

/* The rows of one sequence. */
__device__ __forceinline__ Matrix rows_of(const Cache &cache, int64_t sequence)
{
    const int64_t size = cache.dtype == ASSAY_F64 ? 8 : cache.dtype == ASSAY_F32 ? 4 : 2;
    return {cache.data + sequence * cache.sequence * size, cache.position, cache.column,
            cache.dtype};
}

/* A thread takes an octet of a row's k and of its v. */
static __global__ void store_cache(Matrix k, Matrix v, Matrix sequence, Matrix position,
                                   Cache k_cache, Cache v_cache, int64_t rows, int64_t width)
{
    const int64_t octets = (width + OCTET - 1) / OCTET;
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t task = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         task < rows * octets; task += step) {
        const int64_t n = task / octets;
        const int64_t column = task % octets * OCTET;
        const int64_t s = load_index(sequence, n);
        const int64_t t = load_index(position, n);
        float key[OCTET];
        float value[OCTET];
        load_octet(k, n, column, width - column, key);
        load_octet(v, n, column, width - column, value);
        store_octet(rows_of(k_cache, s), t, column, width - column, key);
        store_octet(rows_of(v_cache, s), t, column, width - column, value);
    }
}

inline assay_status store_rows(const assay_exec *exec, const assay_attention_params *params,
                               const assay_attention_io *io)
{
    const int64_t rows = io->q.shape[0];
    const int64_t width = params->kv_heads * params->head_dim;
    const Dimensions size = {grid_stride(rows * blocks_for(width, OCTET)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, store_cache, size, matrix_of(io->k), matrix_of(io->v),
                 matrix_of(io->sequence), matrix_of(io->position), cache_of(io->k_cache),
                 cache_of(io->v_cache), rows, width);
    return ASSAY_OK;
}

} // namespace assay_cuda

#endif
