/* sae_encode, bf16, screened in 8 bits by VPDPBUSD: avx512bf16's bits. The proof stands in
 * kernels/simd/screen.h.
 *
 * Floor: one reading of the encoder in 8 bits, half of what avx512bf16 reads; with many rows, twice
 * as many 8-bit multiply-adds as there are products. Intel Xeon with AMX, two threads, cold,
 * 2026-11-23, beside other work on the same cores (load 4 to 10), 32,768 latents of 2,048, L0 about
 * 70, normal scores that run through the threshold; the fastest of 21 to 31 interleaved calls:
 *   rows   avx512bf16   this                against
 *   1      4.6 ms       2.6 ms   26 GB/s    1.77x
 *   4      6.0 ms       3.3 ms              1.83x
 *   16     12.4 ms      5.8 ms              2.14x
 * 65,536 latents of 4,096, L0 about 95, fastest of 11: 33.6 and 19.4 ms for 1 row (1.73x), 43.8 and
 * 25.1 ms for 4 (1.75x). Every latent active, which screening cannot help: 1 row 0.93x, 16 rows all
 * of that kind 0.80x. topk, k = 50: 1.65x for 1 row, 1.57x for 4.
 * By process pairs, in which the other work dilutes the ratio (12 pairs; 4 of the larger):
 *   assay bench --plugin build/assay_simd.so --impl '*_screened' --against avx512bf16 \
 *       --op sae_encode --case encode-qresearch --batch 1,4,16 --cache cold --pairs 12
 *   1.46x (1.20 to 1.77), 1.43x (1.24 to 1.66), 1.94x (1.70 to 2.18) for 1, 4 and 16 rows
 *   encode-goodfire: 1.49x (1.17 to 1.89), 1.49x (1.28 to 1.76) for 1 and 4
 * What is between half of avx512bf16's time and this is work that does not shrink with the weights:
 * the team's start, the rows' quantising (4 us each) and the candidates, about three an active
 * latent, 2% of a core's time for 1 row and 12% for 16. */
#include "kernels/list.h"
#include "kernels/simd/screen_run.h"
#include "kernels/simd/screen_vnni.h"

SCREEN_FUNCTIONS(&screen_vnni)

const assay_kernel assay_sae_encode_avx512vnni_screened = {
    SIMD_KERNEL(sae_encode, "avx512vnni_screened", SIMD_NEED_SCREENED_VNNI,
                "int8 screening by VPDPBUSD, exact bf16 products of the candidates"),
    .precision = SIMD_CONTRACT_BF16,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = screen_prepare,
                       .run = run,
                       .bytes_read = screen_bytes_read},
    .release = screen_release,
};
