/* sample: one token per row of logits, by the steps of assay/sample.h.
 *   T = 0: the greatest logit, lowest index first, a NaN above all numbers
 *   T > 0: s = logits / T; top_k drops what is below the k-th greatest; top_p drops, in descending
 *          order (equals: highest index first), what comes after the sum has reached top_p;
 *          p = softmax of the rest; the first token at which the running sum of p exceeds u
 * At T = 0 the probability, when asked for, is 1 for the token and 0 elsewhere. A row with a NaN,
 * or whose softmax is one (an infinite logit), gives token -1 and NaN probabilities at T > 0.
 * Error model: sample_error.c; of a greedy choice there is none, tokens are judged by margin. */
#include "ref/sample.h"
#include "ref/operands.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_sample_params *params, const assay_sample_io *io,
                                 assay_error *error)
{
    assay_status status = ref_expect_matrix("sample", "logits", &io->logits, REF_REAL, REF_ANY,
                                            REF_ANY, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (!(params->temperature >= 0.0) || isinf(params->temperature) || params->top_k < 0 ||
        isnan(params->top_p) || io->logits.shape[1] < 1) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "sample: temperature %g and top_k %lld must be at least 0, top_p %g a "
                          "number, the vocabulary not empty", params->temperature,
                          (long long)params->top_k, params->top_p);
    }
    const int64_t rows = io->logits.shape[0];
    const bool draws = params->temperature > 0.0;
    if (draws && assay_present(&io->uniform)) {
        status = ref_expect_vector("sample", "uniform", &io->uniform, REF_REAL, rows, error);
    } else if (draws) {
        status = ref_expect_vector("sample", "stream", &io->stream, REF_INTEGER, rows, error);
    }
    return status;
}

assay_status assay_ref_sample_check(const assay_sample_params *params, const assay_sample_io *io,
                                    assay_error *error)
{
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_expect_vector("sample", "token", &io->token, REF_INTEGER,
                                   io->logits.shape[0], error);
    }
    if (status == ASSAY_OK && assay_present(&io->probability)) {
        status = ref_expect_matrix("sample", "probability", &io->probability, REF_REAL,
                                   io->logits.shape[0], io->logits.shape[1], error);
    }
    return status;
}

assay_cost assay_ref_sample_cost(const assay_sample_params *params, const assay_sample_io *io)
{
    const double logits = (double)assay_count(&io->logits);
    const assay_cost cost = {(params->temperature > 0.0 ? 5.0 : 1.0) * logits,
                             ref_bytes(&io->logits),
                             ref_bytes(&io->token) + ref_bytes(&io->probability),
                             io->logits.shape[1]};
    return cost;
}

static int64_t greatest(const double *logits, int64_t count)
{
    int64_t best = 0;
    for (int64_t t = 0; t < count; t++) {
        if (isnan(logits[t])) {
            return t;
        }
        best = logits[t] > logits[best] ? t : best;
    }
    return best;
}

/* A number whose unsigned order is the descending one of finite and infinite keys; -0 is 0. */
static uint64_t rank_of(double key)
{
    const double plain = key + 0.0;
    uint64_t bits = 0;
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 63 != 0 ? bits : ~(bits | 1ull << 63);
}

typedef struct ranked {
    uint64_t *rank; /* of the token beside it */
    int64_t *token;
} ranked;

/* Moves tokens to their places by one byte of their ranks; start: how many have each value. */
static void sort_by(const ranked *from, const ranked *to, int64_t count, int shift, int64_t *start)
{
    int64_t before = 0;
    for (int digit = 0; digit < 256; digit++) {
        const int64_t here = start[digit];
        start[digit] = before;
        before += here;
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = start[from->rank[i] >> shift & 255]++;
        to->rank[at] = from->rank[i];
        to->token[at] = from->token[i];
    }
}

/* Fills d->order with the tokens by descending `scaled`, equals by descending token: a radix sort,
 * byte by byte from the lowest. Ranks lie where before and probability will. */
static void fill_order(ref_distribution *d)
{
    const int64_t count = d->vocab;
    int64_t starts[8][256] = {{0}};
    ranked from = {(uint64_t *)(void *)d->before, d->order};
    ranked to = {(uint64_t *)(void *)d->probability, d->order + count};
    for (int64_t i = 0; i < count; i++) {
        from.token[i] = count - 1 - i;
        from.rank[i] = rank_of(d->scaled[count - 1 - i]);
        for (int byte = 0; byte < 8; byte++) {
            starts[byte][from.rank[i] >> 8 * byte & 255]++;
        }
    }
    for (int byte = 0; byte < 8; byte++) {
        if (starts[byte][from.rank[0] >> 8 * byte & 255] == count) {
            continue; /* all alike in this byte */
        }
        sort_by(&from, &to, count, 8 * byte, starts[byte]);
        const ranked sorted = to;
        to = from;
        from = sorted;
    }
    if (from.token != d->order) {
        memcpy(d->order, from.token, (size_t)count * sizeof *from.token);
    }
}

/* Steps 1 and 2: scaled, maximum, kth, before. */
static bool scale_and_cut(const assay_sample_params *params, const double *logits,
                          ref_distribution *d)
{
    d->maximum = -(double)INFINITY;
    for (int64_t t = 0; t < d->vocab; t++) {
        d->scaled[t] = logits[t] / params->temperature;
        if (isnan(d->scaled[t])) {
            return false;
        }
        d->maximum = fmax(d->maximum, d->scaled[t]);
    }
    if (isinf(d->maximum)) {
        return false;
    }
    d->kth = -(double)INFINITY;
    fill_order(d); /* q's order too, also where float64 rounds two of them to one number */
    if (params->top_k > 0 && params->top_k < d->vocab) {
        d->kth = d->scaled[d->order[params->top_k - 1]];
    }
    d->mass_before = 0.0;
    for (int64_t t = 0; t < d->vocab; t++) {
        d->before[t] = d->scaled[t] < d->kth ? 0.0 : exp(d->scaled[t] - d->maximum);
        d->mass_before += d->before[t];
    }
    return true;
}

bool ref_distribution_make(const assay_sample_params *params, const double *logits,
                           ref_distribution *distribution)
{
    ref_distribution *d = distribution;
    if (!scale_and_cut(params, logits, d)) {
        return false;
    }
    double ahead = 0.0;
    for (int64_t k = 0; k < d->vocab; k++) {
        const int64_t t = d->order[k];
        const bool reached = params->top_p < 1.0 && ahead / d->mass_before >= params->top_p;
        d->kept[t] = d->before[t] > 0.0 && (k == 0 || !reached) ? 1 : 0;
        ahead += d->before[t];
    }
    d->mass = 0.0;
    for (int64_t t = 0; t < d->vocab; t++) {
        d->mass += d->kept[t] ? d->before[t] : 0.0;
    }
    for (int64_t t = 0; t < d->vocab; t++) {
        d->probability[t] = d->kept[t] ? d->before[t] / d->mass : 0.0;
    }
    return true;
}

static int64_t draw(const ref_distribution *d, double uniform)
{
    double sum = 0.0;
    int64_t last = -1;
    for (int64_t t = 0; t < d->vocab; t++) {
        sum += d->probability[t];
        last = d->probability[t] > 0.0 ? t : last;
        if (sum > uniform) {
            return t;
        }
    }
    return last;
}

typedef struct sample_job {
    const assay_sample_params *params;
    const assay_sample_io *io;
    const assay_error_model *model; /* NULL: not wanted */
    ref_rounding rounding;
} sample_job;

static void write_row(const sample_job *job, int64_t n, int64_t token, const double *probability,
                      double otherwise)
{
    const assay_sample_io *io = job->io;
    assay_put1(&io->token, n, (double)token);
    for (int64_t t = 0; t < io->logits.shape[1]; t++) {
        const double p = probability != NULL ? probability[t] : (t == token ? 1.0 : otherwise);
        if (assay_present(&io->probability)) {
            assay_put2(&io->probability, n, t, p);
        }
        if (job->model != NULL && probability == NULL) {
            ref_model_put_raw(job->model, n, t, p, 0.0, 0.0);
        }
    }
}

/* float64 would lose the low bits of a great number. */
static uint64_t whole_at(const assay_tensor *tensor, int64_t i)
{
    return tensor->dtype == ASSAY_I64
               ? (uint64_t)((const int64_t *)tensor->data)[i * tensor->stride[0]]
               : (uint64_t)(int64_t)assay_at1(tensor, i);
}

double assay_ref_sample_uniform(const assay_sample_params *params, const assay_sample_io *io,
                                int64_t row)
{
    return assay_present(&io->uniform)
               ? assay_at1(&io->uniform, row)
               : assay_philox_uniform(params->seed, whole_at(&io->stream, row),
                                      (uint64_t)io->step);
}

static void one_row(const sample_job *job, int64_t n, const double *logits, ref_distribution *d)
{
    if (job->params->temperature == 0.0) {
        write_row(job, n, greatest(logits, d->vocab), NULL, 0.0);
        return;
    }
    if (!ref_distribution_make(job->params, logits, d)) {
        write_row(job, n, -1, NULL, (double)NAN);
        return;
    }
    const double uniform = assay_ref_sample_uniform(job->params, job->io, n);
    write_row(job, n, draw(d, uniform), d->probability, 0.0);
    if (job->model != NULL) {
        ref_distribution_error(job->params, d, &job->rounding, n, job->model);
    }
}

static assay_status run_rows(const sample_job *job, assay_error *error)
{
    const int64_t vocab = job->io->logits.shape[1];
    double *memory = ref_alloc(4 * vocab, error);
    int64_t *order = malloc((size_t)vocab * 2 * sizeof *order);
    uint8_t *kept = malloc((size_t)vocab);
    assay_status status = ASSAY_OK;
    if (memory == NULL || order == NULL || kept == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "sample: no memory for %lld tokens",
                            (long long)vocab);
    }
    ref_distribution d = {.vocab = vocab, .order = order, .kept = kept};
    for (int64_t n = 0; status == ASSAY_OK && n < job->io->logits.shape[0]; n++) {
        d.scratch = memory; /* the logits, once they are scaled */
        d.scaled = memory + vocab;
        d.before = memory + 2 * vocab;
        d.probability = memory + 3 * vocab;
        ref_load_row(&job->io->logits, n, memory);
        one_row(job, n, memory, &d);
    }
    free(memory);
    free(order);
    free(kept);
    return status;
}

assay_status assay_ref_sample(const assay_sample_params *params, const assay_sample_io *io,
                              const assay_precision *contract, const assay_error_model *model,
                              assay_error *error)
{
    sample_job job = {.params = params, .io = io};
    bool wanted = false;
    assay_status status = assay_ref_sample_check(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    return run_rows(&job, error);
}
