/* What the module of x86's vector instructions exports. */
#include "assay/plugin.h"
#include "kernels/simd/list.h"

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
#define KERNEL_ADDRESS(op, name) &assay_##op##_##name,
    static const assay_kernel *const kernels[] = {SIMD_KERNEL_LIST(KERNEL_ADDRESS)};
#undef KERNEL_ADDRESS
    *count = sizeof kernels / sizeof kernels[0];
    return kernels;
}
