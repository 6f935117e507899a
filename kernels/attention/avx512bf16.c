/* attention, bf16, by 512-bit vectors: tiles of queries that share keys and values. */
#include "kernels/list.h"
#include "kernels/simd/attention.h"

static assay_status run(const assay_exec *exec, const assay_attention_params *params,
                        const void *state, const assay_attention_io *io)
{
    (void)state;
    return simd_attention(ASSAY_BF16, exec, params, io);
}

const assay_kernel assay_attention_avx512bf16 = {
    SIMD_KERNEL(attention, "avx512bf16", SIMD_NEED_AVX512BF16,
                "tiles of queries that share keys and values, scores in registers"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.attention = {.workspace = simd_attention_workspace, .run = run},
};
