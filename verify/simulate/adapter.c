/* adapter under any contract. */
#include <stdlib.h>

#include "verify/simulate/kernels.h"

typedef struct adapting {
    const simulated *s;
    const assay_adapter_params *params;
    const assay_adapter_io *io;
    int64_t d, rank;
    bool scaled, biased;
    double scale; /* e^log_scale */
    double *v;    /* [rows, d] */
    double *z;    /* [rows, rank], as multiplied */
} adapting;

static double centred(const adapting *a, int64_t n, int64_t k)
{
    const double x = assay_at2(&a->io->x, n, k);
    const assay_dtype work = sim_work_type(a->s);
    return assay_present(&a->params->mean)
               ? sim_work(a->s, x - sim_round(work, assay_at1(&a->params->mean, k)))
               : x;
}

/* v of row n, and its inner products of the low-rank chain. scratch: [d] and a sum's. */
static void adapt_row(const adapting *a, int64_t n, double *scratch)
{
    const simulated *const s = a->s;
    double *const v = a->v + n * a->d;
    double *const operand = scratch;
    for (int64_t k = 0; k < a->d; k++) {
        v[k] = centred(a, n, k);
    }
    if (a->params->normalize_input && a->params->type != ASSAY_ADAPTER_IDENTITY) {
        const sim_order order = sim_order_of(s, v, a->d);
        const double norm = sim_work(s, sqrt(sim_squares(s, &order, v, a->d, scratch + a->d)));
        const double divisor = sim_work(s, norm + sim_work(s, 1e-8));
        for (int64_t k = 0; k < a->d; k++) {
            v[k] = sim_work(s, v[k] / divisor);
        }
    }
    double *const weight = scratch + a->d;
    for (int64_t k = 0; k < a->d; k++) {
        operand[k] = sim_operand(s, v[k]);
    }
    const assay_tensor *const u = &a->params->u;
    for (int64_t q = 0; q < a->rank; q++) {
        for (int64_t k = 0; k < a->d; k++) {
            weight[k] = sim_weight(s, assay_at2(u, k, q));
        }
        const sim_order order = sim_order_of(s, weight, a->d);
        const double dot = sim_dot(s, &order, operand, weight, a->d, scratch + 2 * a->d);
        a->z[n * a->rank + q] = sim_operand(s, sim_kept(s, dot));
    }
}

/* The matrix part of element i of row n. */
static double matrix_part(const adapting *a, int64_t n, double *weight, double scale,
                          double *scratch)
{
    const simulated *const s = a->s;
    if (a->rank > 0) {
        const sim_order order = sim_order_of(s, weight, a->rank);
        return sim_dot(s, &order, a->z + n * a->rank, weight, a->rank, scratch);
    }
    double *const operand = scratch;
    for (int64_t k = 0; k < a->d; k++) {
        operand[k] = sim_operand(s, a->v[n * a->d + k]);
    }
    const sim_order order = sim_order_of(s, weight, a->d);
    const double sum = sim_dot(s, &order, operand, weight, a->d, scratch + a->d);
    return s->contract.quant_bits > 0 ? sim_work(s, sum * scale) : sum;
}

static void adapt_column(const adapting *a, int64_t i, double *scratch)
{
    const simulated *const s = a->s;
    const assay_dtype work = sim_work_type(s);
    const bool full = a->params->type == ASSAY_ADAPTER_FULL_RANK;
    double *const weight = scratch;
    double quantum = 1.0;
    if (full) {
        sim_weight_row(s, &a->params->weight, i * a->params->weight.stride[0],
                       a->params->weight.stride[1], a->d, weight, &quantum);
    }
    for (int64_t q = 0; q < a->rank; q++) {
        weight[q] = sim_weight(s, assay_at2(&a->params->v, i, q));
    }
    const double bias = a->biased ? sim_round(work, assay_at1(&a->params->bias, i)) : 0.0;
    for (int64_t n = 0; n < a->io->x.shape[0]; n++) {
        const bool matrix = full || a->rank > 0;
        const double v = a->v[n * a->d + i];
        double y = a->scaled ? sim_work(s, a->scale * v) : 0.0;
        if (a->params->type == ASSAY_ADAPTER_IDENTITY) {
            y = v;
        }
        y = a->biased && a->scaled ? sim_kept(s, y) : y;
        if (matrix) {
            const double part = matrix_part(a, n, weight, quantum, scratch + a->d + a->rank);
            y = a->scaled ? sim_kept(s, y + part) : part;
        }
        sim_put(s, &a->io->y, n, i, a->biased ? sim_work(s, y + bias) : y);
    }
}

assay_status sim_adapter(const simulated *s, const assay_exec *exec,
                         const assay_adapter_params *params, const assay_adapter_io *io)
{
    adapting a = {.s = s, .params = params, .io = io, .d = io->x.shape[1]};
    const assay_adapter_type type = params->type;
    const bool low_rank = type == ASSAY_ADAPTER_LOW_RANK_ONLY ||
                          type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
    a.rank = low_rank ? params->u.shape[1] : 0;
    a.scaled = type == ASSAY_ADAPTER_SCALE_ONLY || type == ASSAY_ADAPTER_SCALAR_AFFINE ||
               type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
    a.biased = type != ASSAY_ADAPTER_IDENTITY && type != ASSAY_ADAPTER_SCALE_ONLY;
    if (a.scaled) {
        a.scale = sim_work(s, exp(sim_round(sim_work_type(s), assay_at1(&params->log_scale, 0))));
    }
    const int64_t rows = io->x.shape[0];
    const int64_t widest = a.d > a.rank ? a.d : a.rank;
    const int64_t stretch = 3 * a.d + a.rank + sim_scratch(widest);
    double *memory = sim_take(exec, stretch);
    a.v = calloc((size_t)(rows * (a.d + a.rank)) + 1, sizeof *a.v);
    assay_status status = ASSAY_OK;
    if (memory == NULL || a.v == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for %lld rows",
                            (long long)rows);
    } else {
        a.z = a.v + rows * a.d;
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(dynamic, 1)
        for (int64_t n = 0; n < rows; n++) {
            adapt_row(&a, n, sim_own(memory, stretch));
        }
#pragma omp parallel for num_threads(sim_threads(exec)) schedule(dynamic, 8)
        for (int64_t i = 0; i < a.d; i++) {
            adapt_column(&a, i, sim_own(memory, stretch));
        }
    }
    free(memory);
    free(a.v);
    return status;
}
