/* What the module exports: every op in both contracts, and the encoders of tensor cores. */
#include "kernels/cuda/contract.h"
#include "kernels/fused/encode.h"

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    using namespace assay_cuda;
#define MAKE(op) cuda_##op(ASSAY_F32), cuda_##op(ASSAY_BF16),
    static const assay_kernel kernels[] = {ASSAY_CUDA_OPS(MAKE)
                                           assay_fused::hopper_sae_encode(),
                                           assay_fused::cuda_tensor_sae_encode()};
#undef MAKE
    constexpr size_t all = sizeof kernels / sizeof kernels[0];
    static const assay_kernel *pointers[all];
    for (size_t i = 0; i < all; i++) {
        pointers[i] = &kernels[i];
    }
    *count = all;
    return pointers;
}
