/* What the module exports: every op that cuDNN has a graph for, in both contracts. */
#include "kernels/cudnn/context.h"

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    using namespace assay_cudnn;
#define MAKE(op) describe_##op<Bf16Flow>(), describe_##op<F16Flow>(),
    static const assay_kernel kernels[] = {ASSAY_CUDNN_OPS(MAKE)};
#undef MAKE
    constexpr size_t all = sizeof kernels / sizeof kernels[0];
    static const assay_kernel *pointers[all];
    for (size_t i = 0; i < all; i++) {
        pointers[i] = &kernels[i];
    }
    *count = all;
    return pointers;
}
