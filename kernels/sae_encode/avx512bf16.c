/* sae_encode, bf16, by VDPBF16PS.
 *
 * Floor: one reading of the encoder in bf16, or 2 N d_in d_sae operations at 115 GFLOP/s a core,
 * which is what VDPBF16PS gives on the processor measured. One core, 32,768 latents of 2,048, L0
 * 63, processor time of the fastest of many runs beside other work:
 *   1 row     7.8 ms   17.2 GB/s of 18.3, 94% of the floor    (scalar_bf16: 15.5 ms)
 *   16 rows   22.9 ms  82%
 *   240 rows  309 ms   104 GFLOP/s, 90% */
#include "kernels/list.h"
#include "kernels/simd/emit_avx512.h"
#include "kernels/simd/encode_run.h"
#include "kernels/simd/pack_pairs.h"
#include "kernels/simd/product_avx512.h"

AVX512_PRODUCT(product_pairs, PANEL_PAIRS)

static const simd_product product = {.block_rows = AVX512_ROWS,
                                     .packed_bytes = simd_packed_pairs_bytes,
                                     .pack = simd_pack_pairs,
                                     .run = product_pairs};

ENCODE_FUNCTIONS(PANEL_PAIRS, &product, ASSAY_BF16, emit_avx512)

const assay_kernel assay_sae_encode_avx512bf16 = {
    SIMD_KERNEL(sae_encode, "avx512bf16", SIMD_NEED_AVX512BF16,
                "VDPBF16PS, threshold and compaction in one pass over packed weights"),
    .precision = SIMD_CONTRACT_BF16,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = encode_bytes_read},
    .release = encode_release,
};
