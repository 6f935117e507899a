/* adapter, bf16, by 512-bit vectors: a block of rows at a time. */
#include "kernels/list.h"
#include "kernels/simd/adapter.h"
#include "kernels/simd/products_avx512.h"

SIMD_ADAPTER_FUNCTIONS(avx512_products, ASSAY_BF16)

const assay_kernel assay_adapter_avx512bf16 = {
    SIMD_KERNEL(adapter, "avx512bf16", SIMD_NEED_AVX512BF16,
                "blocks of rows, full rank by panels, one rounding at the end"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_BF16, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.adapter = {.workspace = workspace,
                    .prepare = simd_adapter_prepare,
                    .run = run},
    .release = simd_adapter_release,
};
