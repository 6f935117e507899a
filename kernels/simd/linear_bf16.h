/* What linear's bf16 kernels share but for their product. Compiled with AVX512_BF16. */
#ifndef KERNELS_SIMD_LINEAR_BF16_H
#define KERNELS_SIMD_LINEAR_BF16_H

#include "kernels/simd/avx512.h"
#include "kernels/simd/linear.h"

/* Sums are scaled where weights have scales and biases added, both in f32; then one rounding to
 * bf16. */
static inline __attribute__((always_inline)) void
linear_bf16_rows(const bool scaled, const simd_linear_sink *sink, int64_t panel, int64_t first,
                 int64_t rows, const float *dots)
{
    const int64_t o = panel * PANEL_WIDTH;
    const __m512 one = _mm512_set1_ps(1.0f);
    const __m512 low_scale = scaled ? _mm512_load_ps(sink->scale + o) : one;
    const __m512 high_scale = scaled ? _mm512_load_ps(sink->scale + o + PANEL_HALF) : one;
    const __m512 low = _mm512_load_ps(sink->bias + o);
    const __m512 high = _mm512_load_ps(sink->bias + o + PANEL_HALF);
    const __mmask32 mask = (__mmask32)avx512_first(sink->width - o) |
                           (__mmask32)avx512_first(sink->width - o - PANEL_HALF) << PANEL_HALF;
    for (int64_t r = 0; r < rows; r++) {
        const float *const dot = dots + r * PANEL_WIDTH;
        const __m256i first_half =
            avx512_to_bf16(_mm512_fmadd_ps(_mm512_load_ps(dot), low_scale, low));
        const __m256i second_half =
            avx512_to_bf16(_mm512_fmadd_ps(_mm512_load_ps(dot + PANEL_HALF), high_scale, high));
        const __m512i both =
            _mm512_inserti64x4(_mm512_castsi256_si512(first_half), second_half, 1);
        _mm512_mask_storeu_epi16((uint16_t *)sink->y + (first + r) * sink->width + o, mask, both);
    }
}

static inline void linear_bf16_consume(void *context, int64_t panel, int64_t first, int64_t rows,
                                       const float *dots)
{
    linear_bf16_rows(false, context, panel, first, rows, dots);
}

static inline void linear_int8_consume(void *context, int64_t panel, int64_t first, int64_t rows,
                                       const float *dots)
{
    linear_bf16_rows(true, context, panel, first, rows, dots);
}

#endif
