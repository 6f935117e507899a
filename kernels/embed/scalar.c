/* embed, f32: rows of a table, soft rows over them. */
#include "kernels/list.h"
#include "kernels/scalar/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_embed_params *params,
                        const void *state, const assay_embed_io *io)
{
    (void)state;
    return scalar_embed(&assay_embed_scalar.precision, exec, params, io);
}

const assay_kernel assay_embed_scalar = {
    SCALAR_KERNEL(embed, "scalar",
                  "rows of a table, soft rows over them"),
    .precision = SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.embed = {.run = run},
};
