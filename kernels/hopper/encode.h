/* What the CUDA module exports of this folder. */
#ifndef KERNELS_HOPPER_ENCODE_H
#define KERNELS_HOPPER_ENCODE_H

#include "assay/kernel.h"

namespace assay_hopper {

assay_kernel hopper_sae_encode();

} // namespace assay_hopper

#endif
