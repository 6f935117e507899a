/* add, f32: one addition an element. */
#include "kernels/list.h"
#include "kernels/scalar/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_add_params *params,
                        const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    return scalar_add(&assay_add_scalar.precision, exec, io);
}

const assay_kernel assay_add_scalar = {
    SCALAR_KERNEL(add, "scalar",
                  "one addition an element"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.add = {.run = run},
};
