/* embed, bf16: bf16 activations. */
#include "kernels/list.h"
#include "kernels/scalar/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_embed_params *params,
                        const void *state, const assay_embed_io *io)
{
    (void)state;
    return scalar_embed(&assay_embed_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_embed_scalar_bf16 = {
    SCALAR_KERNEL(embed, "scalar_bf16",
                  "bf16 activations"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.embed = {.run = run},
};
