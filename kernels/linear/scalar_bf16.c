/* linear, bf16: f32 sums in 16 lanes, rounded to bf16. */
#include "kernels/list.h"
#include "kernels/scalar/linear.h"

static assay_status run(const assay_exec *exec, const assay_linear_params *params,
                        const void *state, const assay_linear_io *io)
{
    (void)state;
    return scalar_linear(&assay_linear_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_linear_scalar_bf16 = {
    SCALAR_KERNEL(linear, "scalar_bf16",
                  "f32 sums in 16 lanes, rounded to bf16"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.linear = {.workspace = scalar_linear_workspace, .run = run},
};
