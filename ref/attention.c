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
#include "ref/wide.h"

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

/* Row n of k or v at its sequence and position. */
static void store_row(const assay_tensor *from, int64_t n, const assay_tensor *cache, int64_t s,
                      int64_t p)
{
    const int64_t at = s * cache->stride[0] + p * cache->stride[1];
    if (from->dtype == ASSAY_F64 && from->stride[1] == 1 && cache->dtype == ASSAY_F64) {
        memcpy((double *)cache->data + at, (const double *)from->data + n * from->stride[0],
               (size_t)from->shape[1] * sizeof(double));
        return;
    }
    for (int64_t i = 0; i < from->shape[1]; i++) {
        assay_store(cache->dtype, cache->data, (size_t)(at + i), assay_at2(from, n, i));
    }
}

static void store_rows(const assay_attention_io *io)
{
    for (int64_t n = 0; n < io->k.shape[0]; n++) {
        const int64_t s = (int64_t)assay_at1(&io->sequence, n);
        const int64_t p = (int64_t)assay_at1(&io->position, n);
        store_row(&io->k, n, &io->k_cache, s, p);
        store_row(&io->v, n, &io->v_cache, s, p);
    }
}

assay_status assay_ref_attention(const assay_attention_params *params, const assay_attention_io *io,
                                 const assay_subset *subset, const assay_precision *contract,
                                 const assay_error_model *model, assay_error *error)
{
    ref_attention_job job = {.params = params, .io = io};
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("attention", io->q.shape[0], io->q.shape[1], subset, &io->y, model,
                               &job.plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status == ASSAY_OK) {
        status = ref_scales_refuse("attention", &job.rounding, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    store_rows(io);
    return ref_attention_rows(&job, error);
}
