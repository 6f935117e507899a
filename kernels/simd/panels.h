/* Weights [O,K] packed once, so that a run reads them as one stream.
 *
 * A panel is PANEL_WIDTH neighbouring outputs, step by step through K; outputs and steps beyond the
 * matrix are zeros. Of one step:
 *   f32    the 32 outputs' weights
 *   f16    the same as f16
 *   bf16   32-bit words 0..15, each output i in the low half and output 16+i in the high one: a
 *          shift and a mask widen them
 *   pairs  k and k+1 as bf16, k in the low half: 32-bit words of outputs 0..15, then 16..31; what
 *          VDPBF16PS reads
 *   tiles  the same words, 16 steps of outputs 0..15 in one piece, then those of 16..31; what
 *          TDPBF16PS reads. Steps are padded to 16.
 *   bytes  k to k+3 as 8-bit integers, 32-bit words as those of pairs; what VPDPBUSD reads, and
 *          with steps 128 bytes apart TDPBSUD. Made by screen_pack.h. Steps are padded to 16.
 *   int8   the 32 outputs' weights as 8-bit integers, in units of each output's scale. Made by
 *          pack_int8.h
 * Panels lie one behind the other: a thread's share is one stretch of memory. */
#ifndef KERNELS_SIMD_PANELS_H
#define KERNELS_SIMD_PANELS_H

#include "kernels/simd/kernel.h"

enum {
    PANEL_WIDTH = 32,
    PANEL_HALF = 16,
    PANEL_TILE_STEPS = 16,
    PANEL_TILE_BYTES = PANEL_TILE_STEPS * SIMD_LINE,
    PANEL_TILE_PAIR_BYTES = 2 * PANEL_TILE_BYTES
};

typedef enum panel_kind {
    PANEL_F32,
    PANEL_F16,
    PANEL_BF16,
    PANEL_PAIRS,
    PANEL_TILES,
    PANEL_BYTES,
    PANEL_INT8
} panel_kind;

typedef struct simd_panels {
    panel_kind kind;
    int64_t outputs, depth;
    int64_t steps; /* of a panel: K, or half as many pairs, or fours, padded */
    int64_t count;
    size_t step_bytes, bytes; /* of a step, of a panel */
    unsigned char *data;      /* aligned to SIMD_LINE */
} simd_panels;

/* In which form an f32 kernel keeps weights: as stored, which is exact. */
static inline panel_kind panel_kind_of(const assay_tensor *weight)
{
    switch (weight->dtype) {
    case ASSAY_BF16: return PANEL_BF16;
    case ASSAY_F16: return PANEL_F16;
    default: return PANEL_F32;
    }
}

static inline uint16_t panel_bf16(const assay_tensor *weight, int64_t o, int64_t k)
{
    if (o >= weight->shape[0] || k >= weight->shape[1]) {
        return 0;
    }
    const int64_t at = o * weight->stride[0] + k * weight->stride[1];
    switch (weight->dtype) {
    case ASSAY_BF16: return ((const uint16_t *)weight->data)[at];
    case ASSAY_F32: return assay_f32_to_bf16(((const float *)weight->data)[at]);
    case ASSAY_F16:
        return assay_f32_to_bf16(assay_f16_to_f32(((const uint16_t *)weight->data)[at]));
    default: return assay_f64_to_bf16(assay_load(weight->dtype, weight->data, (size_t)at));
    }
}

/* Step s of the panel that begins with output `first`. */
static inline void panel_step(const simd_panels *p, const assay_tensor *weight, int64_t first,
                              int64_t s, unsigned char *panel)
{
    unsigned char *const to =
        panel + (p->kind != PANEL_TILES
                     ? (size_t)s * p->step_bytes
                     : (size_t)(s / PANEL_TILE_STEPS) * PANEL_TILE_PAIR_BYTES +
                           (size_t)(s % PANEL_TILE_STEPS) * SIMD_LINE);
    const int64_t half_words =
        (p->kind == PANEL_TILES ? PANEL_TILE_BYTES : SIMD_LINE) / (int64_t)sizeof(uint16_t);
    float *const wide = (float *)(void *)to;
    uint16_t *const words = (uint16_t *)(void *)to;
    for (int64_t i = 0; i < PANEL_WIDTH; i++) {
        const int64_t o = first + i;
        const bool inside = o < p->outputs;
        const int64_t at = inside ? o * weight->stride[0] + s * weight->stride[1] : 0;
        switch (p->kind) {
        case PANEL_F32:
            wide[i] = !inside ? 0.0f
                      : weight->dtype == ASSAY_F32
                          ? ((const float *)weight->data)[at]
                          : (float)assay_load(weight->dtype, weight->data, (size_t)at);
            break;
        case PANEL_F16: words[i] = inside ? ((const uint16_t *)weight->data)[at] : 0; break;
        case PANEL_BF16:
            words[i % PANEL_HALF * 2 + i / PANEL_HALF] = panel_bf16(weight, o, s);
            break;
        case PANEL_PAIRS:
        case PANEL_TILES: {
            uint16_t *const pair = words + i / PANEL_HALF * half_words + i % PANEL_HALF * 2;
            pair[0] = panel_bf16(weight, o, 2 * s);
            pair[1] = panel_bf16(weight, o, 2 * s + 1);
            break;
        }
        case PANEL_BYTES:
        case PANEL_INT8: break; /* not made element by element: a row has one scale */
        }
    }
}

/* The sizes of the panels of a matrix, without data. */
static inline simd_panels panels_shape(panel_kind kind, int64_t outputs, int64_t depth)
{
    simd_panels p = {.kind = kind, .outputs = outputs, .depth = depth, .steps = depth};
    if (kind == PANEL_PAIRS || kind == PANEL_TILES) {
        p.steps = (depth + 1) / 2;
    }
    if (kind == PANEL_BYTES) {
        p.steps = (depth + 3) / 4;
    }
    if (kind == PANEL_TILES || kind == PANEL_BYTES) {
        p.steps = (int64_t)simd_round_up((size_t)p.steps, PANEL_TILE_STEPS);
    }
    p.count = (outputs + PANEL_WIDTH - 1) / PANEL_WIDTH;
    p.step_bytes = (size_t)PANEL_WIDTH * (kind == PANEL_INT8                          ? 1
                                          : kind == PANEL_F16 || kind == PANEL_BF16 ? 2
                                                                                    : 4);
    p.bytes = (size_t)p.steps * p.step_bytes;
    return p;
}

/* Packs a matrix; p->data is to be freed. */
static inline assay_status panels_pack(const assay_exec *exec, const assay_tensor *weight,
                                       panel_kind kind, simd_panels *p)
{
    const int64_t outputs = weight->shape[0];
    const int64_t depth = weight->shape[1];
    *p = panels_shape(kind, outputs, depth);
    p->data = simd_allocate((size_t)p->count * p->bytes);
    if (p->data == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY,
                          "no memory for packed weights of %lld x %lld", (long long)outputs,
                          (long long)depth);
    }
#pragma omp parallel for num_threads(simd_threads(exec, outputs * depth)) schedule(static)
    for (int64_t i = 0; i < p->count; i++) {
        unsigned char *const panel = p->data + (size_t)i * p->bytes;
        for (int64_t s = 0; s < p->steps; s++) {
            panel_step(p, weight, i * PANEL_WIDTH, s, panel);
        }
    }
    return ASSAY_OK;
}

/* A per-output vector as f32, `absent` where there is none, `beyond` behind its end. */
static inline void panels_vector(const simd_panels *p, const assay_tensor *vector, float absent,
                                 float beyond, float *to)
{
    for (int64_t o = 0; o < p->count * PANEL_WIDTH; o++) {
        const bool present = o < p->outputs && assay_present(vector);
        to[o] = o >= p->outputs ? beyond : present ? (float)assay_at1(vector, o) : absent;
    }
}

#endif
