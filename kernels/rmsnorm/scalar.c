/* rmsnorm, f32: mean square in 16 lanes. */
#include "kernels/list.h"
#include "kernels/scalar/norm.h"

static assay_status run(const assay_exec *exec, const assay_rmsnorm_params *params,
                        const void *state, const assay_rmsnorm_io *io)
{
    (void)state;
    return scalar_rmsnorm(&assay_rmsnorm_scalar.precision, exec, params, io);
}

const assay_kernel assay_rmsnorm_scalar = {
    SCALAR_KERNEL(rmsnorm, "scalar",
                  "mean square in 16 lanes"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.rmsnorm = {.run = run},
};
