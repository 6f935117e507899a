/* attention, f32, by 256-bit vectors: tiles of queries that share keys and values. */
#include "kernels/list.h"
#include "kernels/simd/attention.h"

static assay_status run(const assay_exec *exec, const assay_attention_params *params,
                        const void *state, const assay_attention_io *io)
{
    (void)state;
    return simd_attention(ASSAY_F32, exec, params, io);
}

const assay_kernel assay_attention_avx2 = {
    SIMD_KERNEL(attention, "avx2", SIMD_NEED_AVX2,
                "tiles of queries that share keys and values, scores in registers"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.attention = {.workspace = simd_attention_workspace, .run = run},
};
