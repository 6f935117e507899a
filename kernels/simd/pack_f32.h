/* Rows packed step by step: element s * rows + r is row r's number k = s. */
#ifndef KERNELS_SIMD_PACK_F32_H
#define KERNELS_SIMD_PACK_F32_H

#include "kernels/simd/rows.h"

static size_t simd_packed_f32_bytes(const simd_panels *p, int64_t rows)
{
    return (size_t)(p->steps * rows) * sizeof(float);
}

static inline void simd_pack_f32(const simd_panels *p, const void *x, int64_t stride,
                                 int64_t rows, void *packed)
{
    const float *const from = x;
    float *const to = packed;
    for (int64_t s = 0; s < p->steps; s++) {
        for (int64_t r = 0; r < rows; r++) {
            to[s * rows + r] = from[r * stride + s];
        }
    }
}

/* The same of rows of bf16. */
static inline void simd_pack_widened(const simd_panels *p, const void *x, int64_t stride,
                                     int64_t rows, void *packed)
{
    const uint16_t *const from = x;
    float *const to = packed;
    for (int64_t s = 0; s < p->steps; s++) {
        for (int64_t r = 0; r < rows; r++) {
            to[s * rows + r] = assay_bf16_to_f32(from[r * stride + s]);
        }
    }
}

#endif
