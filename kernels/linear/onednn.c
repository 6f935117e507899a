/* linear, f32, by oneDNN: a matmul primitive on tiles reordered once (kernels/onednn/product.h).
 *
 * What a library that many programs multiply by makes of it, to be compared with.
 * Floor: one reading of the weights in f32, or 2 N K O operations at the multiply-add peak:
 * sae_encode/onednn.c has figures. */
#include "kernels/library/linear.h"
#include "kernels/onednn/list.h"
#include "kernels/onednn/product.h"

LIBRARY_LINEAR_FUNCTIONS(&onednn_library)

const assay_kernel assay_linear_onednn = {
    ASSAY_KERNEL_HEAD(linear, "onednn", "onednn",
                      "matmul of tiles reordered once, bias while they are cached"),
    .precision = ONEDNN_CONTRACT_F32,
    .run.linear = {.supports = supports,
                   .workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = bytes_read},
    .release = release,
};
