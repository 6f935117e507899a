/* What linear's two bf16 kernels share but for their product. Compiled with AVX512_BF16. */
#ifndef KERNELS_SIMD_LINEAR_BF16_H
#define KERNELS_SIMD_LINEAR_BF16_H

#include "kernels/simd/avx512.h"
#include "kernels/simd/linear.h"

/* Biases are added in f32; then one rounding to bf16. */
static void linear_bf16_consume(void *context, int64_t panel, int64_t first, int64_t rows,
                                const float *dots)
{
    const simd_linear_sink *const sink = context;
    const int64_t o = panel * PANEL_WIDTH;
    const __m512 low = _mm512_load_ps(sink->bias + o);
    const __m512 high = _mm512_load_ps(sink->bias + o + PANEL_HALF);
    const __mmask32 mask = (__mmask32)avx512_first(sink->width - o) |
                           (__mmask32)avx512_first(sink->width - o - PANEL_HALF) << PANEL_HALF;
    for (int64_t r = 0; r < rows; r++) {
        const float *const dot = dots + r * PANEL_WIDTH;
        const __m256i first_half = avx512_to_bf16(_mm512_add_ps(_mm512_load_ps(dot), low));
        const __m256i second_half =
            avx512_to_bf16(_mm512_add_ps(_mm512_load_ps(dot + PANEL_HALF), high));
        const __m512i both =
            _mm512_inserti64x4(_mm512_castsi256_si512(first_half), second_half, 1);
        _mm512_mask_storeu_epi16((uint16_t *)sink->y + (first + r) * sink->width + o, mask, both);
    }
}

#endif
