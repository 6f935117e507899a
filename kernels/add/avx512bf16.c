/* add, bf16, by 512-bit vectors: one addition each. */
#include "kernels/list.h"
#include "kernels/simd/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_add_params *params,
                        const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    return simd_add(ASSAY_BF16, exec, io);
}

const assay_kernel assay_add_avx512bf16 = {
    SIMD_KERNEL(add, "avx512bf16", SIMD_NEED_AVX512BF16,
                "one pass of whole vectors"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.add = {.run = run},
};
