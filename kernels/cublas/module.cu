/* What the module exports: every op that is a product, in every mode. */
#include "kernels/cublas/list.h"

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    using namespace assay_cublas;
#define MAKE(mode, op) describe_##op<mode>(),
#define MAKE_ALL(op) ASSAY_CUBLAS_MODES(MAKE, op)
    static const assay_kernel kernels[] = {ASSAY_CUBLAS_OPS(MAKE_ALL) describe_linear_int8(),
                                           describe_linear_int8_weights()};
#undef MAKE_ALL
#undef MAKE
    constexpr size_t all = sizeof kernels / sizeof kernels[0];
    static const assay_kernel *pointers[all];
    for (size_t i = 0; i < all; i++) {
        pointers[i] = &kernels[i];
    }
    *count = all;
    return pointers;
}
