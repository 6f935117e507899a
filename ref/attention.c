/* attention: causal and grouped-query over a key/value cache.
 *
 *   cache[sequence[n], position[n], :] = k[n,:], v[n,:]        for every row
 *   score_t = q . k_t / sqrt(head_dim),  t = 0 .. position[n]
 *   y = sum_t softmax(score)_t v_t
 * Query head h reads kv head h / (heads / kv_heads). Prefill and decode differ only in how many
 * rows a call has. The caches may be of any floating type: what is stored is rounded to it, and
 * read back. Error model: attention_error.c. Source: assay/attention.h. */
#include "ref/attention.h"
#include "ref/operands.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_caches(const assay_attention_params *params, const assay_attention_io *io,
                                 assay_error *error)
{
    const assay_tensor *caches[2] = {&io->k_cache, &io->v_cache};
    for (int i = 0; i < 2; i++) {
        const assay_tensor *cache = caches[i];
        if (!assay_present(cache) || cache->rank != 3 || cache->space != ASSAY_HOST ||
            assay_dtype_bits(cache->dtype) == 0 || cache->stride[2] != 1 ||
            cache->shape[2] != params->kv_heads * params->head_dim) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "attention: %s must be [sequences, capacity, %lld], of a floating "
                              "type, rows dense, on the host", i == 0 ? "k_cache" : "v_cache",
                              (long long)(params->kv_heads * params->head_dim));
        }
    }
    for (int64_t n = 0; n < io->q.shape[0]; n++) {
        const double s = assay_at1(&io->sequence, n);
        const double p = assay_at1(&io->position, n);
        if (s < 0 || p < 0 || s >= (double)io->k_cache.shape[0] ||
            s >= (double)io->v_cache.shape[0] || p >= (double)io->k_cache.shape[1] ||
            p >= (double)io->v_cache.shape[1]) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "attention: row %lld stands at position %.0f of sequence %.0f, the "
                              "cache holds %lld positions of %lld sequences", (long long)n, p, s,
                              (long long)io->k_cache.shape[1], (long long)io->k_cache.shape[0]);
        }
    }
    return ASSAY_OK;
}

static assay_status check_inputs(const assay_attention_params *params, const assay_attention_io *io,
                                 assay_error *error)
{
    if (params->heads < 1 || params->kv_heads < 1 || params->head_dim < 1 ||
        params->heads % params->kv_heads != 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "attention: %lld heads over %lld kv heads of %lld; heads must be a "
                          "multiple of kv heads", (long long)params->heads,
                          (long long)params->kv_heads, (long long)params->head_dim);
    }
    const int64_t narrow = params->kv_heads * params->head_dim;
    assay_status status = ref_expect_matrix("attention", "q", &io->q, REF_REAL, REF_ANY,
                                            params->heads * params->head_dim, error);
    const int64_t rows = status == ASSAY_OK ? io->q.shape[0] : 0;
    if (status == ASSAY_OK) {
        status = ref_expect_matrix("attention", "k", &io->k, REF_REAL, rows, narrow, error);
    }
    if (status == ASSAY_OK) {
        status = ref_expect_matrix("attention", "v", &io->v, REF_REAL, rows, narrow, error);
    }
    if (status == ASSAY_OK) {
        status = ref_expect_vector("attention", "sequence", &io->sequence, REF_INTEGER, rows,
                                   error);
    }
    if (status == ASSAY_OK) {
        status = ref_expect_vector("attention", "position", &io->position, REF_INTEGER, rows,
                                   error);
    }
    return status == ASSAY_OK ? check_caches(params, io, error) : status;
}

assay_status assay_ref_attention_check(const assay_attention_params *params,
                                       const assay_attention_io *io, assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("attention", "y", &io->y, REF_REAL,
                                                  io->q.shape[0], io->q.shape[1], error);
}

assay_cost assay_ref_attention_cost(const assay_attention_params *params,
                                    const assay_attention_io *io)
{
    /* visible keys: every row reads its own past; the caches' rows count once for each row */
    double visible = 0.0;
    int64_t depth = 1;
    for (int64_t n = 0; n < io->q.shape[0]; n++) {
        const double count = assay_at1(&io->position, n) + 1.0;
        visible += count;
        depth = count > (double)depth ? (int64_t)count : depth;
    }
    const double width = (double)(params->heads * params->head_dim);
    const double cached = (double)(params->kv_heads * params->head_dim) *
                          (double)assay_dtype_size(io->k_cache.dtype);
    const assay_cost cost = {4.0 * visible * width,
                             ref_bytes(&io->q) + ref_bytes(&io->k) + ref_bytes(&io->v) +
                                 2.0 * visible * cached,
                             ref_bytes(&io->y) + 2.0 * (double)io->q.shape[0] * cached, depth};
    return cost;
}

static void store_rows(const assay_attention_io *io)
{
    for (int64_t n = 0; n < io->k.shape[0]; n++) {
        const int64_t s = (int64_t)assay_at1(&io->sequence, n);
        const int64_t p = (int64_t)assay_at1(&io->position, n);
        const size_t k_at = (size_t)(s * io->k_cache.stride[0] + p * io->k_cache.stride[1]);
        const size_t v_at = (size_t)(s * io->v_cache.stride[0] + p * io->v_cache.stride[1]);
        for (int64_t i = 0; i < io->k.shape[1]; i++) {
            assay_store(io->k_cache.dtype, io->k_cache.data, k_at + (size_t)i,
                        assay_at2(&io->k, n, i));
            assay_store(io->v_cache.dtype, io->v_cache.data, v_at + (size_t)i,
                        assay_at2(&io->v, n, i));
        }
    }
}

typedef struct attention_job {
    const assay_attention_params *params;
    const assay_attention_io *io;
    const assay_error_model *model; /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    int64_t longest; /* most visible keys of a row */
    int64_t stretch; /* scratch of one thread */
} attention_job;

static void softmax(ref_head *head)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    head->maximum = -(double)INFINITY;
    for (int64_t t = 0; t < head->visible; t++) {
        head->score[t] = ref_dot(head->q, head->k + t * head->head_dim, head->head_dim) * scale;
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

/* The wanted elements of one head (columns first .. first + head_dim - 1) of output row n. */
static void write_head(const attention_job *job, int64_t n, int64_t first, const ref_head *head,
                       ref_head_error *error, double *terms)
{
    if (job->model != NULL) {
        ref_head_scores_error(head, &job->rounding, terms, terms + job->longest + head->head_dim,
                              error);
    }
    for (int64_t j = 0; j < job->plan.columns; j++) {
        const int64_t i = ref_plan_column(&job->plan, j) - first;
        if (i < 0 || i >= head->head_dim) {
            continue;
        }
        double y = 0.0;
        for (int64_t t = 0; t < head->visible; t++) {
            y += head->weight[t] * head->v[t * head->head_dim + i];
        }
        assay_put2(&job->io->y, n, j, y);
        if (job->model != NULL) {
            double bound = 0.0;
            double sigma = 0.0;
            ref_head_element_error(head, &job->rounding, error, i, y, terms, &bound, &sigma);
            if (error->open || (job->rounding.saturates && !isfinite(y))) {
                ref_model_open(job->model, n, j);
            } else {
                ref_model_put(job->model, &job->rounding, n, j, y, bound, sigma);
            }
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

/* Output row n. y may be q: the row's queries are read before any of its outputs is written. */
static void one_row(const attention_job *job, int64_t n, double *scratch)
{
    const int64_t dim = job->params->head_dim;
    const int64_t group = job->params->heads / job->params->kv_heads;
    const int64_t row = ref_plan_row(&job->plan, n);
    const int64_t s = (int64_t)assay_at1(&job->io->sequence, row);
    const assay_tensor *k_cache = &job->io->k_cache;
    const assay_tensor *v_cache = &job->io->v_cache;
    double *q = scratch;
    double *k = q + job->params->heads * dim;
    double *v = k + job->longest * dim;
    double *list = v + job->longest * dim; /* five lists of longest, then terms */
    const int64_t step = job->longest;
    ref_head head = {.visible = (int64_t)assay_at1(&job->io->position, row) + 1, .head_dim = dim,
                     .k = k, .v = v, .score = list, .weight = list + step};
    ref_head_error error = {.moved = list + 2 * step, .spread = list + 3 * step,
                            .worst = list + 4 * step};
    ref_load_row(&job->io->q, row, q);
    for (int64_t h = 0; h < job->params->heads; h++) {
        const int64_t g = h / group;
        for (int64_t t = 0; h % group == 0 && t < head.visible; t++) {
            ref_load(k_cache, s * k_cache->stride[0] + t * k_cache->stride[1] + g * dim, 1, dim,
                     k + t * dim);
            ref_load(v_cache, s * v_cache->stride[0] + t * v_cache->stride[1] + g * dim, 1, dim,
                     v + t * dim);
        }
        if (head_wanted(&job->plan, h * dim, dim)) {
            head.q = q + h * dim;
            softmax(&head);
            write_head(job, n, h * dim, &head, &error, list + 5 * step);
        }
    }
}

static assay_status run_rows(attention_job *job, assay_error *error)
{
    const int64_t dim = job->params->head_dim;
    for (int64_t n = 0; n < job->plan.rows; n++) {
        const int64_t row = ref_plan_row(&job->plan, n);
        const int64_t visible = (int64_t)assay_at1(&job->io->position, row) + 1;
        job->longest = visible > job->longest ? visible : job->longest;
    }
    /* queries, keys, values, five lists, and terms with the rounded operands behind them */
    job->stretch = job->params->heads * dim + 2 * job->longest * dim + 6 * job->longest +
                   3 * dim + 2;
    double *scratch = ref_alloc_threads(job->stretch, error);
    if (scratch == NULL) {
        return ASSAY_NO_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t n = 0; n < job->plan.rows; n++) {
        one_row(job, n, ref_own(scratch, job->stretch));
    }
    free(scratch);
    return ASSAY_OK;
}

assay_status assay_ref_attention(const assay_attention_params *params, const assay_attention_io *io,
                                 const assay_subset *subset, const assay_precision *contract,
                                 const assay_error_model *model, assay_error *error)
{
    attention_job job = {.params = params, .io = io};
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("attention", io->q.shape[0], io->q.shape[1], subset, &io->y, model,
                               &job.plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    store_rows(io);
    return run_rows(&job, error);
}
