/* embed, bf16, by 512-bit vectors: rows copied or converted. */
#include "kernels/list.h"
#include "kernels/simd/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_embed_params *params,
                        const void *state, const assay_embed_io *io)
{
    (void)state;
    return simd_embed(ASSAY_BF16, exec, params, io);
}

const assay_kernel assay_embed_amx = {
    SIMD_KERNEL(embed, "amx", SIMD_NEED_AMX,
                "rows copied, the next one asked for ahead"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.embed = {.run = run},
};
