/* Whether this processor has what a kernel's instructions need. */
#include "kernels/registry.h"

assay_status assay_kernel_usable(const assay_kernel *kernel, const assay_device *device,
                                 assay_error *error)
{
    const uint32_t missing = kernel->features & ~device->features;
    if (missing == 0) {
        return ASSAY_OK;
    }
    char names[128] = "";
    size_t used = 0;
    for (int i = 0; i < ASSAY_FEATURE_COUNT && used < sizeof names; i++) {
        if ((missing >> i & 1u) != 0) {
            const int wrote = snprintf(names + used, sizeof names - used, "%s%s",
                                       used == 0 ? "" : " ", assay_feature_name(i));
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
    return assay_fail(error, ASSAY_UNSUPPORTED,
                      "%s/%s needs %s, which this processor or its system lacks",
                      assay_op_name(kernel->op), kernel->name, names);
}
