/* sae_encode, bf16, by AMX tiles. */
#include "kernels/list.h"
#include "kernels/simd/encode_bf16.h"
#include "kernels/simd/product_amx.h"

static const simd_product product = AMX_PRODUCT;

ENCODE_BF16_FUNCTIONS(product, PANEL_TILES)

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
