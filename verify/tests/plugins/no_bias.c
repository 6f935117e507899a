/* A whole backend of the scalar kernels whose encoder forgets its bias. */
#include "assay/plugin.h"
#include "kernels/registry.h"

enum { STEPS = ASSAY_OP_capture };

static assay_status encode_run(const assay_exec *exec, const assay_sae_encode_params *params,
                               const void *state, const assay_sae_encode_io *io)
{
    assay_sae_encode_params other = *params;
    memset(&other.sae.encode_bias, 0, sizeof other.sae.encode_bias);
    return assay_kernel_find(ASSAY_OP_sae_encode, "scalar")
        ->run.sae_encode.run(exec, &other, state, io);
}

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static assay_kernel kernel[STEPS];
    static const assay_kernel *pointer[STEPS];
    for (int op = 0; op < STEPS; op++) {
        kernel[op] = *assay_kernel_find((assay_op)op, "scalar");
        kernel[op].name = "no_bias";
        if (op == ASSAY_OP_sae_encode) {
            kernel[op].run.sae_encode.run = encode_run;
        }
        pointer[op] = &kernel[op];
    }
    *count = STEPS;
    return pointer;
}
