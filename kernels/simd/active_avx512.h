/* Which of sixteen latents are active, and their entries, by AVX-512. */
#ifndef KERNELS_SIMD_ACTIVE_AVX512_H
#define KERNELS_SIMD_ACTIVE_AVX512_H

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

#endif
