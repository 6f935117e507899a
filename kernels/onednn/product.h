/* oneDNN as the product of kernels/library: f32, and bf16 summed in f32, each tile by one thread.
 *
 * When weights are prepared the library says in what form it wants a tile (one form for all numbers
 * of rows), every tile is reordered to it once, and a matmul primitive is made for each of a few
 * numbers of rows, in between which rows of zeros fill up: a run compiles nothing. Its scratch is
 * the workspace's. What remains is the library's own: some hundred bytes of descriptions for each
 * call, made and freed.
 *
 * Bias and activation are not left to its post-operations: they would save nothing, since sums
 * are read once more anyhow to be compacted or to leave out what fills up, and its ReLU makes 0 of
 * a NaN. There is no attention by it: rows of a batch see keys up to their own position, a product
 * sees a rectangle, and a weight of 0 times the NaN of a key that is not to be seen is NaN. */
#ifndef KERNELS_ONEDNN_PRODUCT_H
#define KERNELS_ONEDNN_PRODUCT_H

#include "kernels/library/product.h"

extern const library onednn_library;
extern const library onednn_bf16_library;

/* f32, in orders that the library's kernels choose by the processor. */
#define ONEDNN_CONTRACT_F32 SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_BLOCKED, ASSAY_NONE)

/* bf16: AMX, AVX512-BF16 or, where there is neither, f32 multiply-adds of widened numbers; the
 * first two flush (kernels/simd/kernel.h). */
#define ONEDNN_CONTRACT_BF16                                                                       \
    {                                                                                              \
        .storage = ASSAY_BF16, .multiply = ASSAY_BF16,                                             \
        .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},                         \
        .intermediate = ASSAY_F32, .output = ASSAY_BF16, .order = ASSAY_ORDER_BLOCKED,             \
        .flush = ASSAY_FLUSH_IN | ASSAY_FLUSH_ACCUMULATE                                           \
    }

#endif
