/* Rows of bf16 packed in pairs, step by step: word s * rows + r is row r's numbers 2s (low half)
 * and 2s + 1. Zeros beyond K. */
#ifndef KERNELS_SIMD_PACK_PAIRS_H
#define KERNELS_SIMD_PACK_PAIRS_H

#include "kernels/simd/rows.h"

static size_t simd_packed_pairs_bytes(const simd_panels *p, int64_t rows)
{
    return (size_t)(p->steps * rows) * sizeof(uint32_t);
}

static void simd_pack_pairs(const simd_panels *p, const void *x, int64_t stride, int64_t rows,
                            void *packed)
{
    const uint16_t *const from = x;
    uint32_t *const to = packed;
    const int64_t whole = p->depth / 2;
    for (int64_t s = 0; s < whole; s++) {
        for (int64_t r = 0; r < rows; r++) {
            memcpy(&to[s * rows + r], &from[r * stride + 2 * s], sizeof *to);
        }
    }
    for (int64_t s = whole; s < p->steps; s++) {
        for (int64_t r = 0; r < rows; r++) {
            to[s * rows + r] = 2 * s < p->depth ? from[r * stride + 2 * s] : 0;
        }
    }
}

#endif
