/* attention under any contract: scores, softmax and weighted sum, with every rounding between. */
#include <stdlib.h>

#include "verify/simulate/kernels.h"

static void store_rows(const assay_attention_io *io)
{
    for (int64_t n = 0; n < io->k.shape[0]; n++) {
        const int64_t s = (int64_t)assay_at1(&io->sequence, n);
        const int64_t p = (int64_t)assay_at1(&io->position, n);
        for (int64_t i = 0; i < io->k.shape[1]; i++) {
            const size_t k = (size_t)(s * io->k_cache.stride[0] + p * io->k_cache.stride[1] + i);
            const size_t v = (size_t)(s * io->v_cache.stride[0] + p * io->v_cache.stride[1] + i);
            assay_store(io->k_cache.dtype, io->k_cache.data, k, assay_at2(&io->k, n, i));
            assay_store(io->v_cache.dtype, io->v_cache.data, v, assay_at2(&io->v, n, i));
        }
    }
}

typedef struct head {
    int64_t visible, dim;
    const double *keys, *values; /* [visible] rows, `stride` apart, as multiplied */
    int64_t stride;
    double *q, *score, *weight, *column, *scratch;
} head;

static void softmax(const simulated *s, const head *h)
{
    const sim_order over_dim = sim_order_of(s, h->q, h->dim);
    const double scale = sim_work(s, 1.0 / sqrt((double)h->dim));
    double greatest = -(double)INFINITY;
    for (int64_t t = 0; t < h->visible; t++) {
        const double dot = sim_kept(s, sim_dot(s, &over_dim, h->q, h->keys + t * h->stride, h->dim,
                                               h->scratch));
        h->score[t] = sim_kept(s, dot * scale);
        greatest = h->score[t] > greatest ? h->score[t] : greatest;
    }
    for (int64_t t = 0; t < h->visible; t++) {
        h->weight[t] = sim_work(s, exp(sim_work(s, h->score[t] - greatest)));
    }
    const sim_order over_keys = sim_order_of(s, h->q, h->dim);
    const double total = sim_sum(s, &over_keys, h->weight, h->visible, h->scratch);
    for (int64_t t = 0; t < h->visible; t++) {
        h->weight[t] = sim_operand(s, sim_kept(s, h->weight[t] / total));
    }
}

static void one_head(const simulated *s, const assay_attention_io *io, int64_t n, int64_t first,
                     const head *h)
{
    for (int64_t i = 0; i < h->dim; i++) {
        h->q[i] = sim_operand(s, assay_at2(&io->q, n, first + i));
    }
    softmax(s, h);
    const sim_order order = sim_order_of(s, h->q, h->dim);
    for (int64_t i = 0; i < h->dim; i++) {
        for (int64_t t = 0; t < h->visible; t++) {
            h->column[t] = h->values[t * h->stride + i];
        }
        /* y may be q: this head's queries are read */
        sim_put(s, &io->y, n, first + i,
                sim_dot(s, &order, h->weight, h->column, h->visible, h->scratch));
    }
}

/* A whole cache as it is multiplied: [sequences, capacity, width], dense. */
static double *operands_of(const simulated *s, const assay_tensor *cache)
{
    const int64_t width = cache->shape[2];
    double *const out = calloc((size_t)assay_count(cache) + 1, sizeof *out);
    for (int64_t row = 0; out != NULL && row < cache->shape[0] * cache->shape[1]; row++) {
        const int64_t at = row / cache->shape[1] * cache->stride[0] +
                           row % cache->shape[1] * cache->stride[1];
        for (int64_t i = 0; i < width; i++) {
            out[row * width + i] =
                sim_operand(s, assay_load(cache->dtype, cache->data, (size_t)(at + i)));
        }
    }
    return out;
}

static void one_row(const simulated *s, const assay_attention_params *params,
                    const assay_attention_io *io, int64_t n, const double *keys,
                    const double *values, double *memory)
{
    const int64_t width = params->kv_heads * params->head_dim;
    const int64_t longest = io->k_cache.shape[1];
    const int64_t sequence = (int64_t)assay_at1(&io->sequence, n);
    head h = {.visible = (int64_t)assay_at1(&io->position, n) + 1, .dim = params->head_dim};
    h.stride = width;
    h.q = memory;
    h.score = h.q + h.dim;
    h.weight = h.score + longest;
    h.column = h.weight + longest;
    h.scratch = h.column + longest;
    for (int64_t q = 0; q < params->heads; q++) {
        const int64_t kv = q / (params->heads / params->kv_heads);
        h.keys = keys + sequence * io->k_cache.shape[1] * width + kv * h.dim;
        h.values = values + sequence * io->v_cache.shape[1] * width + kv * h.dim;
        one_head(s, io, n, q * h.dim, &h);
    }
}

assay_status sim_attention(const simulated *s, const assay_exec *exec,
                           const assay_attention_params *params, const assay_attention_io *io)
{
    store_rows(io);
    const int64_t longest = io->k_cache.shape[1];
    const int64_t stretch = 4 * params->head_dim + 3 * longest +
                            sim_scratch(longest > params->head_dim ? longest : params->head_dim);
    double *memory = sim_take(exec, stretch);
    double *keys = operands_of(s, &io->k_cache);
    double *values = operands_of(s, &io->v_cache);
    assay_status status = ASSAY_OK;
    if (memory == NULL || keys == NULL || values == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for the caches");
    } else {
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(dynamic, 1)
        for (int64_t n = 0; n < io->q.shape[0]; n++) {
            one_row(s, params, io, n, keys, values, sim_own(memory, stretch));
        }
    }
    free(memory);
    free(keys);
    free(values);
    return status;
}
