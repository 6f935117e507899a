/* adapter, f32, by 256-bit vectors: a block of rows at a time. */
#include "kernels/list.h"
#include "kernels/simd/adapter.h"
#include "kernels/simd/product_avx2.h"

SIMD_ADAPTER_FUNCTIONS(avx2_products, ASSAY_F32)

const assay_kernel assay_adapter_avx2 = {
    SIMD_KERNEL(adapter, "avx2", SIMD_NEED_AVX2,
                "blocks of rows, full rank by panels, one rounding at the end"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.adapter = {.workspace = workspace,
                    .prepare = simd_adapter_prepare,
                    .run = run},
    .release = simd_adapter_release,
};
