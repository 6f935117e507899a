/* sae_steer, f32: one latent encoded, its column added. */
#include "kernels/list.h"
#include "kernels/scalar/sae_steer.h"

static assay_status run(const assay_exec *exec, const assay_sae_steer_params *params,
                        const void *state, const assay_sae_steer_io *io)
{
    (void)state;
    return scalar_sae_steer(&assay_sae_steer_scalar.precision, exec, params, io);
}

const assay_kernel assay_sae_steer_scalar = {
    SCALAR_KERNEL(sae_steer, "scalar",
                  "one latent encoded, its column added"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.sae_steer = {.workspace = scalar_steer_workspace, .run = run},
};
