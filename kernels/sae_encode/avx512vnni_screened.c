/* sae_encode, bf16, screened in 8 bits by VPDPBUSD: the bits of avx512bf16. What is proved, and how:
 * kernels/simd/screen.h. */
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
