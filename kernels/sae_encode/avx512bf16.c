/* sae_encode, bf16, by VDPBF16PS. */
#include "kernels/list.h"
#include "kernels/simd/encode_bf16.h"
#include "kernels/simd/pack_pairs.h"
#include "kernels/simd/product_avx512.h"

AVX512_PRODUCT(product_pairs, PANEL_PAIRS)

static const simd_product product = {.block_rows = AVX512_ROWS,
                                     .packed_bytes = simd_packed_pairs_bytes,
                                     .pack = simd_pack_pairs,
                                     .run = product_pairs};

ENCODE_BF16_FUNCTIONS(product, PANEL_PAIRS)

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
