/* linear, bf16 rows times int8 weights with one scale a row, by f32 multiply-adds: TODO */
#include "kernels/list.h"
#include "kernels/simd/linear_bf16.h"
#include "kernels/simd/pack_f32.h"
#include "kernels/simd/product_avx512.h"

AVX512_PRODUCT(product_int8, PANEL_INT8)

static const simd_product product = {.block_rows = AVX512_ROWS,
                                     .packed_bytes = simd_packed_f32_bytes,
                                     .pack = simd_pack_widened,
                                     .run = product_int8};

SIMD_LINEAR_FUNCTIONS(PANEL_INT8, &product, ASSAY_BF16, linear_int8_consume)

const assay_kernel assay_linear_avx512bf16_int8_weights = {
    SIMD_KERNEL(linear, "avx512bf16_int8_weights", SIMD_NEED_AVX512BF16,
                "int8 weights with a scale a row, widened in registers, 12 rows in registers"),
    .precision = SIMD_CONTRACT_BF16_WEIGHTS(8),
    .run.linear = {.workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = simd_linear_bytes_read},
    .release = simd_linear_release,
};
