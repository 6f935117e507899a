/* sample: scaled logits in f32, weights and their sums in f64. The k-th greatest and the nucleus
 * come from heaps, so a row costs V log k and V + m log V for a nucleus of m tokens. */
#ifndef KERNELS_SCALAR_SAMPLE_H
#define KERNELS_SCALAR_SAMPLE_H

#include <math.h>

#include <omp.h>

#include "kernels/scalar/contract.h"

enum { SCALAR_SAMPLE_TEAM = 16 }; /* most threads that have scratch of their own */

typedef struct scalar_sample_scratch {
    double *weight; /* [V] exp(s - greatest); 0 when dropped */
    float *score;   /* [V] s = logits / T; -Inf when dropped */
    int32_t *heap;  /* [V] */
} scalar_sample_scratch;

static inline int64_t scalar_sample_team(const assay_sample_io *io)
{
    const int64_t rows = io->logits.shape[0];
    return rows < 1 ? 1 : scalar_min(SCALAR_SAMPLE_TEAM, rows);
}

static inline size_t scalar_sample_row_bytes(const assay_sample_io *io)
{
    return (size_t)io->logits.shape[1] * (sizeof(double) + sizeof(float) + sizeof(int32_t));
}

static inline size_t scalar_sample_workspace(const assay_sample_params *params,
                                             const assay_sample_io *io)
{
    return params->temperature > 0.0 ? (size_t)scalar_sample_team(io) * scalar_sample_row_bytes(io)
                                     : 0;
}

/* The greatest logit, lowest index first; the first NaN before all numbers. */
static inline int64_t scalar_argmax(const assay_tensor *logits, int64_t row)
{
    int64_t best = 0;
    double greatest = assay_at2(logits, row, 0);
    for (int64_t t = 1; t < logits->shape[1] && !isnan(greatest); t++) {
        const double value = assay_at2(logits, row, t);
        if (value > greatest || isnan(value)) {
            greatest = value;
            best = t;
        }
    }
    return best;
}

/* Order of descending probability; of equals the highest index first. */
static inline bool scalar_sample_before(const float *score, int32_t a, int32_t b)
{
    return score[a] != score[b] ? score[a] > score[b] : a > b;
}

/* Moves entry `at` of a heap of tokens to its place; top_last: the least probable is on top. */
static inline void scalar_sample_sink(const float *score, int32_t *heap, int64_t count, int64_t at,
                                      bool top_last)
{
    for (;;) {
        int64_t best = at;
        for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            const bool before = scalar_sample_before(score, heap[child], heap[best]);
            best = before != top_last ? child : best;
        }
        if (best == at) {
            return;
        }
        const int32_t moved = heap[at];
        heap[at] = heap[best];
        heap[best] = moved;
        at = best;
    }
}

static inline void scalar_sample_heapify(const float *score, int32_t *heap, int64_t count,
                                         bool top_last)
{
    for (int64_t at = count / 2 - 1; at >= 0; at--) {
        scalar_sample_sink(score, heap, count, at, top_last);
    }
}

/* Step 2: drops every token below the k-th greatest; its equals stay. */
static inline void scalar_sample_top_k(const scalar_sample_scratch *scratch, int64_t vocab,
                                       int64_t k)
{
    for (int64_t t = 0; t < k; t++) {
        scratch->heap[t] = (int32_t)t;
    }
    scalar_sample_heapify(scratch->score, scratch->heap, k, true);
    for (int64_t t = k; t < vocab; t++) {
        if (scratch->score[t] > scratch->score[scratch->heap[0]]) {
            scratch->heap[0] = (int32_t)t;
            scalar_sample_sink(scratch->score, scratch->heap, k, 0, true);
        }
    }
    const float least = scratch->score[scratch->heap[0]];
    for (int64_t t = 0; t < vocab; t++) {
        scratch->score[t] = scratch->score[t] < least ? -INFINITY : scratch->score[t];
    }
}

/* Weights of what is left, and their sum in token order. */
static inline double scalar_sample_weigh(const scalar_sample_scratch *scratch, int64_t vocab)
{
    float greatest = -INFINITY;
    for (int64_t t = 0; t < vocab; t++) {
        greatest = scratch->score[t] > greatest ? scratch->score[t] : greatest;
    }
    double sum = 0.0;
    for (int64_t t = 0; t < vocab; t++) {
        scratch->weight[t] = exp((double)scratch->score[t] - (double)greatest);
        sum += scratch->weight[t];
    }
    return sum;
}

/* Step 3: takes tokens by descending probability until top_p is reached and drops the others.
 * Returns the sum of the weights left, in token order. */
static inline double scalar_sample_top_p(const scalar_sample_scratch *scratch, int64_t vocab,
                                         double top_p, double total)
{
    int64_t count = 0;
    for (int64_t t = 0; t < vocab; t++) {
        if (scratch->weight[t] > 0.0) {
            scratch->heap[count++] = (int32_t)t;
        }
    }
    scalar_sample_heapify(scratch->score, scratch->heap, count, false);
    double taken = 0.0;
    bool any = false;
    while (count > 0 && (!any || taken / total < top_p)) {
        taken += scratch->weight[scratch->heap[0]];
        any = true;
        scratch->heap[0] = scratch->heap[--count];
        scalar_sample_sink(scratch->score, scratch->heap, count, 0, false);
    }
    for (int64_t i = 0; i < count; i++) {
        scratch->weight[scratch->heap[i]] = 0.0;
    }
    double sum = 0.0;
    for (int64_t t = 0; t < vocab; t++) {
        sum += scratch->weight[t];
    }
    return sum;
}

/* Step 4: the first token whose cumulative probability exceeds u. */
static inline int64_t scalar_sample_draw(const double *weight, int64_t vocab, double total,
                                         double u)
{
    double cumulative = 0.0;
    int64_t last = -1;
    for (int64_t t = 0; t < vocab; t++) {
        const double p = weight[t] / total;
        cumulative += p;
        if (cumulative > u) {
            return t;
        }
        last = p > 0.0 ? t : last;
    }
    return last;
}

static inline bool scalar_sample_scale(const assay_tensor *logits, int64_t row, double temperature,
                                       float *score)
{
    bool number = true;
    for (int64_t t = 0; t < logits->shape[1]; t++) {
        score[t] = (float)(assay_at2(logits, row, t) / temperature);
        number = number && !isnan(score[t]);
    }
    return number;
}

static inline int64_t scalar_sample_row(const assay_sample_params *params,
                                        const assay_sample_io *io, int64_t row,
                                        const scalar_sample_scratch *scratch)
{
    const int64_t vocab = io->logits.shape[1];
    double total = NAN;
    if (scalar_sample_scale(&io->logits, row, params->temperature, scratch->score)) {
        if (params->top_k > 0 && params->top_k < vocab) {
            scalar_sample_top_k(scratch, vocab, params->top_k);
        }
        total = scalar_sample_weigh(scratch, vocab);
        if (params->top_p < 1.0 && total > 0.0) {
            total = scalar_sample_top_p(scratch, vocab, params->top_p, total);
        }
    }
    const bool defined = total > 0.0; /* else a NaN, or no finite greatest logit */
    for (int64_t t = 0; t < vocab && assay_present(&io->probability); t++) {
        assay_put2(&io->probability, row, t, defined ? scratch->weight[t] / total : NAN);
    }
    if (!defined) {
        return -1;
    }
    const double u = assay_present(&io->uniform)
                         ? assay_at1(&io->uniform, row)
                         : assay_philox_uniform(params->seed,
                                                (uint64_t)scalar_index(&io->stream, row),
                                                (uint64_t)io->step);
    return scalar_sample_draw(scratch->weight, vocab, total, u);
}

static inline int64_t scalar_sample_greedy(const assay_sample_io *io, int64_t row)
{
    const int64_t token = scalar_argmax(&io->logits, row);
    for (int64_t t = 0; t < io->logits.shape[1] && assay_present(&io->probability); t++) {
        assay_put2(&io->probability, row, t, t == token ? 1.0 : 0.0);
    }
    return token;
}

static inline assay_status scalar_sample(const assay_exec *exec, const assay_sample_params *params,
                                         const assay_sample_io *io)
{
    const assay_status status =
        scalar_expect_workspace(exec, scalar_sample_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->logits.shape[0];
    const int64_t vocab = io->logits.shape[1];
    const int64_t team = scalar_min(scalar_sample_team(io), scalar_threads(exec, rows * vocab));
    const size_t bytes = scalar_sample_row_bytes(io);
    char *const workspace = exec->workspace;
#pragma omp parallel for num_threads((int)team) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        int64_t token = 0;
        if (params->temperature > 0.0) {
            char *const mine = workspace + (size_t)omp_get_thread_num() * bytes;
            scalar_sample_scratch scratch = {.weight = (double *)(void *)mine};
            scratch.score = (float *)(void *)(scratch.weight + vocab);
            scratch.heap = (int32_t *)(void *)(scratch.score + vocab);
            token = scalar_sample_row(params, io, row, &scratch);
        } else {
            token = scalar_sample_greedy(io, row);
        }
        assay_put1(&io->token, row, (double)token);
    }
    return ASSAY_OK;
}

#endif
