/* rmsnorm, bf16, by 512-bit vectors: a row is read twice, the second time from the cache. */
#include "kernels/list.h"
#include "kernels/simd/norm.h"

static assay_status run(const assay_exec *exec, const assay_rmsnorm_params *params,
                        const void *state, const assay_rmsnorm_io *io)
{
    return simd_rmsnorm(ASSAY_BF16, exec, params, state, io);
}

const assay_kernel assay_rmsnorm_avx512bf16 = {
    SIMD_KERNEL(rmsnorm, "avx512bf16", SIMD_NEED_AVX512BF16,
                "sum of squares in four vectors, then one pass"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.rmsnorm = {.prepare = simd_rmsnorm_prepare, .run = run},
    .release = simd_rmsnorm_release,
};
