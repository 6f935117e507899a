/* Products of a panel with up to 3 rows in 12 registers of sums: of the other four, three hold the
 * rows' numbers and one a vector of weights. Each sum goes through k = 0, 1, 2, ... Rows are packed
 * step by step. Compiled with AVX2, FMA and F16C. */
#ifndef KERNELS_SIMD_PRODUCT_AVX2_H
#define KERNELS_SIMD_PRODUCT_AVX2_H

#include <immintrin.h>

#include "kernels/simd/pack_f32.h"

enum {
    AVX2_ROWS = 3,
    AVX2_LANES = 8,
    AVX2_VECTORS = 4,
    AVX2_STRETCH = 8 /* steps between two looks ahead */
};

/* Outputs 8v .. 8v+7 of a step. */
static inline __m256 avx2_weights(panel_kind kind, const unsigned char *step, int v)
{
    if (kind == PANEL_F32) {
        return _mm256_load_ps((const float *)(const void *)step + v * AVX2_LANES);
    }
    if (kind == PANEL_F16) {
        return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(const void *)step + v));
    }
    const __m256i words = _mm256_load_si256((const __m256i *)(const void *)step + v % 2);
    return _mm256_castsi256_ps(
        v < 2 ? _mm256_slli_epi32(words, 16)
              : _mm256_and_si256(words, _mm256_set1_epi32((int32_t)0xffff0000)));
}

/* kind and rows are constants wherever this is expanded. */
static inline __attribute__((always_inline)) void
avx2_rows(panel_kind kind, const int rows, const simd_panels *p, const unsigned char *panel,
          const float *x, float *dots, const simd_ahead *ahead)
{
    __m256 sum[AVX2_ROWS][AVX2_VECTORS];
#pragma GCC unroll 3
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < AVX2_VECTORS; v++) {
            sum[r][v] = _mm256_setzero_ps();
        }
    }
    const size_t step_bytes = kind == PANEL_F32 ? 2 * SIMD_LINE : SIMD_LINE;
    const int64_t stretches = (p->steps + AVX2_STRETCH - 1) / AVX2_STRETCH;
    const size_t bite = simd_round_up(ahead->bytes / (size_t)(stretches > 0 ? stretches : 1),
                                      SIMD_LINE);
    const char *coming = (const char *)ahead->from;
    for (int64_t s = 0; s < p->steps;) {
        for (size_t at = 0; at < bite; at += SIMD_LINE) {
            _mm_prefetch(coming + at, _MM_HINT_T1);
        }
        coming += bite;
        const int64_t end = scalar_min(s + AVX2_STRETCH, p->steps);
        for (; s < end; s++) {
            __m256 number[AVX2_ROWS];
#pragma GCC unroll 3
            for (int r = 0; r < rows; r++) {
                number[r] = _mm256_broadcast_ss(x + r);
            }
#pragma GCC unroll 4
            for (int v = 0; v < AVX2_VECTORS; v++) {
                const __m256 w = avx2_weights(kind, panel, v);
#pragma GCC unroll 3
                for (int r = 0; r < rows; r++) {
                    sum[r][v] = _mm256_fmadd_ps(w, number[r], sum[r][v]);
                }
            }
            panel += step_bytes;
            x += rows;
        }
    }
#pragma GCC unroll 3
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < AVX2_VECTORS; v++) {
            _mm256_store_ps(dots + r * PANEL_WIDTH + v * AVX2_LANES, sum[r][v]);
        }
    }
}

#define AVX2_PRODUCT(name, kind)                                                                   \
    static void name(const simd_panels *p, const unsigned char *panel, const void *x,              \
                     int64_t rows, float *dots, const simd_ahead *ahead)                           \
    {                                                                                              \
        switch (rows) {                                                                            \
        case 1: avx2_rows(kind, 1, p, panel, x, dots, ahead); break;                               \
        case 2: avx2_rows(kind, 2, p, panel, x, dots, ahead); break;                               \
        case 3: avx2_rows(kind, 3, p, panel, x, dots, ahead); break;                               \
        default: break;                                                                            \
        }                                                                                          \
    }

AVX2_PRODUCT(avx2_product_f32, PANEL_F32)
AVX2_PRODUCT(avx2_product_f16, PANEL_F16)
AVX2_PRODUCT(avx2_product_bf16, PANEL_BF16)

#define AVX2_PRODUCT_OF(run_)                                                                      \
    {                                                                                              \
        .block_rows = AVX2_ROWS, .packed_bytes = simd_packed_f32_bytes, .pack = simd_pack_f32,     \
        .run = (run_)                                                                              \
    }

static const simd_product avx2_products[] = {
    [PANEL_F32] = AVX2_PRODUCT_OF(avx2_product_f32),
    [PANEL_F16] = AVX2_PRODUCT_OF(avx2_product_f16),
    [PANEL_BF16] = AVX2_PRODUCT_OF(avx2_product_bf16),
};

#endif
