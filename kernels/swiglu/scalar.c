/* swiglu, f32: silu through an f64 exponential. */
#include "kernels/list.h"
#include "kernels/scalar/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_swiglu_params *params,
                        const void *state, const assay_swiglu_io *io)
{
    (void)params;
    (void)state;
    return scalar_swiglu(&assay_swiglu_scalar.precision, exec, io);
}

const assay_kernel assay_swiglu_scalar = {
    SCALAR_KERNEL(swiglu, "scalar",
                  "silu through an f64 exponential"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.swiglu = {.run = run},
};
