/* linear, f32: dot products in 16 lanes, weights widened on the fly. */
#include "kernels/list.h"
#include "kernels/scalar/linear.h"

static assay_status run(const assay_exec *exec, const assay_linear_params *params,
                        const void *state, const assay_linear_io *io)
{
    (void)state;
    return scalar_linear(&assay_linear_scalar.precision, exec, params, io);
}

const assay_kernel assay_linear_scalar = {
    SCALAR_KERNEL(linear, "scalar",
                  "dot products in 16 lanes, weights widened on the fly"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.linear = {.workspace = scalar_linear_workspace, .run = run},
};
