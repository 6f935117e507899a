/* sae_encode, f32, by OpenBLAS: sgemm of a tile of latents, then bias, threshold and compaction
 * while its sums are cached, so that nothing dense is written (kernels/library).
 *
 * What a library that everybody has makes of it, to be compared with. Floor: one reading of the
 * encoder, or 2 N d_in d_sae operations at the multiply-add peak. The product alone, 32,768 latents
 * of 2,048 in f32, processor time of the fastest of few on one core beside other work, on an Intel
 * Xeon with AMX and a last-level cache of 480 MiB:
 *   1 row      17 ms   15 GB/s: nothing is asked for ahead (avx512, which does, took 8)
 *   8 rows     36 ms   by sgemv in strips; by sgemm 43
 *   16 rows    50 ms   43 GFLOP/s: every weight is copied before it is multiplied
 *   256 rows   260 ms  132 GFLOP/s */
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
