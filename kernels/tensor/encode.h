/* What the CUDA module exports of this folder. */
#ifndef KERNELS_TENSOR_ENCODE_H
#define KERNELS_TENSOR_ENCODE_H

#include "assay/kernel.h"

namespace assay_mma {

assay_kernel cuda_tensor_sae_encode();

} // namespace assay_mma

#endif
