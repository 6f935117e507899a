/* The rows of attention's output: softmax and weighted values of every head, in float64. */
#include "ref/attention.h"
#include "ref/operands.h"
#include "ref/wide.h"

#include <stdlib.h>

/* What a thread keeps from row to row: the keys and values of one sequence and kv head, loaded as
 * far as they have been seen, with what a model needs of them; and scratch. */
typedef struct attention_thread {
    int64_t sequence, kv_head, loaded;
    double *k, *v;   /* [longest, head_dim] as multiplied, unless that is the float64 caches' own */
    double *k_flushed, *v_flushed; /* [longest, head_dim], with a model */
    double *q, *y;               /* [head_dim] */
    double *score, *weight;      /* [longest] */
    ref_head_error error;
    ref_head_scratch scratch;
    double *memory;
} attention_thread;

static void softmax(ref_head *head)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    head->maximum = -(double)INFINITY;
    ref_dots(head->q, head->k, head->k_stride, head->visible, head->head_dim, head->score);
    for (int64_t t = 0; t < head->visible; t++) {
        head->score[t] *= scale;
        if (head->score[t] > head->maximum) { /* a NaN is passed over here and reaches the sum */
            head->maximum = head->score[t];
        }
    }
    head->total = 0.0;
    for (int64_t t = 0; t < head->visible; t++) {
        head->weight[t] = exp(head->score[t] - head->maximum);
        head->total += head->weight[t];
    }
    for (int64_t t = 0; t < head->visible; t++) {
        head->weight[t] /= head->total;
    }
}

/* y[i] = sum_t weight_t v_t[i], every element over t in order, several of them side by side. */
REF_CLONES static void weigh_values(const ref_head *head, double *y)
{
    enum { SIDE = 8 * REF_WIDE };
    int64_t i = 0;
    for (; i + SIDE <= head->head_dim; i += SIDE) {
        ref_wide sum[8] = {{0.0}};
        for (int64_t t = 0; t < head->visible; t++) {
            const double *const v = head->v + t * head->v_stride + i;
            for (int n = 0; n < 8; n++) {
                ref_wide value;
                ref_wide_load(&value, v + n * REF_WIDE);
                sum[n] += head->weight[t] * value;
            }
        }
        memcpy(y + i, sum, sizeof sum);
    }
    for (; i < head->head_dim; i++) {
        y[i] = 0.0;
        for (int64_t t = 0; t < head->visible; t++) {
            y[i] += head->weight[t] * head->v[t * head->v_stride + i];
        }
    }
}

/* The wanted elements of one head (columns first .. first + head_dim - 1) of output row n. */
static void write_head(const ref_attention_job *job, int64_t n, int64_t first, const ref_head *head,
                       attention_thread *own)
{
    ref_head_budget budget;
    int64_t modelled = -1; /* the four elements that it is of */
    weigh_values(head, own->y);
    if (job->model != NULL) {
        ref_head_scores_error(head, &job->rounding, &own->scratch, &own->error);
    }
    for (int64_t j = 0; j < job->plan.columns; j++) {
        const int64_t i = ref_plan_column(&job->plan, j) - first;
        if (i < 0 || i >= head->head_dim) {
            continue;
        }
        assay_put2(&job->io->y, n, j, own->y[i]);
        if (job->model == NULL) {
            continue;
        }
        if (i / REF_WIDE != modelled) {
            modelled = i / REF_WIDE;
            ref_head_elements_error(head, &job->rounding, &own->error, modelled * REF_WIDE,
                                    own->y + modelled * REF_WIDE, &own->scratch, &budget);
        }
        if (budget.open[i % REF_WIDE]) {
            ref_model_open(job->model, n, j);
        } else if (budget.nan_too[i % REF_WIDE]) {
            ref_model_nan_too(job->model, n, j);
        } else {
            ref_model_put(job->model, &job->rounding, n, j, own->y[i], budget.bound[i % REF_WIDE],
                          budget.sigma[i % REF_WIDE]);
        }
    }
}

static bool head_wanted(const ref_plan *plan, int64_t first, int64_t head_dim)
{
    for (int64_t j = 0; j < plan->columns; j++) {
        const int64_t column = ref_plan_column(plan, j);
        if (column >= first && column < first + head_dim) {
            return true;
        }
    }
    return false;
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
            own->v_flushed[t * dim + i] = ref_operand_else(&job->rounding, false, v[i]);
        }
    }
    own->loaded = head->visible > own->loaded ? head->visible : own->loaded;
    head->k = first_row(job, k_cache, own, own->k);
    head->v = first_row(job, v_cache, own, own->v);
    head->k_stride = in_place(job, k_cache) ? k_cache->stride[1] : dim;
    head->v_stride = in_place(job, v_cache) ? v_cache->stride[1] : dim;
    head->k_flushed = own->k_flushed;
    head->v_flushed = own->v_flushed;
}

/* The heads of output row n that share a kv head. y may be q: a head's queries are read before its
 * outputs, which lie in the same columns, are written. */
static void one_group(const ref_attention_job *job, int64_t n, int64_t kv_head,
                      attention_thread *own)
{
    const int64_t dim = job->params->head_dim;
    const int64_t group = job->params->heads / job->params->kv_heads;
    const int64_t row = ref_plan_row(&job->plan, n);
    const assay_tensor *const q = &job->io->q;
    ref_head head = {.visible = (int64_t)assay_at1(&job->io->position, row) + 1, .head_dim = dim,
                     .q = own->q, .score = own->score, .weight = own->weight};
    load_keys(job, (int64_t)assay_at1(&job->io->sequence, row), kv_head, own, &head);
    for (int64_t h = kv_head * group; h < (kv_head + 1) * group; h++) {
        if (head_wanted(&job->plan, h * dim, dim)) {
            ref_load(q, row * q->stride[0] + h * dim * q->stride[1], q->stride[1], dim, own->q);
            ref_operands(&job->rounding, false, q->dtype, dim, own->q);
            softmax(&head);
            write_head(job, n, h * dim, &head, own);
        }
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
    double *at = ref_alloc(2 * copies + 2 * modelled + 3 * dim + REF_WIDE + 5 * longest +
                           (REF_WIDE + 1) * (most + 1), error);
    *own = (attention_thread){.sequence = -1, .kv_head = -1, .memory = at};
    if (at == NULL) {
        return ASSAY_NO_MEMORY;
    }
    double **const part[] = {&own->k, &own->v, &own->k_flushed, &own->v_flushed, &own->q,
                             &own->scratch.flushed, &own->y, &own->score, &own->weight,
                             &own->error.moved, &own->error.spread, &own->error.worst,
                             &own->scratch.terms};
    const int64_t size[] = {copies, copies, modelled, modelled, dim, dim, dim + REF_WIDE, longest,
                            longest, longest, longest, longest, most + 1};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        *part[i] = at;
        at += size[i];
    }
    own->scratch.wide = (ref_wide *)at;
    memset(own->y, 0, (size_t)(dim + REF_WIDE) * sizeof *own->y);
    return ASSAY_OK;
}

/* Every thread takes a stretch of rows of one kv head after the other, so that what it has loaded
 * of a sequence serves many rows. */
assay_status ref_attention_rows(ref_attention_job *job, assay_error *error)
{
    assay_status status = ASSAY_OK;
    const int64_t rows = job->plan.rows;
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
#pragma omp for schedule(dynamic, 8)
        for (int64_t task = 0; task < rows * job->params->kv_heads; task++) {
            if (opened == ASSAY_OK) {
                one_group(job, task % rows, task / rows, &own);
            }
        }
        free(own.memory);
    }
    return status == ASSAY_OK
               ? status
               : assay_fail(error, status, "attention: no memory for %lld keys; ask for fewer rows",
                            (long long)job->longest);
}
