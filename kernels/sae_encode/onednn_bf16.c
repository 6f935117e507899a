/* sae_encode, bf16, by oneDNN: a matmul primitive on tiles of latents reordered once, then bias,
 * threshold and compaction while a tile's sums are cached (kernels/onednn/product.h).
 *
 * By AMX or AVX512-BF16 where the processor has them; with AVX-512 alone by f32 multiply-adds.
 * Floor: one reading of the encoder in bf16, or 2 N d_in d_sae operations at the multiply-add peak;
 * nothing dense is written. The product alone, 32,768 latents of 2,048, processor time of the
 * fastest of few on one core beside other work, on an Intel Xeon with AMX:
 *   1 row      9 ms    15 GB/s: nothing is asked for ahead
 *   16 rows    12 ms   183 GFLOP/s
 *   128 rows   25 ms   696 GFLOP/s */
#include "kernels/library/encode.h"
#include "kernels/onednn/list.h"
#include "kernels/onednn/product.h"

LIBRARY_ENCODE_FUNCTIONS(&onednn_bf16_library)

const assay_kernel assay_sae_encode_onednn_bf16 = {
    ASSAY_KERNEL_HEAD(sae_encode, "onednn_bf16", "onednn",
                      "matmul of tiles, threshold and compaction while they are cached"),
    .precision = ONEDNN_CONTRACT_BF16,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .features = ASSAY_FEATURE_AVX512,
    .run.sae_encode = {.supports = supports,
                       .workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = bytes_read},
    .release = release,
};
