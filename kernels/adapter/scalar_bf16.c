/* adapter, bf16: f32 arithmetic, the result rounded to bf16. */
#include "kernels/list.h"
#include "kernels/scalar/adapter.h"

static assay_status run(const assay_exec *exec, const assay_adapter_params *params,
                        const void *state, const assay_adapter_io *io)
{
    (void)state;
    return scalar_adapter(&assay_adapter_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_adapter_scalar_bf16 = {
    SCALAR_KERNEL(adapter, "scalar_bf16",
                  "f32 arithmetic, the result rounded to bf16"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.adapter = {.workspace = scalar_adapter_workspace, .run = run},
};
