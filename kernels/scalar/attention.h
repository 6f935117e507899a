/* attention: one (row, head) at a time; scores of all visible positions, softmax, weighted sum.
 *
 * Scores are dot products in lanes; the softmax's sum and the weighted sum of v run through the
 * positions in ascending order, so the whole op declares the sequential order class. */
#ifndef KERNELS_SCALAR_ATTENTION_H
#define KERNELS_SCALAR_ATTENTION_H

#include <math.h>

#include <omp.h>

#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

enum { SCALAR_ATTENTION_TEAM = 64 }; /* most threads that have scratch of their own */

static inline int64_t scalar_attention_team(const assay_attention_params *params,
                                            const assay_attention_io *io)
{
    const int64_t tasks = io->q.shape[0] * params->heads;
    return tasks < 1 ? 1 : scalar_min(SCALAR_ATTENTION_TEAM, tasks);
}

/* Floats of one thread: a score for each position, the query head, the output head. */
static inline int64_t scalar_attention_scratch(const assay_attention_params *params,
                                               const assay_attention_io *io)
{
    return io->max_position + 1 + 2 * params->head_dim;
}

static inline size_t scalar_attention_workspace(const assay_attention_params *params,
                                                const assay_attention_io *io)
{
    return (size_t)(scalar_attention_team(params, io) * scalar_attention_scratch(params, io)) *
           sizeof(float);
}

/* Row t of sequence s in a cache [S, capacity, width] as a one-row matrix. */
static inline assay_tensor scalar_cache_row(const assay_tensor *cache, int64_t s, int64_t t)
{
    assay_tensor row = *cache;
    row.rank = 2;
    row.data = (char *)cache->data + (s * cache->stride[0] + t * cache->stride[1]) *
                                         (int64_t)assay_dtype_size(cache->dtype);
    row.shape[0] = 1;
    row.shape[1] = cache->shape[2];
    row.stride[0] = 0;
    row.stride[1] = cache->stride[2];
    return row;
}

static inline void scalar_cache_store(const assay_tensor *from, int64_t n,
                                      const assay_tensor *cache, int64_t s, int64_t t)
{
    const assay_tensor to = scalar_cache_row(cache, s, t);
    float buffer[SCALAR_PIECE];
    for (int64_t at = 0; at < to.shape[1]; at += SCALAR_PIECE) {
        const int64_t count = scalar_min(SCALAR_PIECE, to.shape[1] - at);
        scalar_store(&to, 0, at, count, scalar_piece(from, n, at, count, buffer));
    }
}

/* score[t] for t = 0 .. last -> softmax weights, rounded to `middle`. A NaN score makes every
 * weight NaN through the sum, though no comparison with the greatest lets it through. */
static inline void scalar_softmax(assay_dtype middle, float *score, int64_t count)
{
    float greatest = -INFINITY;
    for (int64_t t = 0; t < count; t++) {
        greatest = score[t] > greatest ? score[t] : greatest;
    }
    float sum = 0.0f;
    for (int64_t t = 0; t < count; t++) {
        score[t] = expf(score[t] - greatest);
        sum += score[t];
    }
    for (int64_t t = 0; t < count; t++) {
        score[t] /= sum;
    }
    scalar_round(middle, score, count);
}

/* out += weight * v[at ..], over a head. */
static inline void scalar_axpy(float weight, const assay_tensor *row, int64_t at, int64_t n,
                               float *restrict out)
{
    float buffer[SCALAR_PIECE];
    for (int64_t i = 0; i < n; i += SCALAR_PIECE) {
        const int64_t count = scalar_min(SCALAR_PIECE, n - i);
        const float *const v = scalar_piece(row, 0, at + i, count, buffer);
        for (int64_t e = 0; e < count; e++) {
            out[i + e] += weight * v[e];
        }
    }
}

static inline void scalar_attend(assay_dtype middle, const assay_attention_params *params,
                                 const assay_attention_io *io, int64_t n, int64_t head,
                                 float *scratch)
{
    const int64_t d = params->head_dim;
    const int64_t kv = head / (params->heads / params->kv_heads) * d;
    const int64_t s = scalar_index(&io->sequence, n);
    const int64_t visible = scalar_index(&io->position, n) + 1;
    float *const query = scratch;
    float *const out = scratch + d;
    float *const score = scratch + 2 * d;
    const float scale = (float)(1.0 / sqrt((double)d));
    const float *const q = scalar_piece(&io->q, n, head * d, d, query);
    for (int64_t t = 0; t < visible; t++) {
        const assay_tensor row = scalar_cache_row(&io->k_cache, s, t);
        assay_tensor key = row; /* this head's part, as row 0 */
        key.data = scalar_address(&row, 0, kv);
        scalar_dots(&key, 0, q, 0, 1, d, &score[t]);
        score[t] = scalar_rounded(middle, score[t]) * scale;
        score[t] = scalar_rounded(middle, score[t]);
    }
    scalar_softmax(middle, score, visible);
    memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t t = 0; t < visible; t++) {
        const assay_tensor row = scalar_cache_row(&io->v_cache, s, t);
        scalar_axpy(score[t], &row, kv, d, out);
    }
    scalar_store(&io->y, n, head * d, d, out);
}

static inline assay_status scalar_attention(const assay_precision *contract,
                                            const assay_exec *exec,
                                            const assay_attention_params *params,
                                            const assay_attention_io *io)
{
    assay_status status = scalar_expect(exec, "q", &io->q, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "k", &io->k, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "v", &io->v, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, scalar_attention_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->q.shape[0];
    for (int64_t n = 0; n < rows; n++) {
        const int64_t s = scalar_index(&io->sequence, n);
        const int64_t t = scalar_index(&io->position, n);
        scalar_cache_store(&io->k, n, &io->k_cache, s, t);
        scalar_cache_store(&io->v, n, &io->v_cache, s, t);
    }
    const int64_t tasks = rows * params->heads;
    const int64_t scratch = scalar_attention_scratch(params, io);
    const int64_t team = scalar_min(scalar_attention_team(params, io),
                                    scalar_threads(exec, tasks * scratch * params->head_dim));
    float *const workspace = exec->workspace;
    const assay_dtype middle = contract->intermediate;
#pragma omp parallel for num_threads((int)team) schedule(dynamic, 4)
    for (int64_t task = 0; task < tasks; task++) {
        scalar_attend(middle, params, io, task / params->heads, task % params->heads,
                      workspace + omp_get_thread_num() * scratch);
    }
    return ASSAY_OK;
}

#endif
