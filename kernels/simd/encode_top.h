/* The k greatest of a row's candidates. Keys sort as scores do: both zeros equal, a NaN on top; the
 * k-th is found by bisection over their bits, which needs no memory. Of equals the lowest latents
 * stay; entries stay in order. */
#ifndef KERNELS_SIMD_ENCODE_TOP_H
#define KERNELS_SIMD_ENCODE_TOP_H

#include "kernels/simd/encode_rows.h"

static inline uint32_t encode_key(float score)
{
    const uint32_t bits = assay_f32_bits(score + 0.0f); /* -0 becomes 0 */
    const uint32_t key = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
    return isnan(score) ? UINT32_MAX : key;
}

static inline float encode_score_of_key(uint32_t key)
{
    return key == UINT32_MAX ? NAN
                             : assay_f32_from_bits((key >> 31) != 0 ? key & 0x7fffffffu : ~key);
}

static inline float encode_score(const encode_job *job, const encode_segment *s, int64_t i)
{
    return job->state->gated ? s->value[i] * job->state->gate[s->latent[i]] : s->value[i];
}

static inline int64_t encode_count_from(const encode_job *job, const encode_segment *s,
                                        uint32_t least)
{
    const int64_t count = s->count[0];
    int64_t found = 0;
    if (job->state->gated) {
        for (int64_t i = 0; i < count; i++) {
            found += encode_key(encode_score(job, s, i)) >= least ? 1 : 0;
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            found += encode_key(s->value[i]) >= least ? 1 : 0;
        }
    }
    return found;
}

/* Over the segments of threads first .. last-1 of row r. */
static inline int64_t encode_total_from(const encode_job *job, int64_t r, int first, int last,
                                        uint32_t least)
{
    int64_t found = 0;
    for (int t = first; t < last; t++) {
        const encode_segment segment = encode_segment_of(job, r, t);
        found += encode_count_from(job, &segment, least);
    }
    return found;
}

/* Keeps of a segment what exceeds the k-th key, and the first *equals of those that equal it. */
static inline void encode_keep(const encode_job *job, encode_segment *s, uint32_t kth,
                               int64_t *equals)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < s->count[0]; i++) {
        const uint32_t key = encode_key(encode_score(job, s, i));
        const bool equal = key == kth && *equals > 0;
        if (key > kth || equal) {
            s->latent[kept] = s->latent[i];
            s->value[kept++] = s->value[i];
            *equals -= equal ? 1 : 0;
        }
    }
    s->count[0] = kept;
}

/* Cuts the segments of threads first .. last-1 of row r to the k greatest together. Returns the
 * k-th key; 0 when there were no more than k. */
static inline uint32_t encode_cut_all(const encode_job *job, int64_t r, int first, int last)
{
    if (encode_total_from(job, r, first, last, 0) <= job->k) {
        return 0;
    }
    uint32_t kth = 0;
    for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
        kth |= encode_total_from(job, r, first, last, kth | bit) >= job->k ? bit : 0;
    }
    const int64_t above =
        kth == UINT32_MAX ? 0 : encode_total_from(job, r, first, last, kth + 1);
    int64_t equals = job->k - above;
    for (int t = first; t < last; t++) {
        encode_segment segment = encode_segment_of(job, r, t);
        encode_keep(job, &segment, kth, &equals);
    }
    return kth;
}

/* A thread's own segment: from now on only what exceeds its k-th may enter. */
static inline void encode_cut(const encode_job *job, int64_t r, int thread)
{
    const uint32_t kth = encode_cut_all(job, r, thread, thread + 1);
    if (kth != 0) {
        encode_segment_of(job, r, thread).least[0] = encode_score_of_key(kth);
    }
}

/* All threads' candidates of a row, then those of them that are positive. */
static inline void encode_merge(const encode_job *job, int64_t r)
{
    const int team = omp_get_num_threads();
    (void)encode_cut_all(job, r, 0, team);
    for (int t = 0; t < team; t++) {
        const encode_segment segment = encode_segment_of(job, r, t);
        int64_t kept = 0;
        for (int64_t i = 0; i < segment.count[0]; i++) {
            const float value = segment.value[i];
            if (isnan(value) || value > 0.0f) {
                segment.latent[kept] = segment.latent[i];
                segment.value[kept++] = value;
            }
        }
        segment.count[0] = kept;
    }
}

#endif
