/* rope, f32, by 512-bit vectors: a row's cosines and sines once for all its heads. */
#include "kernels/list.h"
#include "kernels/simd/norm.h"

static assay_status run(const assay_exec *exec, const assay_rope_params *params,
                        const void *state, const assay_rope_io *io)
{
    (void)state;
    return simd_rope(ASSAY_F32, ASSAY_F64, exec, params, io);
}

const assay_kernel assay_rope_avx512 = {
    SIMD_KERNEL(rope, "avx512", SIMD_NEED_AVX512,
                "cosines and sines once for all heads of a row"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_F64),
    .run.rope = {.run = run},
};
