/* linear, bf16, by AMX tiles. */
#include "kernels/list.h"
#include "kernels/simd/linear_bf16.h"
#include "kernels/simd/product_amx.h"

static const simd_product product = AMX_PRODUCT;

LINEAR_BF16_FUNCTIONS(product, PANEL_TILES)

const assay_kernel assay_linear_amx = {
    SIMD_KERNEL(linear, "amx", SIMD_NEED_AMX, "AMX tiles: 32 rows times 32 outputs in four sums"),
    .precision = SIMD_CONTRACT_BF16,
    .run.linear = {.workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = simd_linear_bytes_read},
    .release = simd_linear_release,
};
