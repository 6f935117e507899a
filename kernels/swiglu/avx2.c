/* swiglu, f32, by 256-bit vectors: silu through a polynomial exponential. */
#include "kernels/list.h"
#include "kernels/simd/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_swiglu_params *params,
                        const void *state, const assay_swiglu_io *io)
{
    (void)params;
    (void)state;
    return simd_swiglu(ASSAY_F32, exec, io);
}

const assay_kernel assay_swiglu_avx2 = {
    SIMD_KERNEL(swiglu, "avx2", SIMD_NEED_AVX2,
                "silu through a polynomial exponential in f32"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.swiglu = {.run = run},
};
