/* sample, bf16, by 512-bit vectors: no sort of the vocabulary. */
#include "kernels/list.h"
#include "kernels/simd/sample.h"

static assay_status run(const assay_exec *exec, const assay_sample_params *params,
                        const void *state, const assay_sample_io *io)
{
    (void)state;
    return simd_sample(ASSAY_BF16, exec, params, io);
}

const assay_kernel assay_sample_avx512bf16 = {
    SIMD_KERNEL(sample, "avx512bf16", SIMD_NEED_AVX512BF16,
                "argmax, or a draw: heap for top-k, buckets for top-p"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .capabilities = ASSAY_CAN_PROBABILITY,
    .run.sample = {.workspace = simd_sample_workspace, .run = run},
};
