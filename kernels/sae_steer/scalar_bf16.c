/* sae_steer, bf16: the pre-activation and the result rounded to bf16. */
#include "kernels/list.h"
#include "kernels/scalar/sae_steer.h"

static assay_status run(const assay_exec *exec, const assay_sae_steer_params *params,
                        const void *state, const assay_sae_steer_io *io)
{
    (void)state;
    return scalar_sae_steer(&assay_sae_steer_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_sae_steer_scalar_bf16 = {
    SCALAR_KERNEL(sae_steer, "scalar_bf16",
                  "the pre-activation and the result rounded to bf16"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.sae_steer = {.workspace = scalar_steer_workspace, .run = run},
};
