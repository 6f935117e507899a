/* What a graph of attention is told of a call's rows, made on the device: the sequences of a call
 * are not known to the host. */
#ifndef KERNELS_CUDNN_RAGGED_H
#define KERNELS_CUDNN_RAGGED_H

#include "kernels/cuda/contract.h"

namespace assay_cudnn {

using namespace assay_cuda;

/* Of each sequence: its rows in this call, the keys that its last row sees, and where its first row
 * begins in q, in elements; of one that is not in the call zeros. */
struct Ragged {
    int32_t *rows, *keys, *offset; /* [S], [S], [S + 1] */
};

inline size_t ragged_bytes(int64_t sequences)
{
    constexpr size_t whole = 256;
    const size_t one = static_cast<size_t>(sequences + 1) * sizeof(int32_t);
    return 3 * ((one + whole - 1) / whole * whole);
}

inline Ragged carve_ragged(int64_t sequences, void *memory)
{
    const size_t step = ragged_bytes(sequences) / 3;
    char *const base = static_cast<char *>(memory);
    return {reinterpret_cast<int32_t *>(base), reinterpret_cast<int32_t *>(base + step),
            reinterpret_cast<int32_t *>(base + 2 * step)};
}

static __global__ void clear_ragged(Ragged ragged, int64_t sequences, int32_t end)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t s = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; s <= sequences;
         s += step) {
        ragged.offset[s] = s == sequences ? end : 0;
        if (s < sequences) {
            ragged.rows[s] = 0;
            ragged.keys[s] = 0;
        }
    }
}

/* Rows of a sequence are neighbours, at positions one after the other. */
static __global__ void fill_ragged(Ragged ragged, Matrix sequence, Matrix position, int64_t rows,
                                   int64_t width)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t n = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; n < rows;
         n += step) {
        const int64_t s = load_index(sequence, n);
        atomicAdd(&ragged.rows[s], 1);
        if (n == 0 || load_index(sequence, n - 1) != s) {
            ragged.offset[s] = static_cast<int32_t>(n * width);
        }
        if (n == rows - 1 || load_index(sequence, n + 1) != s) {
            ragged.keys[s] = static_cast<int32_t>(load_index(position, n) + 1);
        }
    }
}

inline assay_status make_ragged(const assay_exec *exec, const assay_tensor &sequence,
                                const assay_tensor &position, int64_t rows, int64_t width,
                                int64_t sequences, const Ragged &ragged)
{
    const Dimensions clear = {grid_stride(sequences + 1), dim3(BLOCK), 0};
    const Dimensions fill = {grid_stride(rows), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, clear_ragged, clear, ragged, sequences,
                 static_cast<int32_t>(rows * width));
    ASSAY_LAUNCH(exec, fill_ragged, fill, ragged, matrix_of(sequence), matrix_of(position), rows,
                 width);
    return ASSAY_OK;
}

/* Of each row instead, which is a batch of its own: one row, its keys, and in `offset` which
 * sequence's they are. No more rows than sequences. */
static __global__ void fill_single(Ragged ragged, Matrix sequence, Matrix position, int64_t rows)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t n = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; n < rows;
         n += step) {
        ragged.rows[n] = 1;
        ragged.keys[n] = static_cast<int32_t>(load_index(position, n) + 1);
        ragged.offset[n] = static_cast<int32_t>(load_index(sequence, n));
    }
}

inline assay_status make_single(const assay_exec *exec, const assay_tensor &sequence,
                                const assay_tensor &position, int64_t rows, const Ragged &ragged)
{
    const Dimensions fill = {grid_stride(rows), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, fill_single, fill, ragged, matrix_of(sequence), matrix_of(position), rows);
    return ASSAY_OK;
}

} // namespace assay_cudnn

#endif
