/* Weights [O,K] as 8-bit integers with one scale a row, in panels: the rule of quantised weights
 * (assay/precision.h, quant_bits 8, quant_group 0), in f32 arithmetic, with w the weight as f32:
 *   scale = max |w| / 127      q = rint(w / scale), 0 where scale is 0
 * A row with a weight that is not finite has the scale NaN and zeros, which makes its output NaN.
 * Only weights below f32's normal numbers, whose scale is a few of the least, can have a quotient
 * beyond 127: those become 127, which is off by less than such a number may be flushed by. */
#ifndef KERNELS_SIMD_PACK_INT8_H
#define KERNELS_SIMD_PACK_INT8_H

#include <float.h>
#include <math.h>

#include "kernels/simd/panels.h"

enum { INT8_MOST = 127 };

/* Row o of a matrix as f32. */
static inline void int8_row(const assay_tensor *weight, int64_t o, float *row)
{
    const int64_t at = o * weight->stride[0];
    const int64_t step = weight->stride[1];
    for (int64_t k = 0; k < weight->shape[1]; k++) {
        row[k] = weight->dtype == ASSAY_BF16
                     ? assay_bf16_to_f32(((const uint16_t *)weight->data)[at + k * step])
                     : (float)assay_load(weight->dtype, weight->data, (size_t)(at + k * step));
    }
}

static inline float int8_scale(const float *row, int64_t depth)
{
    float most = 0.0f;
    bool finite = true;
    for (int64_t k = 0; k < depth; k++) {
        const float size = fabsf(row[k]);
        finite = finite && size <= FLT_MAX;
        most = size > most ? size : most;
    }
    return finite ? most / (float)INT8_MOST : NAN;
}

/* Row i of a panel: `to` is its first integer. */
static inline void int8_put(const simd_panels *p, const float *row, float scale, int8_t *to)
{
    if (!(scale > 0.0f)) { /* zeros, which are there, or NaN */
        return;
    }
    for (int64_t k = 0; k < p->depth; k++) {
        const float q = rintf(row[k] / scale);
        const float above = q < (float)-INT8_MOST ? (float)-INT8_MOST : q;
        to[k * PANEL_WIDTH] = (int8_t)(above > (float)INT8_MOST ? (float)INT8_MOST : above);
    }
}

/* Packs a matrix and gives its rows' scales, [panels * PANEL_WIDTH], zeros beyond the last row:
 * p->data and *scale are to be freed, also when it fails. */
static inline assay_status panels_quantise(const assay_exec *exec, const assay_tensor *weight,
                                           panel_kind kind, simd_panels *p, float **scale)
{
    const int64_t outputs = weight->shape[0];
    const int64_t depth = weight->shape[1];
    const int threads = simd_threads(exec, outputs * depth);
    const size_t width = simd_round_up((size_t)depth * sizeof(float), SIMD_LINE);
    *p = panels_shape(kind, outputs, depth);
    p->data = simd_allocate((size_t)p->count * p->bytes);
    *scale = simd_allocate((size_t)p->count * PANEL_WIDTH * sizeof **scale);
    unsigned char *const rows = simd_allocate((size_t)threads * width);
    if (p->data == NULL || *scale == NULL || rows == NULL) {
        free(rows);
        return assay_fail(exec->error, ASSAY_NO_MEMORY,
                          "no memory for packed weights of %lld x %lld", (long long)outputs,
                          (long long)depth);
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < p->count; i++) {
        float *const row = (float *)(void *)(rows + (size_t)omp_get_thread_num() * width);
        unsigned char *const panel = p->data + (size_t)i * p->bytes;
        memset(panel, 0, p->bytes);
        for (int64_t o = i * PANEL_WIDTH; o < (i + 1) * PANEL_WIDTH; o++) {
            (*scale)[o] = 0.0f;
            if (o < outputs) {
                int8_row(weight, o, row);
                (*scale)[o] = int8_scale(row, depth);
                int8_put(p, row, (*scale)[o], (int8_t *)panel + o % PANEL_WIDTH);
            }
        }
    }
    free(rows);
    return ASSAY_OK;
}

#endif
