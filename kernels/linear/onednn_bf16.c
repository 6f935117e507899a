/* linear, bf16, by oneDNN: a matmul primitive on tiles reordered once (kernels/onednn/product.h).
 *
 * By AMX or AVX512-BF16 where the processor has them; with AVX-512 alone by f32 multiply-adds.
 * Floor: one reading of the weights in bf16, or 2 N K O operations at the multiply-add peak:
 * sae_encode/onednn_bf16.c has figures. */
#include "kernels/library/linear.h"
#include "kernels/onednn/list.h"
#include "kernels/onednn/product.h"

LIBRARY_LINEAR_FUNCTIONS(&onednn_bf16_library)

const assay_kernel assay_linear_onednn_bf16 = {
    ASSAY_KERNEL_HEAD(linear, "onednn_bf16", "onednn",
                      "matmul of tiles reordered once, bias while they are cached"),
    .precision = ONEDNN_CONTRACT_BF16,
    .features = ASSAY_FEATURE_AVX512,
    .run.linear = {.supports = supports,
                   .workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = bytes_read},
    .release = release,
};
