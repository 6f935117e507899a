/* sae_encode, bf16, screened in 8 bits by VPDPBUSD: the bits of avx512bf16. What is proved, and how:
 * kernels/simd/screen.h. */
#include "kernels/list.h"
#include "kernels/simd/product_avx512.h"
#include "kernels/simd/screen_run.h"

AVX512_PRODUCT(product_bytes, PANEL_BYTES)

/* Rows packed step by step: word s * rows + r is bytes 4s to 4s + 3 of row r. */
static size_t packed_bytes(const simd_panels *p, int64_t rows)
{
    return (size_t)(p->steps * rows) * SCREEN_FOUR;
}

static void pack(const simd_panels *p, const void *x, int64_t stride, int64_t rows, void *packed)
{
    const unsigned char *const from = x;
    unsigned char *to = packed;
    for (int64_t s = 0; s < p->steps; s++) {
        for (int64_t r = 0; r < rows; r++) {
            memcpy(to, from + r * stride + s * SCREEN_FOUR, SCREEN_FOUR);
            to += SCREEN_FOUR;
        }
    }
}

static const simd_product product = {.block_rows = AVX512_ROWS,
                                     .packed_bytes = packed_bytes,
                                     .pack = pack,
                                     .run = product_bytes};

SCREEN_FUNCTIONS(&product)

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
