/* What a linear layer makes of a dot product: the bias is added before the one rounding. */
#ifndef KERNELS_CUDA_BIASED_H
#define KERNELS_CUDA_BIASED_H

#include "kernels/cuda/product.h"

namespace assay_cuda {

template <typename T>
__device__ __forceinline__ T biased(const Matrix &bias, int64_t o, float dot)
{
    T y;
    if (bias.data == nullptr) {
        narrow(dot, &y);
    } else {
        narrow(static_cast<double>(dot) + load_wide(bias, 0, o), &y);
    }
    return y;
}

} // namespace assay_cuda

#endif
