/* attention, bf16: score, scaled score and softmax weight rounded to bf16. */
#include "kernels/list.h"
#include "kernels/scalar/attention.h"

static assay_status run(const assay_exec *exec, const assay_attention_params *params,
                        const void *state, const assay_attention_io *io)
{
    (void)state;
    return scalar_attention(&assay_attention_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_attention_scalar_bf16 = {
    SCALAR_KERNEL(attention, "scalar_bf16",
                  "score, scaled score and softmax weight rounded to bf16"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.attention = {.workspace = scalar_attention_workspace, .run = run},
};
