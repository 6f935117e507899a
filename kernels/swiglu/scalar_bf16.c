/* swiglu, bf16: silu rounded to bf16 before the product. */
#include "kernels/list.h"
#include "kernels/scalar/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_swiglu_params *params,
                        const void *state, const assay_swiglu_io *io)
{
    (void)params;
    (void)state;
    return scalar_swiglu(&assay_swiglu_scalar_bf16.precision, exec, io);
}

const assay_kernel assay_swiglu_scalar_bf16 = {
    SCALAR_KERNEL(swiglu, "scalar_bf16",
                  "silu rounded to bf16 before the product"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.swiglu = {.run = run},
};
