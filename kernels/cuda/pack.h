/* Copies of matrices in another type. */
#ifndef KERNELS_CUDA_PACK_H
#define KERNELS_CUDA_PACK_H

#include "kernels/cuda/contract.h"

namespace assay_cuda {

/* Elements of a type from a matrix of any, each rounded once. */
template <typename Element>
static __global__ void pack_rows(Matrix from, int64_t rows, int64_t columns, Element *to,
                                 int64_t pitch)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * pitch; at += step) {
        const int64_t row = at / pitch;
        const int64_t column = at % pitch;
        if (column >= columns) {
            narrow(0.0f, to + at);
        } else if (from.dtype == ASSAY_F64) {
            narrow(load_wide(from, row, column), to + at);
        } else {
            narrow(load(from, row, column), to + at);
        }
    }
}

template <typename Element>
assay_status pack(const assay_exec *exec, const Matrix &from, int64_t rows, int64_t columns,
                  Element *to, int64_t pitch)
{
    const Dimensions size = {grid_stride(rows * pitch), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, pack_rows<Element>, size, from, rows, columns, to, pitch);
    return ASSAY_OK;
}

} // namespace assay_cuda

#endif
