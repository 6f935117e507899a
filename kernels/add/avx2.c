/* add, f32, by 256-bit vectors: one addition each. */
#include "kernels/list.h"
#include "kernels/simd/elementwise.h"

static assay_status run(const assay_exec *exec, const assay_add_params *params,
                        const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    return simd_add(ASSAY_F32, exec, io);
}

const assay_kernel assay_add_avx2 = {
    SIMD_KERNEL(add, "avx2", SIMD_NEED_AVX2,
                "one pass of whole vectors"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.add = {.run = run},
};
