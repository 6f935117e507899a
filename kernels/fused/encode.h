/* The fused encoders that the CUDA module exports. */
#ifndef KERNELS_FUSED_ENCODE_H
#define KERNELS_FUSED_ENCODE_H

#include "assay/kernel.h"

namespace assay_fused {

assay_kernel hopper_sae_encode();
assay_kernel cuda_tensor_sae_encode();

} // namespace assay_fused

#endif
