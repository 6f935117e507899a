/* sae_encode, f32, by 512-bit vectors.
 *
 * Floor: one reading of the encoder, or 2 N d_in d_sae operations; nothing dense is written.
 * Measured on one core (memory 18.3 GB/s, 230 GFLOP/s), 32,768 latents of 2,048 in f32, L0 63,
 * processor time of the fastest of many runs beside other work:
 *   1 row     15.6 ms   17.2 GB/s, 94% of the floor    (scalar: 18.6 ms)
 *   16 rows   26.7 ms   55%: two blocks of rows, of which only the first overlaps with memory
 *   240 rows  203 ms    158 GFLOP/s, 69%: linear/avx512.c says what stops it
 * Panels asked for one ahead instead of streamed lost 6% at 16 rows. */
#include "kernels/list.h"
#include "kernels/simd/emit_avx512.h"
#include "kernels/simd/encode_run.h"
#include "kernels/simd/products_avx512.h"

ENCODE_FUNCTIONS(panel_kind_of(&params->sae.encoder), &avx512_products[kind], ASSAY_F32,
                 emit_avx512)

const assay_kernel assay_sae_encode_avx512 = {
    SIMD_KERNEL(sae_encode, "avx512", SIMD_NEED_AVX512,
                "product, bias, threshold and compaction in one pass over packed weights"),
    .precision = SIMD_CONTRACT_F32,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = encode_bytes_read},
    .release = encode_release,
};
