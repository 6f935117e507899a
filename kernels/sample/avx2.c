/* sample, f32, by 256-bit vectors: no sort of the vocabulary. */
#include "kernels/list.h"
#include "kernels/simd/sample.h"

static assay_status run(const assay_exec *exec, const assay_sample_params *params,
                        const void *state, const assay_sample_io *io)
{
    (void)state;
    return simd_sample(ASSAY_F32, exec, params, io);
}

const assay_kernel assay_sample_avx2 = {
    SIMD_KERNEL(sample, "avx2", SIMD_NEED_AVX2,
                "argmax, or a draw: heap for top-k, buckets for top-p"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .capabilities = ASSAY_CAN_PROBABILITY,
    .run.sample = {.workspace = simd_sample_workspace, .run = run},
};
