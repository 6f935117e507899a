/* sae_encode, bf16, screened in 8 bits by AMX tiles: avx512bf16's bits (not amx's, whose tiles add
 * in another order). The proof stands in kernels/simd/screen.h.
 *
 * Floor: one reading of the encoder in 8 bits. Measured as avx512vnni_screened.c says, fastest of
 * 21 to 31 interleaved calls and the ratio to avx512bf16 beside it:
 *   1 row     2.6 ms   1.78x    (by VPDPBUSD; tiles took 3.0 ms)
 *   4 rows    3.2 ms   1.91x
 *   16 rows   4.4 ms   2.80x    (amx: 6.3 ms)
 * By 12 process pairs: 1.56x (1.33 to 1.86), 1.63x (1.42 to 1.89), 2.46x (2.20 to 2.73). */
#include "kernels/list.h"
#include "kernels/simd/product_amx.h"
#include "kernels/simd/screen_run.h"
#include "kernels/simd/screen_vnni.h"

enum { FEW = 3 /* rows up to which VPDPBUSD reads the weights faster than tiles do */ };

/* Rows packed as tiles: [16 rows][64 bytes], K after K, zeros beyond the rows. */
static size_t packed_bytes(const simd_panels *p, int64_t rows)
{
    return simd_round_up((size_t)rows, AMX_ROWS) * (size_t)(p->steps * SCREEN_FOUR);
}

static void pack(const simd_panels *p, const void *x, int64_t stride, int64_t rows, void *packed)
{
    const int64_t tiles = p->steps / PANEL_TILE_STEPS;
    const int64_t padded = (int64_t)simd_round_up((size_t)rows, AMX_ROWS);
    for (int64_t r = 0; r < padded; r++) {
        const unsigned char *const from = (const unsigned char *)x + r * stride;
        unsigned char *const to = (unsigned char *)packed +
                                  r / AMX_ROWS * tiles * AMX_TILE_BYTES + r % AMX_ROWS * SIMD_LINE;
        for (int64_t t = 0; t < tiles; t++) {
            if (r < rows) {
                memcpy(to + t * AMX_TILE_BYTES, from + t * SIMD_LINE, SIMD_LINE);
            } else {
                memset(to + t * AMX_TILE_BYTES, 0, SIMD_LINE);
            }
        }
    }
}

static void multiply(const simd_panels *p, const unsigned char *panel, const void *packed,
                     int64_t rows, float *dots, const simd_ahead *ahead)
{
    amx_panel(true, p, panel, packed, rows, dots, ahead);
}

static const simd_product product = {.block_rows = 2 * AMX_ROWS,
                                     .packed_bytes = packed_bytes,
                                     .pack = pack,
                                     .run = multiply,
                                     .enter = amx_enter,
                                     .leave = amx_leave};

SCREEN_FUNCTIONS(io->x.shape[0] > FEW ? &product : &screen_vnni)

const assay_kernel assay_sae_encode_amx_screened = {
    SIMD_KERNEL(sae_encode, "amx_screened", SIMD_NEED_SCREENED_AMX,
                "int8 screening by AMX tiles, exact bf16 products of the candidates"),
    .precision = SIMD_CONTRACT_BF16,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = screen_prepare,
                       .run = run,
                       .bytes_read = screen_bytes_read},
    .release = screen_release,
};
