/* add, bf16: the sum rounded to bf16. */
#include "kernels/list.h"
#include "kernels/scalar/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_add_params *params,
                        const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    return scalar_add(&assay_add_scalar_bf16.precision, exec, io);
}

const assay_kernel assay_add_scalar_bf16 = {
    SCALAR_KERNEL(add, "scalar_bf16",
                  "the sum rounded to bf16"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.add = {.run = run},
};
