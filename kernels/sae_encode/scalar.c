/* sae_encode, f32: dot products in 16 lanes, active latents compacted row by row. */
#include "kernels/list.h"
#include "kernels/scalar/sae_encode.h"

static assay_status run(const assay_exec *exec, const assay_sae_encode_params *params,
                        const void *state, const assay_sae_encode_io *io)
{
    (void)state;
    return scalar_sae_encode(&assay_sae_encode_scalar.precision, exec, params, io);
}

const assay_kernel assay_sae_encode_scalar = {
    SCALAR_KERNEL(sae_encode, "scalar",
                  "dot products in 16 lanes, active latents compacted row by row"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = scalar_encode_workspace, .run = run},
};
