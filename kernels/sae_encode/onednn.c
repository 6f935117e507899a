/* sae_encode, f32, by oneDNN: a matmul primitive on tiles of latents reordered once, then bias,
 * threshold and compaction while a tile's sums are cached (kernels/onednn/product.h).
 *
 * What a library that many programs multiply by makes of it, to be compared with.
 * Floor: one reading of the encoder in f32, or 2 N d_in d_sae operations at the multiply-add peak;
 * nothing dense is written. The product alone, 32,768 latents of 2,048, processor time of the
 * fastest of few on one core beside other work, on an Intel Xeon with AMX:
 *   1 row      18 ms   15 GB/s: nothing is asked for ahead (avx512, which does, took 8)
 *   16 rows    27 ms   80 GFLOP/s
 *   128 rows   116 ms  148 GFLOP/s */
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
