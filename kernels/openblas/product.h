/* OpenBLAS as the product of kernels/library: f32, each tile by one thread.
 *
 * The library packs both operands anew in every sgemm: a weight is copied once for each chunk of
 * rows, which is what bounds some rows, and a row once for each tile. Few rows are sgemv, which
 * reads weights as they lie, by strips that stay in the cache from one row to the next. Weights of
 * f32 are used where they are; others are widened once, which is exact, and then take four bytes
 * each. (Version 0.3.21 of Debian 12 has no bf16 product.) The library keeps a buffer for each
 * thread that ever called it. */
#ifndef KERNELS_OPENBLAS_PRODUCT_H
#define KERNELS_OPENBLAS_PRODUCT_H

#include "kernels/library/product.h"

extern const library openblas_library;

/* f32, in orders that the library's kernels choose by the processor. */
#define OPENBLAS_CONTRACT SCALAR_CONTRACT(ASSAY_F32, ASSAY_ORDER_BLOCKED, ASSAY_NONE)

#endif
