/* Pre-activations of one tile and their active latents, appended to the rows' segments: in plain C,
 * sixteen latents at a time, since hardly any of them is active. */
#ifndef KERNELS_LIBRARY_EMIT_H
#define KERNELS_LIBRARY_EMIT_H

#include "kernels/simd/encode.h"

enum { LIBRARY_GROUP = 16 };

/* pre = scale * sum + bias of a group; whether one of its scores is not at or below its limit, as
 * neither is a NaN. */
SCALAR_CLONES static bool library_group(const float *restrict scale, const float *restrict bias,
                                        const float *restrict gate, const float *restrict limit,
                                        const float *restrict sum, float *restrict pre)
{
    int any = 0;
    for (int i = 0; i < LIBRARY_GROUP; i++) {
        pre[i] = scale[i] * sum[i] + bias[i];
        any |= gate[i] * pre[i] <= limit[i] ? 0 : 1;
    }
    return any != 0;
}

/* A NaN is active, but with gates only that of a pre-activation; a latent whose threshold is
 * infinite never is, and those beyond the last have such a one. */
static inline bool library_is_active(const encode_job *job, int64_t j, float pre, float least)
{
    const encode_state *const s = job->state;
    if (j >= job->sae->d_sae || s->threshold[j] == INFINITY) {
        return false;
    }
    const float score = s->gated ? s->gate[j] * pre : pre;
    if (job->sae->activation == ASSAY_TOPK) {
        return !(score <= least);
    }
    return isnan(pre) || score > s->threshold[j];
}

static inline void library_emit_group(const encode_job *job, int64_t j, const float *pre,
                                      const encode_segment *to, int64_t r)
{
    const int64_t at = r * job->scratch.width;
    for (int i = 0; i < LIBRARY_GROUP; i++) {
        if (library_is_active(job, j + i, pre[i], to->least[r])) {
            const int64_t count = to->count[r]++;
            to->latent[at + count] = (int32_t)(j + i);
            to->value[at + count] = pre[i];
        }
    }
}

/* Latents j .. j+width-1 of rows first .., out [rows, width]; what stands in out beyond the last
 * latent is of no account. */
static inline void library_emit(const encode_job *job, int64_t j, int64_t width, int64_t rows,
                                const float *out)
{
    const encode_state *const s = job->state;
    const int self = omp_get_thread_num();
    const encode_segment own = encode_segment_of(job, 0, self);
    const bool top = job->sae->activation == ASSAY_TOPK;
    const int64_t end = scalar_min(j + width, job->sae->d_sae);
    float least[LIBRARY_GROUP];
    float pre[LIBRARY_GROUP];
    for (int64_t r = 0; r < rows; r++) {
        const float *const sums = out + r * width;
        for (int i = 0; i < LIBRARY_GROUP; i++) {
            least[i] = own.least[r];
        }
        for (int64_t at = j; at < end; at += LIBRARY_GROUP) {
            if (library_group(s->scale + at, s->bias + at, s->gate + at,
                              top ? least : s->threshold + at, sums + (at - j), pre)) {
                library_emit_group(job, at, pre, &own, r);
            }
        }
        if (top && own.count[r] >= job->limit) {
            encode_cut(job, r, self);
        }
    }
}

#endif
