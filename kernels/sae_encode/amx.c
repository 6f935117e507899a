/* sae_encode, bf16, by AMX tiles.
 *
 * Floor: one reading of the encoder in bf16, or 2 N d_in d_sae operations at 3.26 TFLOP/s a
 * core. Measured on one core (memory 18.3 GB/s), 32,768 latents of 2,048, L0 63, processor time
 * of the fastest of many runs beside other work:
 *   1 row     8.2 ms   16.3 GB/s, 89% of the floor    (scalar_bf16: 15.5 ms)
 *   16 rows   8.5 ms   86%
 *   32 rows   9.8 ms   75%
 *   64 rows   13.1 ms  56%
 *   256 rows  33 ms    1.03 TFLOP/s, 31%: linear/amx.c says what stops it
 * Since then what comes is asked for without a loop, which gave 8 to 20% at 1 to 32 rows (at one row
 * 16.0 GB/s instead of 13.5 on one core beside other work): a loop of prefetches took the window in
 * which the next tiles' loads are found. Panels asked for one ahead instead of streamed lost 15% at 64 rows. */
#include "kernels/list.h"
#include "kernels/simd/emit_avx512.h"
#include "kernels/simd/encode_run.h"
#include "kernels/simd/product_amx.h"

static const simd_product product = AMX_PRODUCT;

ENCODE_FUNCTIONS(PANEL_TILES, &product, ASSAY_BF16, emit_avx512)

const assay_kernel assay_sae_encode_amx = {
    SIMD_KERNEL(sae_encode, "amx", SIMD_NEED_AMX,
                "AMX tiles, threshold and compaction in one pass over packed weights"),
    .precision = SIMD_CONTRACT_BF16,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = encode_bytes_read},
    .release = encode_release,
};
