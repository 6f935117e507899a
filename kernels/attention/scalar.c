/* attention, f32: one head of one row at a time. */
#include "kernels/list.h"
#include "kernels/scalar/attention.h"

static assay_status run(const assay_exec *exec, const assay_attention_params *params,
                        const void *state, const assay_attention_io *io)
{
    (void)state;
    return scalar_attention(&assay_attention_scalar.precision, exec, params, io);
}

const assay_kernel assay_attention_scalar = {
    SCALAR_KERNEL(attention, "scalar",
                  "one head of one row at a time"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.attention = {.workspace = scalar_attention_workspace, .run = run},
};
