/* sae_encode, f32, by oneDNN: a matmul primitive on tiles of latents reordered once, then bias,
 * threshold and compaction while a tile's sums are cached (kernels/onednn/product.h).
 *
 * What a library that many programs multiply by makes of it, to be compared with.
 * Floor: one reading of the encoder in f32, or 2 N d_in d_sae operations at the multiply-add peak;
 * nothing dense is written. */
#include "kernels/library/encode.h"
#include "kernels/onednn/list.h"
#include "kernels/onednn/product.h"

LIBRARY_ENCODE_FUNCTIONS(&onednn_library)

const assay_kernel assay_sae_encode_onednn = {
    ASSAY_KERNEL_HEAD(sae_encode, "onednn", "onednn",
                      "matmul of tiles, threshold and compaction while they are cached"),
    .precision = ONEDNN_CONTRACT_F32,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.supports = supports,
                       .workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = bytes_read},
    .release = release,
};
