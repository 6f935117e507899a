/* sample by vectors: scaled logits and their exponentials in f32, sums of these in f64. Nothing
 * sorts a vocabulary (sample_filter.h). */
#ifndef KERNELS_SIMD_SAMPLE_H
#define KERNELS_SIMD_SAMPLE_H

#include "kernels/simd/sample_filter.h"

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
