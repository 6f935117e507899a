/* Pre-activations of one panel and their active ones, by AVX-512. */
#ifndef KERNELS_SIMD_EMIT_AVX512_H
#define KERNELS_SIMD_EMIT_AVX512_H

#include "kernels/simd/avx512.h"
#include "kernels/simd/encode.h"

typedef enum emit_mode { EMIT_THRESHOLD, EMIT_GATED, EMIT_TOP } emit_mode;

/* A half panel's vectors. */
typedef struct emit_half {
    __m512 scale, bias, gate, threshold;
    __m512i latent;
    __mmask16 may; /* latents that exist and whose threshold is not infinite */
} emit_half;

static inline emit_half emit_load(const encode_job *job, int64_t j)
{
    const encode_state *const s = job->state;
    emit_half h;
    h.scale = _mm512_load_ps(s->scale + j);
    h.bias = _mm512_load_ps(s->bias + j);
    h.gate = _mm512_load_ps(s->gate + j);
    h.threshold = _mm512_load_ps(s->threshold + j);
    h.latent = _mm512_add_epi32(_mm512_set1_epi32((int32_t)j),
                                _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                                                  14, 15));
    h.may = _mm512_mask_cmp_ps_mask(avx512_first(job->sae->d_sae - j), h.threshold,
                                    _mm512_set1_ps(INFINITY), _CMP_NEQ_UQ);
    return h;
}

/* A NaN is active: it is not below or at any threshold. With gates a score may be NaN where the
 * pre-activation is not, which then is not active. */
static inline __attribute__((always_inline)) __mmask16
emit_active(const emit_mode mode, bool gated, const emit_half *h, __m512 pre, __m512 least)
{
    if (mode == EMIT_THRESHOLD) {
        return _mm512_mask_cmp_ps_mask(h->may, pre, h->threshold, _CMP_NLE_UQ);
    }
    const __m512 score = gated ? _mm512_mul_ps(h->gate, pre) : pre;
    if (mode == EMIT_TOP) {
        return _mm512_mask_cmp_ps_mask(h->may, score, least, _CMP_NLE_UQ);
    }
    return (__mmask16)(_mm512_mask_cmp_ps_mask(h->may, score, h->threshold, _CMP_GT_OQ) |
                       _mm512_mask_cmp_ps_mask(h->may, pre, pre, _CMP_UNORD_Q));
}

static inline int64_t emit_append(int32_t *latent, float *value, const emit_half *h, __m512 pre,
                                  __mmask16 active)
{
    const int64_t count = __builtin_popcount(active);
    const __mmask16 room = avx512_first(count);
    _mm512_mask_storeu_epi32(latent, room, _mm512_maskz_compress_epi32(active, h->latent));
    _mm512_mask_storeu_ps(value, room, _mm512_maskz_compress_ps(active, pre));
    return count;
}

static inline __attribute__((always_inline)) void emit_rows(const emit_mode mode,
                                                            const encode_job *job, int64_t panel,
                                                            int64_t first, int64_t rows,
                                                            const float *dots)
{
    const emit_half low = emit_load(job, panel * PANEL_WIDTH);
    const emit_half high = emit_load(job, panel * PANEL_WIDTH + PANEL_HALF);
    const int self = omp_get_thread_num();
    const encode_segment own = encode_segment_of(job, first, self);
    const bool gated = job->state->gated;
    for (int64_t r = 0; r < rows; r++) {
        const float *const dot = dots + r * PANEL_WIDTH;
        const __m512 a = _mm512_fmadd_ps(low.scale, _mm512_load_ps(dot), low.bias);
        const __m512 b = _mm512_fmadd_ps(high.scale, _mm512_load_ps(dot + PANEL_HALF), high.bias);
        const __m512 least = _mm512_set1_ps(mode == EMIT_TOP ? own.least[r] : 0.0f);
        const __mmask16 a_active = emit_active(mode, gated, &low, a, least);
        const __mmask16 b_active = emit_active(mode, gated, &high, b, least);
        if ((a_active | b_active) == 0) {
            continue;
        }
        const int64_t at = r * job->scratch.width;
        int64_t count = own.count[r];
        count += emit_append(own.latent + at + count, own.value + at + count, &low, a, a_active);
        count += emit_append(own.latent + at + count, own.value + at + count, &high, b, b_active);
        own.count[r] = count;
        if (mode == EMIT_TOP && count >= job->limit) {
            encode_cut(job, first + r, self);
        }
    }
}

static void emit_avx512(void *context, int64_t panel, int64_t first, int64_t rows,
                        const float *dots)
{
    const encode_job *const job = context;
    if (job->sae->activation == ASSAY_TOPK) {
        emit_rows(EMIT_TOP, job, panel, first, rows, dots);
    } else if (job->state->gated) {
        emit_rows(EMIT_GATED, job, panel, first, rows, dots);
    } else {
        emit_rows(EMIT_THRESHOLD, job, panel, first, rows, dots);
    }
}

#endif
