/* sample, bf16: bf16 logits. */
#include "kernels/list.h"
#include "kernels/scalar/sample.h"

static assay_status run(const assay_exec *exec, const assay_sample_params *params,
                        const void *state, const assay_sample_io *io)
{
    (void)state;
    return scalar_sample(exec, params, io);
}

const assay_kernel assay_sample_scalar_bf16 = {
    SCALAR_KERNEL(sample, "scalar_bf16",
                  "bf16 logits"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .capabilities = ASSAY_CAN_PROBABILITY,
    .run.sample = {.workspace = scalar_sample_workspace, .run = run},
};
