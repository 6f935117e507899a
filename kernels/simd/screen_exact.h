/* The bf16 dots of sixteen latents, wherever they lie, by VDPBF16PS: a lane is a latent, whose
 * pairs go through k = 0, 1, 2, ... as in product_avx512.h, from a sum of 0, no step more. The
 * weights lie latent by latent; sixteen steps of sixteen latents are transposed at a time. */
#ifndef KERNELS_SIMD_SCREEN_EXACT_H
#define KERNELS_SIMD_SCREEN_EXACT_H

#include "kernels/simd/active_avx512.h"
#include "kernels/simd/screen_rows.h"

enum {
    SCREEN_TOGETHER = 8, /* rows of a pass */
    SCREEN_AHEAD = 256   /* bytes of a latent's row */
};

static inline __m512i screen_lanes(void)
{
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* t[i] has 16 words of latent i; afterwards t[k] has word k of 16 latents. */
static inline __attribute__((always_inline)) void screen_transpose(__m512i t[SCREEN_LANES])
{
    __m512i u[SCREEN_LANES];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        u[i] = _mm512_unpacklo_epi32(t[i], t[i + 1]);
        u[i + 1] = _mm512_unpackhi_epi32(t[i], t[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) { /* t[i + c]: column c of each 128 bits, latents i .. i + 3 */
        t[i] = _mm512_unpacklo_epi64(u[i], u[i + 2]);
        t[i + 1] = _mm512_unpackhi_epi64(u[i], u[i + 2]);
        t[i + 2] = _mm512_unpacklo_epi64(u[i + 1], u[i + 3]);
        t[i + 3] = _mm512_unpackhi_epi64(u[i + 1], u[i + 3]);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        const __m512i a = _mm512_shuffle_i32x4(t[c], t[4 + c], 0x88);
        const __m512i b = _mm512_shuffle_i32x4(t[c], t[4 + c], 0xdd);
        const __m512i e = _mm512_shuffle_i32x4(t[8 + c], t[12 + c], 0x88);
        const __m512i f = _mm512_shuffle_i32x4(t[8 + c], t[12 + c], 0xdd);
        u[c] = _mm512_shuffle_i32x4(a, e, 0x88);
        u[8 + c] = _mm512_shuffle_i32x4(a, e, 0xdd);
        u[4 + c] = _mm512_shuffle_i32x4(b, f, 0x88);
        u[12 + c] = _mm512_shuffle_i32x4(b, f, 0xdd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        t[i] = u[i];
    }
}

/* rows is a constant wherever this is expanded. x: pairs of those rows; sum: their sixteen dots. */
static inline __attribute__((always_inline)) void
screen_dots_of(const int rows, const uint16_t *const w[SCREEN_LANES], int64_t steps,
               const uint16_t *const *x, __m512 *sum)
{
    __m512 s[SCREEN_TOGETHER];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        s[r] = _mm512_setzero_ps();
    }
    for (int64_t first = 0; first < steps; first += SCREEN_LANES) {
        __m512i t[SCREEN_LANES];
#pragma GCC unroll 16
        for (int i = 0; i < SCREEN_LANES; i++) {
            const char *const from = (const char *)(w[i] + 2 * first);
            _mm_prefetch(from + SCREEN_AHEAD, _MM_HINT_T0);
            t[i] = _mm512_load_si512(from);
        }
        screen_transpose(t);
        const int64_t left = steps - first;
#pragma GCC unroll 16
        for (int k = 0; k < SCREEN_LANES; k++) {
            if (k >= left) {
                break;
            }
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                float pair;
                memcpy(&pair, x[r] + 2 * (first + k), sizeof pair);
                s[r] = _mm512_dpbf16_ps(s[r], (__m512bh)t[k], (__m512bh)_mm512_set1_ps(pair));
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        sum[r] = s[r];
    }
}

#define SCREEN_CASE(number)                                                                        \
    case number: screen_dots_of(number, w, steps, x, sum); break;
static inline void screen_dots(int rows, const uint16_t *const w[SCREEN_LANES], int64_t steps,
                               const uint16_t *const *x, __m512 *sum)
{
    switch (rows) {
        SCREEN_CASE(1) SCREEN_CASE(2) SCREEN_CASE(3) SCREEN_CASE(4)
        SCREEN_CASE(5) SCREEN_CASE(6) SCREEN_CASE(7) SCREEN_CASE(8)
    default: break;
    }
}

/* The vectors of latents in any places; those beyond `count` lanes are a copy of the first. */
static inline emit_half screen_load(const encode_state *s, __m512i latent, int64_t count)
{
    emit_half h;
    h.scale = _mm512_i32gather_ps(latent, s->scale, sizeof(float));
    h.bias = _mm512_i32gather_ps(latent, s->bias, sizeof(float));
    h.gate = _mm512_i32gather_ps(latent, s->gate, sizeof(float));
    h.threshold = _mm512_i32gather_ps(latent, s->threshold, sizeof(float));
    h.latent = latent;
    h.may = _mm512_mask_cmp_ps_mask(avx512_first(count), h.threshold, _mm512_set1_ps(INFINITY),
                                    _CMP_NEQ_UQ);
    return h;
}

/* Appends those of sixteen latents that are active in row r to the thread's segment. */
static inline void screen_append(const screen_job *job, int64_t r, const emit_half *h, __m512 dot)
{
    const encode_job *const exact = &job->exact;
    const int self = omp_get_thread_num();
    const encode_segment own = encode_segment_of(exact, r, self);
    const bool gated = exact->state->gated;
    const emit_mode mode = exact->sae->activation == ASSAY_TOPK ? EMIT_TOP
                           : gated                              ? EMIT_GATED
                                                                : EMIT_THRESHOLD;
    const __m512 pre = _mm512_fmadd_ps(h->scale, dot, h->bias);
    const __m512 least = _mm512_set1_ps(mode == EMIT_TOP ? own.least[0] : 0.0f);
    const __mmask16 active = emit_active(mode, gated, h, pre, least);
    if (active == 0) {
        return;
    }
    const int64_t count = own.count[0];
    own.count[0] = count + emit_append(own.latent + count, own.value + count, h, pre, active);
    if (mode == EMIT_TOP && own.count[0] >= exact->limit) {
        encode_cut(exact, r, self);
    }
}

/* Sixteen latents times up to SCREEN_TOGETHER rows of a chunk. Lanes beyond `count` repeat a
 * latent. */
static inline void screen_multiply(const screen_job *job, const int64_t *rows, int together,
                                   __m512i latent, int64_t count)
{
    const screen_state *const s = job->state;
    _Alignas(SIMD_LINE) int32_t index[SCREEN_LANES];
    const uint16_t *w[SCREEN_LANES];
    const uint16_t *x[SCREEN_TOGETHER];
    __m512 dot[SCREEN_TOGETHER];
    _mm512_store_si512(index, latent);
    for (int i = 0; i < SCREEN_LANES; i++) {
        w[i] = s->rows + (int64_t)index[i] * s->words;
    }
    for (int r = 0; r < together; r++) {
        x[r] = job->scratch.pairs + rows[r] * s->words;
    }
    screen_dots(together, w, (s->exact.panels.depth + 1) / 2, x, dot);
    const emit_half half = screen_load(&s->exact, latent, count);
    for (int r = 0; r < together; r++) {
        screen_append(job, rows[r], &half, dot[r]);
    }
}

/* The candidates of row r, which lie behind its segment's entries: they are read before what they
 * leave is written, which is never more. */
static inline void screen_candidates(const screen_job *job, int64_t r, int64_t count)
{
    const encode_segment own = encode_segment_of(&job->exact, r, omp_get_thread_num());
    const int32_t *const latent = own.latent + own.count[0];
    for (int64_t at = 0; at < count; at += SCREEN_LANES) {
        const int64_t left = scalar_min(count - at, SCREEN_LANES);
        const __m512i first = _mm512_set1_epi32(latent[at]);
        const __m512i some =
            _mm512_mask_loadu_epi32(first, avx512_first(left), latent + at);
        screen_multiply(job, &r, 1, some, left);
    }
}

/* All latents of some panels times `count` rows: all of these while sixteen latents are cached. */
static inline void screen_all(const screen_job *job, const int64_t *rows, int64_t count,
                              simd_share panels)
{
    const int64_t end = scalar_min(panels.last * PANEL_WIDTH, job->exact.sae->d_sae);
    for (int64_t j = panels.first * PANEL_WIDTH; j < end; j += SCREEN_LANES) {
        const __m512i latent = _mm512_add_epi32(_mm512_set1_epi32((int32_t)j), screen_lanes());
        for (int64_t r = 0; r < count; r += SCREEN_TOGETHER) {
            screen_multiply(job, rows + r, (int)scalar_min(count - r, SCREEN_TOGETHER), latent,
                            end - j);
        }
    }
}

#endif
