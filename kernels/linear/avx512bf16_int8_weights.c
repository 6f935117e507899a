/* linear, rows in bf16 times weights in 8 bits with one scale a row, by f32 multiply-adds: integers
 * are widened in registers, the products are exact in f32, and the sums are scaled.
 *
 * Floor: one reading of the weights in 8 bits, half of what avx512bf16 reads, or 2 N K O operations
 * at the multiply-add peak, on the processor measured twice that of VDPBF16PS. Against avx512bf16
 * there, 8,192 outputs of 2,048, cold, two threads: 1.53 times as fast at one row, 1.63 at 4, 1.45
 * at 16, 1.49 at 64, 1.40 at 256. Not twice at one row: of memory it takes 13 GB/s a core where
 * avx512bf16 takes 16.5, since a step of 32 bytes takes two widenings, two conversions and two
 * multiply-adds, and each sum waits for itself. Two sums for each number gained 5% there and
 * nothing at 4 rows, and lost that a row's bits do not depend on how many others there are. From 8
 * rows on the multiply-adds bound it, and AMX on bf16 weights is faster from about 12. Where
 * VDPBF16PS does twice a multiply-add's work, many rows should be slower than avx512bf16's: not
 * measured. */
#include "kernels/list.h"
#include "kernels/simd/linear_bf16.h"
#include "kernels/simd/linear_sample.h"
#include "kernels/simd/pack_f32.h"
#include "kernels/simd/product_avx512.h"

AVX512_PRODUCT(product_int8, PANEL_INT8)

static const simd_product product = {.block_rows = AVX512_ROWS,
                                     .packed_bytes = simd_packed_f32_bytes,
                                     .pack = simd_pack_widened,
                                     .run = product_int8};

SIMD_LINEAR_FUNCTIONS(PANEL_INT8, &product, ASSAY_BF16, linear_int8_consume)

SIMD_LINEAR_SAMPLE(avx512bf16_int8_weights, PANEL_INT8, &product, ASSAY_BF16, true);

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
