/* sae_encode, f32, by OpenBLAS: sgemm of a tile of latents, then bias, threshold and compaction
 * while its sums are cached, so that nothing dense is written (kernels/library).
 *
 * What a library that everybody has makes of it, to be compared with. Floor: one reading of the
 * encoder, or 2 N d_in d_sae operations. One row comes near the former; from two on the library
 * copies every weight before it multiplies, and only many rows outweigh that. */
#include "kernels/library/encode.h"
#include "kernels/openblas/list.h"
#include "kernels/openblas/product.h"

LIBRARY_ENCODE_FUNCTIONS(&openblas_library)

const assay_kernel assay_sae_encode_openblas = {
    ASSAY_KERNEL_HEAD(sae_encode, "openblas", "openblas",
                   "sgemm of tiles, threshold and compaction while they are cached"),
    .precision = OPENBLAS_CONTRACT,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.supports = supports,
                       .workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = bytes_read},
    .release = release,
};
