/* linear, bf16, by VDPBF16PS.
 *
 * Floor: one reading of the weights in bf16, or 2 N K O operations at what VDPBF16PS gives: on the
 * processor measured 115 GFLOP/s a core, half of what f32 multiply-adds do there. sae_encode by
 * the same product reaches 94% of it at one row and 90% at 240. Weights tile by tile, as AMX reads
 * them, took 8.3 ms where these take 7.8, in separate runs on a loaded machine. */
#include "kernels/list.h"
#include "kernels/simd/linear_bf16.h"
#include "kernels/simd/linear_sample.h"
#include "kernels/simd/pack_pairs.h"
#include "kernels/simd/product_avx512.h"

AVX512_PRODUCT(product_pairs, PANEL_PAIRS)

static const simd_product product = {.block_rows = AVX512_ROWS,
                                     .packed_bytes = simd_packed_pairs_bytes,
                                     .pack = simd_pack_pairs,
                                     .run = product_pairs};

SIMD_LINEAR_FUNCTIONS(PANEL_PAIRS, &product, ASSAY_BF16, linear_bf16_consume)

SIMD_LINEAR_SAMPLE(avx512bf16, PANEL_PAIRS, &product, ASSAY_BF16, false);

const assay_kernel assay_linear_avx512bf16 = {
    SIMD_KERNEL(linear, "avx512bf16", SIMD_NEED_AVX512BF16,
                "VDPBF16PS on panels of 32 outputs, 12 rows in registers"),
    .precision = SIMD_CONTRACT_BF16,
    .run.linear = {.workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = simd_linear_bytes_read},
    .release = simd_linear_release,
};
