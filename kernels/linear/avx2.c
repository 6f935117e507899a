/* linear, f32, by 256-bit vectors.
 *
 * Floor: one reading of the weights, or 2 N K O operations at 121 GFLOP/s a core. sae_encode by
 * the same product reaches 94% of it at one row and 76% at 240. Three rows times four vectors,
 * since of 16 registers 12 can be sums. */
#include "kernels/list.h"
#include "kernels/simd/avx2.h"
#include "kernels/simd/linear.h"
#include "kernels/simd/product_avx2.h"

static void consume(void *context, int64_t panel, int64_t first, int64_t rows, const float *dots)
{
    const simd_linear_sink *const sink = context;
    for (int v = 0; v < AVX2_VECTORS; v++) {
        const int64_t o = panel * PANEL_WIDTH + v * AVX2_LANES;
        const __m256i mask = avx2_first(sink->width - o);
        const __m256 bias = _mm256_load_ps(sink->bias + o);
        for (int64_t r = 0; o < sink->width && r < rows; r++) {
            const __m256 dot = _mm256_load_ps(dots + r * PANEL_WIDTH + v * AVX2_LANES);
            _mm256_maskstore_ps((float *)sink->y + (first + r) * sink->width + o, mask,
                                _mm256_add_ps(dot, bias));
        }
    }
}

SIMD_LINEAR_FUNCTIONS(panel_kind_of(&params->weight), &avx2_products[kind], ASSAY_F32, consume)

const assay_kernel assay_linear_avx2 = {
    SIMD_KERNEL(linear, "avx2", SIMD_NEED_AVX2,
                "panels of 32 outputs, 3 rows in registers, weights read once"),
    .precision = SIMD_CONTRACT_F32,
    .run.linear = {.workspace = workspace,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = simd_linear_bytes_read},
    .release = simd_linear_release,
};
