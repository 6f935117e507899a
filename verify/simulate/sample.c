/* sample under any contract: the sums run in token order, as the op says. */
#include <stdlib.h>

#include "verify/simulate/kernels.h"

typedef struct drawing {
    const simulated *s;
    const assay_sample_params *params;
    int64_t vocab;
    double *logits, *scaled, *e, *p;
    int64_t *order; /* tokens by descending e, equals by descending token */
    uint8_t *kept;
} drawing;

/* A running sum: block terms are added exactly, then rounded once; what it is so far is rounded. */
typedef struct running {
    double committed, partial;
    int32_t held;
} running;

static double add_term(const simulated *s, running *sum, double term)
{
    const int32_t block = s->contract.accumulate.block > 1 ? s->contract.accumulate.block : 1;
    sum->partial += term; /* a few positive f32 numbers: exact */
    const double total = sim_accumulate(s, sum->committed, sum->partial);
    if (++sum->held == block) {
        *sum = (running){total, 0.0, 0};
    }
    return total;
}

static const double *sort_key;
#pragma omp threadprivate(sort_key)

static int by_key(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    if (sort_key[a] != sort_key[b]) {
        return sort_key[a] > sort_key[b] ? -1 : 1;
    }
    return (a < b) - (a > b);
}

static void sort_by(const drawing *d, const double *key)
{
    for (int64_t t = 0; t < d->vocab; t++) {
        d->order[t] = t;
    }
    sort_key = key;
    qsort(d->order, (size_t)d->vocab, sizeof *d->order, by_key);
}

static int64_t greatest(const drawing *d)
{
    int64_t best = 0;
    for (int64_t t = 0; t < d->vocab; t++) {
        if (isnan(d->logits[t])) {
            return t;
        }
        best = d->logits[t] > d->logits[best] ? t : best;
    }
    return best;
}

/* Tokens kept by top_k: e is 0 for the others. False: no distribution. */
static bool exponentials(const drawing *d)
{
    double most = -(double)INFINITY;
    for (int64_t t = 0; t < d->vocab; t++) {
        d->scaled[t] = sim_work(d->s, d->logits[t] / d->params->temperature);
        if (isnan(d->scaled[t])) {
            return false;
        }
        most = fmax(most, d->scaled[t]);
    }
    if (isinf(most)) {
        return false;
    }
    double least = -(double)INFINITY;
    if (d->params->top_k > 0 && d->params->top_k < d->vocab) {
        sort_by(d, d->scaled);
        least = d->scaled[d->order[d->params->top_k - 1]];
    }
    for (int64_t t = 0; t < d->vocab; t++) {
        const double below = sim_work(d->s, d->scaled[t] - most);
        d->e[t] = d->scaled[t] < least ? 0.0 : sim_work(d->s, exp(below));
    }
    return true;
}

static void nucleus(const drawing *d)
{
    double total = 0.0;
    running sum = {0.0, 0.0, 0};
    running before = {0.0, 0.0, 0};
    for (int64_t t = 0; t < d->vocab; t++) {
        total = add_term(d->s, &sum, d->e[t]);
    }
    sort_by(d, d->e);
    double ahead = 0.0;
    for (int64_t k = 0; k < d->vocab; k++) {
        const int64_t t = d->order[k];
        const bool reached = d->params->top_p < 1.0 &&
                             sim_work(d->s, ahead / total) >= d->params->top_p;
        d->kept[t] = d->e[t] > 0.0 && (k == 0 || !reached) ? 1 : 0;
        ahead = add_term(d->s, &before, d->e[t]);
    }
}

static int64_t draw(const drawing *d, double uniform)
{
    double total = 0.0;
    running kept = {0.0, 0.0, 0};
    running below = {0.0, 0.0, 0};
    for (int64_t t = 0; t < d->vocab; t++) {
        total = d->kept[t] ? add_term(d->s, &kept, d->e[t]) : total;
    }
    double sum = 0.0;
    int64_t token = -1;
    int64_t last = -1;
    for (int64_t t = 0; t < d->vocab; t++) {
        d->p[t] = d->kept[t] ? sim_work(d->s, d->e[t] / total) : 0.0;
        sum = add_term(d->s, &below, d->p[t]);
        last = d->p[t] > 0.0 ? t : last;
        token = token < 0 && sum > uniform ? t : token;
    }
    return token < 0 ? last : token;
}

static void sample_row(const drawing *d, const assay_sample_io *io, int64_t n)
{
    const bool wanted = assay_present(&io->probability);
    sim_load(&io->logits, n, d->logits);
    int64_t token = greatest(d);
    if (d->params->temperature > 0.0) {
        token = -1;
        const bool distributed = exponentials(d);
        if (distributed) {
            nucleus(d);
            token = draw(d, assay_present(&io->uniform)
                                ? assay_at1(&io->uniform, n)
                                : assay_philox_uniform(d->params->seed,
                                                       (uint64_t)(int64_t)assay_at1(&io->stream, n),
                                                       (uint64_t)io->step));
        }
        for (int64_t t = 0; wanted && t < d->vocab; t++) {
            sim_put(d->s, &io->probability, n, t, distributed ? d->p[t] : (double)NAN);
        }
    } else {
        for (int64_t t = 0; wanted && t < d->vocab; t++) {
            assay_put2(&io->probability, n, t, t == token ? 1.0 : 0.0);
        }
    }
    assay_put1(&io->token, n, (double)token);
}

assay_status sim_sample(const simulated *s, const assay_exec *exec,
                        const assay_sample_params *params, const assay_sample_io *io)
{
    const int64_t vocab = io->logits.shape[1];
    double *memory = calloc((size_t)vocab * 4 + 1, sizeof *memory);
    drawing d = {.s = s, .params = params, .vocab = vocab, .logits = memory};
    d.order = calloc((size_t)vocab + 1, sizeof *d.order);
    d.kept = calloc((size_t)vocab + 1, 1);
    assay_status status = ASSAY_OK;
    if (memory == NULL || d.order == NULL || d.kept == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "simulation: no memory for %lld tokens",
                            (long long)vocab);
    } else {
        d.scaled = memory + vocab;
        d.e = memory + 2 * vocab;
        d.p = memory + 3 * vocab;
        for (int64_t n = 0; n < io->logits.shape[0]; n++) {
            sample_row(&d, io, n);
        }
    }
    free(memory);
    free(d.order);
    free(d.kept);
    return status;
}
