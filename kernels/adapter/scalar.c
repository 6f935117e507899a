/* adapter, f32: f32 products and sums. */
#include "kernels/list.h"
#include "kernels/scalar/adapter.h"

static assay_status run(const assay_exec *exec, const assay_adapter_params *params,
                        const void *state, const assay_adapter_io *io)
{
    (void)state;
    return scalar_adapter(&assay_adapter_scalar.precision, exec, params, io);
}

const assay_kernel assay_adapter_scalar = {
    SCALAR_KERNEL(adapter, "scalar",
                  "f32 products and sums"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.adapter = {.workspace = scalar_adapter_workspace, .run = run},
};
