/* rope, f32: rotate-half. */
#include "kernels/list.h"
#include "kernels/scalar/norm.h"

static assay_status run(const assay_exec *exec, const assay_rope_params *params,
                        const void *state, const assay_rope_io *io)
{
    (void)state;
    return scalar_rope(&assay_rope_scalar.precision, exec, params, io);
}

const assay_kernel assay_rope_scalar = {
    SCALAR_KERNEL(rope, "scalar",
                  "rotate-half"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_F64),
    .run.rope = {.run = run},
};
