/* linear, f32, by 512-bit vectors.
 *
 * Floor: one reading of the weights, or 2 N K O operations at the multiply-add peak. Few rows wait
 * for memory: 18 to 29 GB/s at one row of 8,192 x 2,048, as other work leaves the last-level cache.
 * Many wait for the multiply-adds: 153 of 230 GFLOP/s at 240 rows on one core, 180 where all lies
 * in the first-level cache; broadcasts inside the multiply-adds gave a third of that. Asked for
 * 2 KiB ahead the weights come at 17 GB/s, with 4 KiB and more (the next page) at 15, by the
 * processor alone at 14 for one row and 8 for twelve. */
#include "kernels/list.h"
#include "kernels/simd/linear.h"
#include "kernels/simd/linear_sample.h"
#include "kernels/simd/products_avx512.h"

static void consume(void *context, int64_t panel, int64_t first, int64_t rows, const float *dots)
{
    const simd_linear_sink *const sink = context;
    const int64_t o = panel * PANEL_WIDTH;
    const __m512 low = _mm512_load_ps(sink->bias + o);
    const __m512 high = _mm512_load_ps(sink->bias + o + PANEL_HALF);
    const __mmask16 low_mask = avx512_first(sink->width - o);
    const __mmask16 high_mask = avx512_first(sink->width - o - PANEL_HALF);
    for (int64_t r = 0; r < rows; r++) {
        float *const y = (float *)sink->y + (first + r) * sink->width + o;
        const float *const dot = dots + r * PANEL_WIDTH;
        _mm512_mask_storeu_ps(y, low_mask, _mm512_add_ps(_mm512_load_ps(dot), low));
        _mm512_mask_storeu_ps(y + PANEL_HALF, high_mask,
                              _mm512_add_ps(_mm512_load_ps(dot + PANEL_HALF), high));
    }
}

SIMD_LINEAR_FUNCTIONS(panel_kind_of(&params->weight), &avx512_products[kind], ASSAY_F32, consume)

SIMD_LINEAR_SAMPLE(avx512, panel_kind_of(&params->weight), &avx512_products[kind], ASSAY_F32,
                   false);

const assay_kernel assay_linear_avx512 = {
    SIMD_KERNEL(linear, "avx512", SIMD_NEED_AVX512,
                "panels of 32 outputs, 12 rows in registers, weights read once"),
    .precision = SIMD_CONTRACT_F32,
    .run.linear = {.workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = simd_linear_bytes_read},
    .release = simd_linear_release,
};
