/* Weights as a graph reads them: as they lie where they are of its type, else packed once. */
#ifndef KERNELS_CUDNN_PACKED_H
#define KERNELS_CUDNN_PACKED_H

#include "kernels/cuda/pack.h"
#include "kernels/cuda/state.h"
#include "kernels/cudnn/context.h"

namespace assay_cudnn {

struct Packed {
    Uploads uploads;
    void *weight, *bias, *gain; /* NULL: there is none */
};

/* A matrix of `columns` as elements of T, an absent one as NULL. */
template <typename T>
assay_status place(const assay_exec *exec, assay_dtype type, const assay_tensor &tensor,
                   int64_t rows, int64_t columns, Uploads *uploads, void **placed)
{
    *placed = tensor.data;
    if (!assay_present(&tensor) || tensor.dtype == type) {
        return ASSAY_OK;
    }
    const size_t bytes = static_cast<size_t>(rows * columns) * sizeof(T);
    const assay_status status = reserve(exec, bytes, uploads, placed);
    return status != ASSAY_OK ? status
                              : pack(exec, matrix_of(tensor), rows, columns,
                                     static_cast<T *>(*placed), columns);
}

} // namespace assay_cudnn

#endif
