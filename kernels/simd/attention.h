/* attention by vectors: tiles of rows and of the query heads that share a kv head. */
#ifndef KERNELS_SIMD_ATTENTION_H
#define KERNELS_SIMD_ATTENTION_H

#include "kernels/simd/attention_tile.h"

enum { ATTENTION_TEAM = 64 }; /* most threads that have scratch of their own */

/* How a call is cut into tasks: rows_of_task rows of one part of a kv head's query heads. */
typedef struct attention_plan {
    int64_t heads;        /* query heads of a task, at most; they share a kv head */
    int64_t parts;        /* of the query heads of one kv head */
    int64_t rows_of_task;
    int64_t chunks, tasks, pitch;
    int64_t scratch;      /* floats of one thread */
} attention_plan;

static inline attention_plan attention_plan_of(const assay_attention_params *params,
                                               const assay_attention_io *io)
{
    const int64_t rows = io->q.shape[0];
    const int64_t group = params->heads / params->kv_heads;
    attention_plan plan = {.heads = scalar_min(group, ATTENTION_QUERIES)};
    plan.parts = (group + plan.heads - 1) / plan.heads;
    plan.rows_of_task = scalar_min(ATTENTION_QUERIES / plan.heads, rows > 0 ? rows : 1);
    plan.chunks = (rows + plan.rows_of_task - 1) / plan.rows_of_task;
    plan.tasks = plan.chunks * params->kv_heads * plan.parts;
    plan.pitch = (int64_t)simd_round_up((size_t)io->max_position + 1, ATTENTION_KEYS);
    const int64_t queries = plan.heads * plan.rows_of_task;
    plan.scratch = queries * plan.pitch +
                   2 * (queries + ATTENTION_KEYS) *
                       (int64_t)simd_round_up((size_t)params->head_dim, VEC);
    return plan;
}

static inline int64_t attention_team(const attention_plan *plan)
{
    return plan->tasks < 1 ? 1 : scalar_min(ATTENTION_TEAM, plan->tasks);
}

static inline size_t simd_attention_workspace(const assay_attention_params *params,
                                              const assay_attention_io *io)
{
    const attention_plan plan = attention_plan_of(params, io);
    return (size_t)(attention_team(&plan) * plan.scratch) * sizeof(float);
}

/* Row t of sequence s of a cache, column `at`. */
static inline char *attention_cache(const assay_tensor *cache, int64_t s, int64_t t, int64_t at)
{
    return (char *)cache->data + (s * cache->stride[0] + t * cache->stride[1] + at) *
                                     (int64_t)assay_dtype_size(cache->dtype);
}

VEC_INLINE void attention_read(assay_dtype type, const assay_tensor *q, int64_t n, int64_t at,
                               int64_t d, float *to)
{
    const void *const from = vec_row(q, n);
    for (int64_t i = 0; i < d; i += VEC) {
        vec_write_first(ASSAY_F32, to, i, vec_read_first(type, from, at + i, d - i), d - i);
    }
}

VEC_INLINE void attention_write(assay_dtype type, const assay_tensor *y, int64_t n, int64_t at,
                                int64_t d, const float *from)
{
    void *const to = vec_row(y, n);
    for (int64_t i = 0; i < d; i += VEC) {
        vec_write_first(type, to, at + i, vec_read_first(ASSAY_F32, from, i, d - i), d - i);
    }
}

/* Rows first .. first+rows-1, which are neighbours in one sequence, and query heads head .. */
static inline void attention_run_tile(assay_dtype type, const assay_attention_params *params,
                                      const assay_attention_io *io, const attention_plan *plan,
                                      int64_t first, int64_t rows, int64_t head, int64_t heads,
                                      float *scratch)
{
    const int64_t d = params->head_dim;
    const int64_t s = scalar_index(&io->sequence, first);
    const int64_t kv = head / (params->heads / params->kv_heads) * d;
    attention_tile tile = {.queries = rows * heads, .head_dim = d, .pitch = plan->pitch,
                           .k = attention_cache(&io->k_cache, s, 0, kv),
                           .v = attention_cache(&io->v_cache, s, 0, kv)};
    const int64_t size = (int64_t)assay_dtype_size(type);
    tile.k_step = io->k_cache.stride[1] * size;
    tile.v_step = io->v_cache.stride[1] * size;
    tile.score = scratch;
    tile.q = tile.score + tile.queries * tile.pitch;
    tile.out = tile.q + tile.queries * d;
    tile.turned = tile.out + tile.queries * d;
    tile.wide = tile.turned + ATTENTION_KEYS * d;
    for (int64_t i = 0; i < tile.queries; i++) {
        const int64_t n = first + i / heads;
        tile.visible[i] = scalar_index(&io->position, n) + 1;
        VEC_TYPED(attention_read, type, &io->q, n, (head + i % heads) * d, d, tile.q + i * d);
    }
    attention_scores(type, &tile, (float)(1.0 / sqrt((double)d)));
    for (int64_t i = 0; i < tile.queries; i++) {
        attention_softmax(tile.score + i * tile.pitch, tile.visible[i]);
    }
    memset(tile.out, 0, (size_t)(tile.queries * d) * sizeof *tile.out);
    VEC_TYPED(attention_values, type, &tile);
    for (int64_t i = 0; i < tile.queries; i++) {
        VEC_TYPED(attention_write, type, &io->y, first + i / heads, (head + i % heads) * d, d,
                  tile.out + i * d);
    }
}

/* A task's rows, those of one sequence after the other. */
static inline void attention_task(assay_dtype type, const assay_attention_params *params,
                                  const assay_attention_io *io, const attention_plan *plan,
                                  int64_t task, float *scratch)
{
    const int64_t group = params->heads / params->kv_heads;
    const int64_t part = task % plan->parts;
    const int64_t kv_head = task / plan->parts % params->kv_heads;
    const int64_t chunk = task / plan->parts / params->kv_heads;
    const int64_t head = kv_head * group + part * plan->heads;
    const int64_t heads = scalar_min(plan->heads, (kv_head + 1) * group - head);
    const int64_t end = scalar_min((chunk + 1) * plan->rows_of_task, io->q.shape[0]);
    for (int64_t n = chunk * plan->rows_of_task; n < end;) {
        int64_t rows = 1;
        while (n + rows < end &&
               scalar_index(&io->sequence, n + rows) == scalar_index(&io->sequence, n)) {
            rows++;
        }
        attention_run_tile(type, params, io, plan, n, rows, head, heads, scratch);
        n += rows;
    }
}

static inline assay_status attention_check(assay_dtype type, const assay_exec *exec,
                                           const assay_attention_params *params,
                                           const assay_attention_io *io)
{
    assay_status status = scalar_expect(exec, "q", &io->q, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "k", &io->k, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "v", &io->v, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "k_cache", &io->k_cache, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "v_cache", &io->v_cache, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    return status != ASSAY_OK
               ? status
               : scalar_expect_workspace(exec, simd_attention_workspace(params, io));
}

static inline assay_status simd_attention(assay_dtype type, const assay_exec *exec,
                                          const assay_attention_params *params,
                                          const assay_attention_io *io)
{
    const assay_status status = attention_check(type, exec, params, io);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->q.shape[0];
    const size_t stored = (size_t)io->k.shape[1] * assay_dtype_size(type);
    for (int64_t n = 0; n < rows; n++) {
        const int64_t s = scalar_index(&io->sequence, n);
        const int64_t t = scalar_index(&io->position, n);
        memcpy(attention_cache(&io->k_cache, s, t, 0), vec_row(&io->k, n), stored);
        memcpy(attention_cache(&io->v_cache, s, t, 0), vec_row(&io->v, n), stored);
    }
    const attention_plan plan = attention_plan_of(params, io);
    const int64_t work = rows * params->heads * params->head_dim * (io->max_position + 1);
    const int64_t team = scalar_min(attention_team(&plan), simd_threads(exec, work));
    float *const workspace = exec->workspace;
    /* The longest first: later rows of a prompt see more. */
#pragma omp parallel for num_threads((int)team) schedule(dynamic)
    for (int64_t task = plan.tasks - 1; task >= 0; task--) {
        attention_task(type, params, io, &plan, task,
                       workspace + omp_get_thread_num() * plan.scratch);
    }
    return ASSAY_OK;
}

#endif
