/* rope, bf16: f32 angles, bf16 cosine and sine, each product rounded to bf16. */
#include "kernels/list.h"
#include "kernels/scalar/norm.h"

static assay_status run(const assay_exec *exec, const assay_rope_params *params,
                        const void *state, const assay_rope_io *io)
{
    (void)state;
    return scalar_rope(&assay_rope_scalar_bf16.precision, exec, params, io);
}

const assay_kernel assay_rope_scalar_bf16 = {
    SCALAR_KERNEL(rope, "scalar_bf16",
                  "f32 angles, bf16 cosine and sine, each product rounded to bf16"),
    .precision = SCALAR_CONTRACT(ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_F32),
    .run.rope = {.run = run},
};
