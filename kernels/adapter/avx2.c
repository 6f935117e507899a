/* adapter, f32, by 256-bit vectors: a block of rows at a time. */
#include "kernels/list.h"
#include "kernels/simd/adapter.h"

static assay_status run(const assay_exec *exec, const assay_adapter_params *params,
                        const void *state, const assay_adapter_io *io)
{
    return simd_adapter(ASSAY_F32, exec, params, state, io);
}

const assay_kernel assay_adapter_avx2 = {
    SIMD_KERNEL(adapter, "avx2", SIMD_NEED_AVX2,
                "blocks of rows, tiles of dot products, one rounding at the end"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.adapter = {.workspace = simd_adapter_workspace,
                    .prepare = simd_adapter_prepare,
                    .run = run},
    .release = simd_adapter_release,
};
