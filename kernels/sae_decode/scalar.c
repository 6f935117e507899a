/* sae_decode, f32: the listed columns only, from a transposed copy. */
#include "kernels/list.h"
#include "kernels/scalar/sae_decode.h"

static assay_status run(const assay_exec *exec, const assay_sae_decode_params *params,
                        const void *state, const assay_sae_decode_io *io)
{
    return scalar_sae_decode(&assay_sae_decode_scalar.precision, exec, params, state, io);
}

const assay_kernel assay_sae_decode_scalar = {
    SCALAR_KERNEL(sae_decode, "scalar",
                  "the listed columns only, from a transposed copy"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.sae_decode = {.prepare = scalar_decode_prepare,
                       .run = run,
                       .bytes_read = scalar_decode_bytes_read},
    .release = scalar_decode_release,
};
