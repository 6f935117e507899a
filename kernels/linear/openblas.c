/* linear, f32, by OpenBLAS: sgemm and, for up to eight rows, sgemv, tile by tile (kernels/library).
 *
 * What a library that everybody has makes of it, to be compared with. Floor: one reading of the
 * weights, or 2 N K O operations at the multiply-add peak. Beyond few rows the library copies every
 * weight before it multiplies, which only many rows outweigh: sae_encode/openblas.c has figures. */
#include "kernels/library/linear.h"
#include "kernels/openblas/list.h"
#include "kernels/openblas/product.h"

LIBRARY_LINEAR_FUNCTIONS(&openblas_library)

const assay_kernel assay_linear_openblas = {
    ASSAY_KERNEL_HEAD(linear, "openblas", "openblas", "sgemm of tiles, bias while they are cached"),
    .precision = OPENBLAS_CONTRACT,
    .run.linear = {.supports = supports,
                   .workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = bytes_read},
    .release = release,
};
