/* rmsnorm, bf16: f32 statistics, the normed row rounded to bf16 before the weight. */
#include "kernels/list.h"
#include "kernels/scalar/norm.h"

static assay_status run(const assay_exec *exec, const assay_rmsnorm_params *params,
                        const void *state, const assay_rmsnorm_io *io)
{
    (void)state;
    return scalar_rmsnorm(&assay_rmsnorm_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_rmsnorm_scalar_bf16 = {
    SCALAR_KERNEL(rmsnorm, "scalar_bf16",
                  "f32 statistics, the normed row rounded to bf16 before the weight"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.rmsnorm = {.run = run},
};
