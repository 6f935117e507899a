/* sample by vectors: scaled logits and their exponentials in f32, sums of these in f64.
 *
 * Nothing sorts a vocabulary. The k-th greatest is the top of a heap that few tokens enter; the
 * nucleus is cut by the weight of buckets of scores, and only the bucket that the cut goes through
 * is put in order. */
#ifndef KERNELS_SIMD_SAMPLE_H
#define KERNELS_SIMD_SAMPLE_H

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

static inline int64_t simd_sample_length(const assay_sample_io *io)
{
    return (int64_t)simd_round_up((size_t)io->logits.shape[1], SIMD_SAMPLE_BLOCK);
}

static inline size_t simd_sample_workspace(const assay_sample_params *params,
                                           const assay_sample_io *io)
{
    const size_t each = 2 * sizeof(float) + sizeof(int32_t);
    return params->temperature > 0.0
               ? (size_t)(scalar_sample_team(io) * simd_sample_length(io)) * each
               : 0;
}

/* The greatest logit, lowest index first; the first NaN before all numbers. */
VEC_INLINE int64_t simd_argmax(assay_dtype type, const void *logits, int64_t vocab)
{
    int64_t found = 0; /* the block that holds it */
    float best = -INFINITY;
    bool nan = false;
    for (int64_t at = 0; at < vocab && !nan; at += SIMD_SAMPLE_BLOCK) {
        const int64_t end = scalar_min(at + SIMD_SAMPLE_BLOCK, vocab);
        vec top = vec_set(-INFINITY);
        uint32_t nans = 0;
        int64_t t = at;
        for (; t + VEC <= end; t += VEC) {
            const vec x = vec_read(type, logits, t);
            top = vec_max(x, top);
            nans |= vec_nans(x);
        }
        float greatest = vec_greatest(top);
        for (; t < end; t++) {
            const float x = (float)assay_load(type, logits, (size_t)t);
            greatest = x > greatest ? x : greatest;
            nans |= isnan(x) ? 1 : 0;
        }
        nan = nans != 0;
        if (nan || greatest > best) {
            best = greatest;
            found = at;
        }
    }
    for (int64_t t = found; t < vocab; t++) {
        const float x = (float)assay_load(type, logits, (size_t)t);
        if (nan ? isnan(x) : x == best) {
            return t;
        }
    }
    return 0;
}

/* Step 1. */
VEC_INLINE void simd_sample_scale(assay_dtype type, const void *logits, int64_t vocab,
                                  int64_t length, double temperature, float *score)
{
    const double factor = 1.0 / temperature;
    for (int64_t t = 0; t < vocab; t += VEC) {
        vec_store(score + t, vec_times(vec_read_first(type, logits, t, vocab - t), factor));
    }
    for (int64_t t = vocab; t < length; t++) {
        score[t] = -INFINITY;
    }
}

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

static inline double simd_sample_sum(const float *weight, int64_t count)
{
    vec_wide even = vec_wide_zero();
    vec_wide odd = vec_wide_zero();
    for (int64_t t = 0; t < count; t += 2 * VEC) {
        even = vec_wide_add(even, vec_load(weight + t));
        odd = vec_wide_add(odd, vec_load(weight + t + VEC));
    }
    return vec_wide_sum(even) + vec_wide_sum(odd);
}

/* Weights of what is left; returns the greatest score. A NaN makes the sum of the weights NaN. */
static inline float simd_sample_weigh(const simd_sample_scratch *scratch, int64_t length)
{
    vec greatest = vec_set(-INFINITY);
    for (int64_t t = 0; t < length; t += VEC) {
        greatest = vec_max(vec_load(scratch->score + t), greatest);
    }
    const float top = vec_greatest(greatest);
    for (int64_t t = 0; t < length; t += VEC) {
        const vec below = vec_sub(vec_load(scratch->score + t), vec_set(top));
        vec_store(scratch->weight + t, vec_exp(below));
    }
    return top;
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

/* Step 4: the first token up to which the weights exceed `wanted`; blocks that end short of it are
 * passed by their sums. */
static inline int64_t simd_sample_draw(const float *weight, int64_t length, double wanted)
{
    double sum = 0.0;
    int64_t last = -1;
    for (int64_t at = 0; at < length; at += SIMD_SAMPLE_BLOCK) {
        const double block = simd_sample_sum(weight + at, SIMD_SAMPLE_BLOCK);
        last = block > 0.0 ? at : last;
        if (sum + block > wanted) {
            double within = sum;
            for (int64_t t = at; t < at + SIMD_SAMPLE_BLOCK; t++) {
                within += (double)weight[t];
                if (within > wanted) {
                    return t;
                }
            }
        }
        sum += block;
    }
    for (int64_t t = last + SIMD_SAMPLE_BLOCK - 1; last >= 0 && t >= last; t--) {
        if (weight[t] > 0.0f) {
            return t;
        }
    }
    return -1;
}

VEC_INLINE void simd_sample_put(assay_dtype type, void *to, int64_t vocab, const float *weight,
                                float total)
{
    for (int64_t t = 0; t < vocab; t += VEC) {
        const vec p = vec_div(vec_load(weight + t), vec_set(total));
        vec_write_first(type, to, t, p, vocab - t);
    }
}

static inline int64_t simd_sample_row(const assay_sample_params *params, const assay_sample_io *io,
                                      int64_t row, const simd_sample_scratch *scratch)
{
    const int64_t vocab = io->logits.shape[1];
    const int64_t length = simd_sample_length(io);
    VEC_TYPED(simd_sample_scale, io->logits.dtype, vec_row(&io->logits, row), vocab, length,
              params->temperature, scratch->score);
    if (params->top_k > 0 && params->top_k < vocab) {
        simd_sample_top_k(scratch->score, length, params->top_k, scratch->weight);
    }
    const float top = simd_sample_weigh(scratch, length);
    double total = simd_sample_sum(scratch->weight, length);
    if (params->top_p < 1.0 && total > 0.0) {
        simd_sample_top_p(scratch, length, top, params->top_p * total);
        total = simd_sample_sum(scratch->weight, length);
    }
    const bool defined = total > 0.0; /* else a NaN, or no finite greatest logit */
    if (assay_present(&io->probability)) {
        VEC_TYPED(simd_sample_put, io->probability.dtype, vec_row(&io->probability, row), vocab,
                  scratch->weight, defined ? (float)total : NAN);
    }
    if (!defined) {
        return -1;
    }
    const double u = assay_present(&io->uniform)
                         ? assay_at1(&io->uniform, row)
                         : assay_philox_uniform(params->seed,
                                                (uint64_t)scalar_index(&io->stream, row),
                                                (uint64_t)io->step);
    return simd_sample_draw(scratch->weight, length, u * total);
}

static inline int64_t simd_sample_greedy(const assay_sample_io *io, int64_t row)
{
    const int64_t vocab = io->logits.shape[1];
    const int64_t token = VEC_TYPED(simd_argmax, io->logits.dtype, vec_row(&io->logits, row),
                                    vocab);
    if (assay_present(&io->probability)) {
        memset(vec_row(&io->probability, row), 0,
               (size_t)vocab * assay_dtype_size(io->probability.dtype));
        assay_put2(&io->probability, row, token, 1.0);
    }
    return token;
}

static inline assay_status simd_sample(assay_dtype type, const assay_exec *exec,
                                       const assay_sample_params *params,
                                       const assay_sample_io *io)
{
    assay_status status = scalar_expect(exec, "logits", &io->logits, type);
    if (status == ASSAY_OK && assay_present(&io->probability)) {
        status = scalar_expect(exec, "probability", &io->probability, type);
    }
    status = status != ASSAY_OK ? status
                                : scalar_expect_workspace(exec, simd_sample_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->logits.shape[0];
    const int64_t length = simd_sample_length(io);
    const int64_t team = scalar_min(scalar_sample_team(io), simd_threads(exec, rows * length));
    float *const workspace = exec->workspace;
#pragma omp parallel for num_threads((int)team) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        int64_t token = 0;
        if (params->temperature > 0.0) {
            float *const mine = workspace + omp_get_thread_num() * 3 * length;
            const simd_sample_scratch scratch = {mine, mine + length,
                                                 (int32_t *)(void *)(mine + 2 * length)};
            token = simd_sample_row(params, io, row, &scratch);
        } else {
            token = simd_sample_greedy(io, row);
        }
        assay_put1(&io->token, row, (double)token);
    }
    return ASSAY_OK;
}

#endif
