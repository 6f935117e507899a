/* The rows of attention's output: what every head reads and writes. */
#include "ref/attention.h"
#include "ref/operands.h"
#include "ref/wide.h"

#include <stdlib.h>

enum { BLOCK = 4 * REF_HEADS }; /* rows that a thread takes at once */

/* What a thread keeps from row to row: the keys and values of one sequence and kv head, loaded as
 * far as they have been seen, with what a model needs of them; and scratch. */
typedef struct attention_thread {
    int64_t sequence, kv_head, loaded;
    double *k, *v;   /* [longest, head_dim] as multiplied, unless that is the float64 caches' own */
    double *k_flushed;   /* [longest, head_dim], with a model */
    ref_wide *v_flushed; /* [head_dim / REF_WIDE, longest], with a model */
    double *q, *y;               /* [REF_HEADS, head_dim] */
    double *score, *weight;      /* [REF_HEADS, longest] */
    ref_head_error error;
    ref_head_scratch scratch;
    double *memory;
} attention_thread;

/* The wanted elements of one head (columns first .. first + head_dim - 1) of output row n. y: all
 * of them, and REF_WIDE more numbers. */
static void write_head(const ref_attention_job *job, int64_t n, int64_t first, const ref_head *head,
                       const double *y, attention_thread *own)
{
    ref_head_budget budget;
    int64_t modelled = -1; /* the four elements that it is of */
    if (job->model != NULL) {
        ref_head_scores_error(head, &job->rounding, &own->scratch, &own->error);
    }
    const bool all = job->plan.column == NULL;
    const int64_t end = all ? first + head->head_dim : job->plan.columns;
    for (int64_t j = all ? first : 0; j < end; j++) {
        const int64_t i = ref_plan_column(&job->plan, j) - first;
        if (i < 0 || i >= head->head_dim) {
            continue;
        }
        assay_put2(&job->io->y, n, j, y[i]);
        if (job->model == NULL) {
            continue;
        }
        if (i / REF_WIDE != modelled) {
            modelled = i / REF_WIDE;
            ref_head_elements_error(head, &job->rounding, &own->error, modelled * REF_WIDE,
                                    y + modelled * REF_WIDE, &own->scratch, &budget);
        }
        if (budget.open[i % REF_WIDE]) {
            ref_model_open(job->model, n, j);
        } else if (budget.nan_too[i % REF_WIDE]) {
            ref_model_nan_too(job->model, n, j);
        } else {
            ref_model_put(job->model, &job->rounding, n, j, y[i], budget.bound[i % REF_WIDE],
                          budget.sigma[i % REF_WIDE]);
        }
    }
}

static bool head_wanted(const ref_plan *plan, int64_t first, int64_t head_dim)
{
    for (int64_t j = 0; plan->column != NULL && j < plan->columns; j++) {
        const int64_t column = ref_plan_column(plan, j);
        if (column >= first && column < first + head_dim) {
            return true;
        }
    }
    return plan->column == NULL;
}

/* Whether a cache is read in place: float64, multiplied as it is. */
static bool in_place(const ref_attention_job *job, const assay_tensor *cache)
{
    return cache->dtype == ASSAY_F64 && !ref_operand_changes(&job->rounding, false, ASSAY_F64);
}

/* Row t of a cache, one kv head's part: in place, or copied as it is multiplied. */
static const double *cached_row(const ref_attention_job *job, const assay_tensor *cache,
                                const attention_thread *own, int64_t t, double *copy)
{
    const int64_t dim = job->params->head_dim;
    const int64_t at = own->sequence * cache->stride[0] + t * cache->stride[1] +
                       own->kv_head * dim;
    if (in_place(job, cache)) {
        return (const double *)cache->data + at;
    }
    double *const row = copy + t * dim;
    ref_load(cache, at, 1, dim, row);
    ref_operands(&job->rounding, false, cache->dtype, dim, row);
    return row;
}

static const double *first_row(const ref_attention_job *job, const assay_tensor *cache,
                               const attention_thread *own, const double *copy)
{
    return in_place(job, cache) ? (const double *)cache->data + own->sequence * cache->stride[0] +
                                      own->kv_head * job->params->head_dim
                                : copy;
}

/* Loads what is not yet there of a sequence's keys and values, and points head at them. */
static void load_keys(const ref_attention_job *job, int64_t sequence, int64_t kv_head,
                      attention_thread *own, ref_head *head)
{
    const int64_t dim = job->params->head_dim;
    const assay_tensor *const k_cache = &job->io->k_cache;
    const assay_tensor *const v_cache = &job->io->v_cache;
    if (own->sequence != sequence || own->kv_head != kv_head) {
        own->sequence = sequence;
        own->kv_head = kv_head;
        own->loaded = 0;
    }
    for (int64_t t = own->loaded; t < head->visible; t++) {
        const double *const k = cached_row(job, k_cache, own, t, own->k);
        const double *const v = cached_row(job, v_cache, own, t, own->v);
        for (int64_t i = 0; job->model != NULL && i < dim; i++) {
            own->k_flushed[t * dim + i] = ref_operand_else(&job->rounding, false, k[i]);
            own->v_flushed[i / REF_WIDE * job->longest + t][i % REF_WIDE] =
                ref_operand_else(&job->rounding, false, v[i]);
        }
    }
    own->loaded = head->visible > own->loaded ? head->visible : own->loaded;
    head->k = first_row(job, k_cache, own, own->k);
    head->v = first_row(job, v_cache, own, own->v);
    head->k_stride = in_place(job, k_cache) ? k_cache->stride[1] : dim;
    head->v_stride = in_place(job, v_cache) ? v_cache->stride[1] : dim;
    head->k_flushed = own->k_flushed;
    head->v_flushed = own->v_flushed;
    head->v_flushed_stride = job->longest;
}

/* A few queries, heads of output rows, that read one sequence and kv head. */
typedef struct query_list {
    int64_t row[REF_HEADS], head[REF_HEADS];
    int64_t count, sequence, visible; /* the most keys that one of them sees */
} query_list;

/* y may be q: a query is read before its outputs, which lie in the same row and columns, are
 * written. */
static void answer(const ref_attention_job *job, const query_list *list, int64_t kv_head,
                   attention_thread *own)
{
    const int64_t dim = job->params->head_dim;
    const assay_tensor *const q = &job->io->q;
    ref_head head[REF_HEADS];
    ref_head shared = {.visible = list->visible, .head_dim = dim};
    load_keys(job, list->sequence, kv_head, own, &shared);
    for (int64_t i = 0; i < list->count; i++) {
        const int64_t row = ref_plan_row(&job->plan, list->row[i]);
        head[i] = shared;
        head[i].visible = (int64_t)assay_at1(&job->io->position, row) + 1;
        head[i].q = own->q + i * dim;
        head[i].score = own->score + i * job->longest;
        head[i].weight = own->weight + i * job->longest;
        ref_load(q, row * q->stride[0] + list->head[i] * dim * q->stride[1], q->stride[1], dim,
                 own->q + i * dim);
    }
    ref_operands(&job->rounding, false, q->dtype, list->count * dim, own->q);
    ref_dots_rows(own->q, dim, list->count, shared.k, shared.k_stride, shared.visible, dim,
                  own->score, job->longest);
    ref_heads_weigh(head, list->count, own->y);
    for (int64_t i = 0; i < list->count; i++) {
        write_head(job, list->row[i], list->head[i] * dim, &head[i], own->y + i * dim, own);
    }
}

/* The wanted heads of a kv head, of output rows first .. first+rows-1. */
static void one_block(const ref_attention_job *job, int64_t first, int64_t rows, int64_t kv_head,
                      attention_thread *own)
{
    const int64_t dim = job->params->head_dim;
    const int64_t group = job->params->heads / job->params->kv_heads;
    query_list list = {.count = 0};
    for (int64_t i = 0; i < rows * group; i++) {
        const int64_t h = kv_head * group + i % group;
        const int64_t row = ref_plan_row(&job->plan, first + i / group);
        const int64_t sequence = (int64_t)assay_at1(&job->io->sequence, row);
        const int64_t visible = (int64_t)assay_at1(&job->io->position, row) + 1;
        if (!head_wanted(&job->plan, h * dim, dim)) {
            continue;
        }
        if (list.count == REF_HEADS || (list.count > 0 && list.sequence != sequence)) {
            answer(job, &list, kv_head, own);
            list.count = 0;
        }
        list.visible = list.count > 0 && list.visible > visible ? list.visible : visible;
        list.sequence = sequence;
        list.row[list.count] = first + i / group;
        list.head[list.count++] = h;
    }
    if (list.count > 0) {
        answer(job, &list, kv_head, own);
    }
}

static assay_status open_thread(const ref_attention_job *job, attention_thread *own,
                                assay_error *error)
{
    const int64_t dim = job->params->head_dim;
    const int64_t longest = job->longest;
    const int64_t most = longest > 2 * dim ? longest : 2 * dim;
    const bool copied = !in_place(job, &job->io->k_cache) || !in_place(job, &job->io->v_cache);
    const int64_t copies = copied ? longest * dim : 0;
    const int64_t modelled = job->model != NULL ? longest * dim : 0;
    const int64_t values = job->model != NULL
                               ? (dim + REF_WIDE - 1) / REF_WIDE * REF_WIDE * longest : 0;
    const int64_t outputs = REF_HEADS * dim + REF_WIDE;
    const int64_t scores = REF_HEADS * longest;
    double *at = ref_alloc(2 * copies + modelled + values + (REF_HEADS + 1) * dim + outputs +
                           2 * scores + 3 * longest + (REF_WIDE + 1) * (most + 1), error);
    *own = (attention_thread){.sequence = -1, .kv_head = -1, .memory = at};
    if (at == NULL) {
        return ASSAY_NO_MEMORY;
    }
    double **const part[] = {&own->k, &own->v, &own->k_flushed, &own->q, &own->scratch.flushed,
                             &own->y, &own->score, &own->weight, &own->error.moved,
                             &own->error.spread, &own->error.worst, &own->scratch.terms};
    const int64_t size[] = {copies, copies, modelled, REF_HEADS * dim, dim, outputs, scores,
                            scores, longest, longest, longest, most + 1};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        *part[i] = at;
        at += size[i];
    }
    own->v_flushed = (ref_wide *)at; /* elements beyond head_dim stay 0 */
    memset(at, 0, (size_t)values * sizeof *at);
    own->scratch.wide = (ref_wide *)(at + values);
    memset(own->y, 0, (size_t)outputs * sizeof *own->y);
    return ASSAY_OK;
}

/* Every thread takes a stretch of rows of one kv head after the other, so that what it has loaded
 * of a sequence serves many rows. */
assay_status ref_attention_rows(ref_attention_job *job, assay_error *error)
{
    assay_status status = ASSAY_OK;
    const int64_t rows = job->plan.rows;
    const int64_t blocks = (rows + BLOCK - 1) / BLOCK;
    for (int64_t n = 0; n < rows; n++) {
        const int64_t row = ref_plan_row(&job->plan, n);
        const int64_t visible = (int64_t)assay_at1(&job->io->position, row) + 1;
        job->longest = visible > job->longest ? visible : job->longest;
    }
    const bool many = ref_worth_threads(
        rows * job->longest * job->params->heads * job->params->head_dim, job->model != NULL);
#pragma omp parallel if (many)
    {
        attention_thread own;
        const assay_status opened = open_thread(job, &own, NULL);
        if (opened != ASSAY_OK) {
#pragma omp critical(assay_ref_attention)
            status = opened;
        }
#pragma omp for schedule(dynamic)
        for (int64_t task = 0; task < blocks * job->params->kv_heads; task++) {
            const int64_t first = task % blocks * BLOCK;
            const int64_t left = rows - first;
            if (opened == ASSAY_OK) {
                one_block(job, first, left < BLOCK ? left : BLOCK, task / blocks, &own);
            }
        }
        free(own.memory);
    }
    return status == ASSAY_OK
               ? status
               : assay_fail(error, status, "attention: no memory for %lld keys; ask for fewer rows",
                            (long long)job->longest);
}
