/* linear, bf16, by AMX tiles.
 *
 * Floor: one reading of the weights in bf16, or 2 N K O operations at 3.26 TFLOP/s a core. That
 * peak is of tiles that stay in registers: random numbers loaded from the first-level cache gave
 * 2.5 TFLOP/s, from the second 1.7 to 1.9 (zeros 3.2 and 2.4). Measured on one core, 8,192
 * outputs of 2,048: 1.09 TFLOP/s at 256 rows, 33% of the peak. What stops it at many rows: each
 * step loads as much as it multiplies, and what memory brings meanwhile takes the same line
 * buffers: asking for the next panel ahead gained 10 to 20% where overlap would gain 50. Sums
 * kept in memory so that a panel's piece stays in the first-level cache gained 5% at most; every
 * other line asked for, and not through the second-level cache, lost 15% and 40%. */
#include "kernels/list.h"
#include "kernels/simd/linear_bf16.h"
#include "kernels/simd/linear_sample.h"
#include "kernels/simd/product_amx.h"

static const simd_product product = AMX_PRODUCT;

SIMD_LINEAR_FUNCTIONS(PANEL_TILES, &product, ASSAY_BF16, linear_bf16_consume)

SIMD_LINEAR_SAMPLE(amx, PANEL_TILES, &product, ASSAY_BF16, false);

const assay_kernel assay_linear_amx = {
    SIMD_KERNEL(linear, "amx", SIMD_NEED_AMX, "AMX tiles: 32 rows times 32 outputs in four sums"),
    .precision = SIMD_CONTRACT_BF16,
    .run.linear = {.workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = simd_linear_bytes_read},
    .release = simd_linear_release,
};
