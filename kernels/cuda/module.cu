/* What the module exports: every op in both contracts and their fusions, and the encoders of tensor
 * cores. */
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

namespace assay_cuda {
namespace {

assay_fusions fusions_of(const char *name, assay_dtype type)
{
    assay_fusions made = {};
    made.abi = ASSAY_FUSIONS_ABI;
    made.size = static_cast<uint32_t>(sizeof made);
    made.name = name;
#define MAKE(fusion) made.fusion = cuda_##fusion(type);
    ASSAY_LAYER_FUSIONS(MAKE)
#undef MAKE
    return made;
}

} // namespace
} // namespace assay_cuda

ASSAY_PLUGIN_EXPORT const assay_fusions *const *assay_plugin_fusions(size_t *count);
const assay_fusions *const *assay_plugin_fusions(size_t *count)
{
    using namespace assay_cuda;
    static const assay_fusions fusions[] = {fusions_of(Flow<float>::name, Flow<float>::type),
                                            fusions_of(Flow<Bf16>::name, Flow<Bf16>::type)};
    static const assay_fusions *const pointers[] = {&fusions[0], &fusions[1]};
    *count = sizeof pointers / sizeof pointers[0];
    return pointers;
}
