/* Products of a panel with up to 12 rows in 24 registers of sums, two more for the weights: each
 * sum goes through k = 0, 1, 2, ... whatever the number of rows. Rows are packed step by step:
 * element s * rows + r, an f32, a pair of bf16 or four bytes. Compiled with AVX-512; the pairs need
 * AVX512_BF16, the bytes AVX512_VNNI: their sums are 32-bit integers in the place of f32. */
#ifndef KERNELS_SIMD_PRODUCT_AVX512_H
#define KERNELS_SIMD_PRODUCT_AVX512_H

#include "kernels/simd/avx512.h"
#include "kernels/simd/rows.h"

enum { AVX512_ROWS = 12, AVX512_STRETCH = 8 /* steps between two looks ahead */ };

static inline void avx512_weights(panel_kind kind, const unsigned char *step, __m512 w[2])
{
    if (kind == PANEL_F32 || kind == PANEL_PAIRS || kind == PANEL_BYTES) {
        w[0] = _mm512_load_ps(step);
        w[1] = _mm512_load_ps(step + SIMD_LINE);
    } else if (kind == PANEL_F16) {
        w[0] = _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(const void *)step));
        w[1] = _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(const void *)step + 1));
    } else if (kind == PANEL_INT8) {
        const __m128i *const bytes = (const __m128i *)(const void *)step;
        w[0] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_load_si128(bytes)));
        w[1] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_load_si128(bytes + 1)));
    } else {
        const __m512i words = _mm512_load_si512(step);
        w[0] = _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
        w[1] = _mm512_castsi512_ps(
            _mm512_and_si512(words, _mm512_set1_epi32((int32_t)0xffff0000)));
    }
}

static inline __m512 avx512_add_product(panel_kind kind, __m512 sum, __m512 w, const float *x)
{
#ifdef __AVX512BF16__
    if (kind == PANEL_PAIRS) {
        return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)_mm512_set1_ps(*x));
    }
#endif
#ifdef __AVX512VNNI__
    if (kind == PANEL_BYTES) {
        return _mm512_castsi512_ps(
            _mm512_dpbusd_epi32(_mm512_castps_si512(sum), _mm512_castps_si512(w),
                                _mm512_castps_si512(_mm512_set1_ps(*x))));
    }
#endif
    (void)kind;
    return _mm512_fmadd_ps(w, _mm512_set1_ps(*x), sum);
}

/* kind and rows are constants wherever this is expanded. */
static inline __attribute__((always_inline)) void
avx512_rows(panel_kind kind, const int rows, const simd_panels *p, const unsigned char *panel,
            const float *x, float *dots, const simd_ahead *ahead)
{
    __m512 low[AVX512_ROWS];
    __m512 high[AVX512_ROWS];
    for (int r = 0; r < rows; r++) {
        low[r] = _mm512_setzero_ps();
        high[r] = _mm512_setzero_ps();
    }
    const size_t step_bytes = kind == PANEL_INT8                          ? SIMD_LINE / 2
                              : kind == PANEL_F16 || kind == PANEL_BF16 ? SIMD_LINE
                                                                        : 2 * SIMD_LINE;
    const int64_t stretches = (p->steps + AVX512_STRETCH - 1) / AVX512_STRETCH;
    const size_t bite = simd_round_up(ahead->bytes / (size_t)(stretches > 0 ? stretches : 1),
                                      SIMD_LINE);
    const char *coming = (const char *)ahead->from;
    for (int64_t s = 0; s < p->steps;) {
        for (size_t at = 0; at < bite; at += SIMD_LINE) {
            _mm_prefetch(coming + at, _MM_HINT_T1);
        }
        coming += bite;
        const int64_t end = scalar_min(s + AVX512_STRETCH, p->steps);
        for (; s < end; s++) {
            __m512 w[2];
            avx512_weights(kind, panel, w);
            panel += step_bytes;
#pragma GCC unroll 12
            for (int r = 0; r < rows; r++) {
                low[r] = avx512_add_product(kind, low[r], w[0], x + r);
                high[r] = avx512_add_product(kind, high[r], w[1], x + r);
            }
            x += rows;
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        _mm512_store_ps(dots + r * PANEL_WIDTH, low[r]);
        _mm512_store_ps(dots + r * PANEL_WIDTH + PANEL_HALF, high[r]);
    }
}

#define AVX512_CASE(kind, number)                                                                  \
    case number: avx512_rows(kind, number, p, panel, x, dots, ahead); break;
#define AVX512_PRODUCT(name, kind)                                                                 \
    static void name(const simd_panels *p, const unsigned char *panel, const void *x,              \
                     int64_t rows, float *dots, const simd_ahead *ahead)                           \
    {                                                                                              \
        switch (rows) {                                                                            \
            AVX512_CASE(kind, 1) AVX512_CASE(kind, 2) AVX512_CASE(kind, 3) AVX512_CASE(kind, 4)    \
            AVX512_CASE(kind, 5) AVX512_CASE(kind, 6) AVX512_CASE(kind, 7) AVX512_CASE(kind, 8)    \
            AVX512_CASE(kind, 9) AVX512_CASE(kind, 10) AVX512_CASE(kind, 11)                       \
            AVX512_CASE(kind, 12)                                                                  \
        default: break;                                                                            \
        }                                                                                          \
    }

#endif
