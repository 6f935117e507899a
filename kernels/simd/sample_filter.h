/* Steps 2 and 3 of sample without a sort. The k-th greatest is the top of a heap that few tokens
 * enter; the nucleus is cut by the weight of buckets of scores, and only the bucket that the cut
 * goes through is put in order. */
#ifndef KERNELS_SIMD_SAMPLE_FILTER_H
#define KERNELS_SIMD_SAMPLE_FILTER_H

#include "kernels/scalar/sample.h"
#include "kernels/simd/vector.h"

enum {
    SIMD_SAMPLE_BLOCK = 64 * VEC,                /* tokens of one step of a search */
    SIMD_BUCKET_SHIFT = 20,                      /* of a distance's bits: exponent, 3 of fraction */
    SIMD_BUCKETS = 0x7f8 + 1,                    /* up to that of infinity */
    SIMD_BUCKET_SUMS = 4                         /* of a bucket: an addition waits for the last */
};

/* One thread's; each array is a whole number of vectors long. */
typedef struct simd_sample_scratch {
    float *score;   /* logits / T; -Inf when dropped, and behind the last token */
    float *weight;  /* exp(score - greatest); 0 when dropped, and behind the last token */
    int32_t *order; /* tokens of the bucket that the cut goes through */
} simd_sample_scratch;

/* Moves the top of a heap of scores, the least on top, down to its place. */
static inline void simd_sample_sink(float *heap, int64_t count, int64_t at)
{
    const float moved = heap[at];
    for (int64_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && heap[child + 1] < heap[child] ? 1 : 0;
        if (heap[child] >= moved) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Step 2: drops every score below the k-th greatest; its equals stay. */
static inline void simd_sample_top_k(float *score, int64_t length, int64_t k, float *heap)
{
    memcpy(heap, score, (size_t)k * sizeof *heap);
    for (int64_t at = k / 2 - 1; at >= 0; at--) {
        simd_sample_sink(heap, k, at);
    }
    for (int64_t t = k; t < length;) {
        if (t % VEC != 0 || vec_above(vec_load(score + t), vec_set(heap[0])) != 0) {
            const int64_t end = t - t % VEC + VEC;
            for (; t < end; t++) {
                if (score[t] > heap[0]) {
                    heap[0] = score[t];
                    simd_sample_sink(heap, k, 0);
                }
            }
        } else {
            t += VEC;
        }
    }
    const vec least = vec_set(heap[0]);
    for (int64_t t = 0; t < length; t += VEC) {
        const vec x = vec_load(score + t);
        vec_store(score + t, vec_choose(vec_above(least, x), vec_set(-INFINITY), x));
    }
}

/* Tokens of the cut's bucket by descending probability until top_p is reached; drops the others. */
static inline void simd_sample_cut(const simd_sample_scratch *scratch, int64_t count, double taken,
                                   double wanted)
{
    scalar_sample_heapify(scratch->score, scratch->order, count, false);
    bool any = taken > 0.0;
    while (count > 0 && (!any || taken < wanted)) {
        taken += (double)scratch->weight[scratch->order[0]];
        any = true;
        scratch->order[0] = scratch->order[--count];
        scalar_sample_sink(scratch->score, scratch->order, count, 0, false);
    }
    for (int64_t i = 0; i < count; i++) {
        scratch->weight[scratch->order[i]] = 0.0f;
    }
}

/* Step 3. A token's bucket is made of the bits of its distance from the greatest score, which never
 * grow with the score: all of one bucket come before all of the next. */
static inline void simd_sample_top_p(const simd_sample_scratch *scratch, int64_t length, float top,
                                     double wanted)
{
    double mass[SIMD_BUCKETS][SIMD_BUCKET_SUMS] = {{0}};
    for (int64_t t = 0; t < length; t += SIMD_BUCKET_SUMS) {
        for (int64_t i = 0; i < SIMD_BUCKET_SUMS; i++) {
            const float off = fabsf(top - scratch->score[t + i]); /* -0 less 0 is -0 */
            mass[assay_f32_bits(off) >> SIMD_BUCKET_SHIFT][i] += (double)scratch->weight[t + i];
        }
    }
    uint32_t cut = 0;
    double taken = 0.0;
    for (; cut + 2 < SIMD_BUCKETS; cut++) { /* the last one holds what weighs nothing */
        const double *const m = mass[cut];
        const double until = taken + ((m[0] + m[1]) + (m[2] + m[3]));
        if (until >= wanted) {
            break;
        }
        taken = until;
    }
    const vec from = vec_set(assay_f32_from_bits(cut << SIMD_BUCKET_SHIFT));
    const vec to = vec_set(assay_f32_from_bits((cut + 1) << SIMD_BUCKET_SHIFT));
    int64_t count = 0;
    for (int64_t t = 0; t < length; t += VEC) {
        const vec off = vec_sub(vec_set(top), vec_load(scratch->score + t));
        const uint32_t before = vec_above(from, off);
        const uint32_t until = vec_above(to, off);
        vec_store(scratch->weight + t,
                  vec_choose(until, vec_load(scratch->weight + t), vec_set(0.0f)));
        for (uint32_t bits = until & ~before; bits != 0; bits &= bits - 1) {
            scratch->order[count++] = (int32_t)(t + __builtin_ctz(bits));
        }
    }
    simd_sample_cut(scratch, count, taken, wanted);
}

#endif
