/* rope, bf16, by 512-bit vectors: a row's cosines and sines once for all its heads. */
#include "kernels/list.h"
#include "kernels/simd/norm.h"

static assay_status run(const assay_exec *exec, const assay_rope_params *params,
                        const void *state, const assay_rope_io *io)
{
    (void)state;
    return simd_rope(ASSAY_BF16, ASSAY_F32, exec, params, io);
}

const assay_kernel assay_rope_avx512bf16 = {
    SIMD_KERNEL(rope, "avx512bf16", SIMD_NEED_AVX512BF16,
                "cosines and sines once for all heads of a row"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_F32),
    .run.rope = {.run = run},
};
