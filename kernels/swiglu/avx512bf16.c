/* swiglu, bf16, by 512-bit vectors: silu through a polynomial exponential. */
#include "kernels/list.h"
#include "kernels/simd/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_swiglu_params *params,
                        const void *state, const assay_swiglu_io *io)
{
    (void)params;
    (void)state;
    return simd_swiglu(ASSAY_BF16, exec, io);
}

const assay_kernel assay_swiglu_avx512bf16 = {
    SIMD_KERNEL(swiglu, "avx512bf16", SIMD_NEED_AVX512BF16,
                "silu through a polynomial exponential in f32"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.swiglu = {.run = run},
};
