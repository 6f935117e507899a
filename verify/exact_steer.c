/* Exact cases of sae_steer: y = x + (f' - f) scale W. f is certified as a code is (exact_codes.c),
 * and with topk every latent's score, for they are ranked; then the products and sums are looked at
 * one by one. Where all are exact the latent is active or is not, and y is the sum rounded once. */
#include <math.h>

#include "ref/rounding.h"
#include "verify/exact.h"
#include "verify/exact_parts.h"

typedef struct steer_job {
    const assay_sae_steer_params *params;
    const assay_tensor *x;
    const assay_precision *contract;
    int64_t rows;
    double *feature; /* [rows] f */
    bool *decided;   /* [rows] f is exact */
} steer_job;

static bool is_number_of(assay_dtype type, double value)
{
    return ref_round(type, value) == value;
}

/* Of the working type, and of the intermediate one where there is one. */
static bool kept(const assay_precision *c, double value)
{
    return is_number_of(c->accumulate.bits > 24 ? ASSAY_F64 : ASSAY_F32, value) &&
           is_number_of(c->intermediate, value);
}

/* a b and a + b, which must be exact, and numbers that a kernel keeps. */
static bool times(const assay_precision *c, double a, double b, double *product)
{
    *product = a * b;
    return fma(a, b, -*product) == 0.0 && kept(c, *product);
}

static bool plus(const assay_precision *c, double a, double b, double *sum)
{
    *sum = a + b;
    const double part = *sum - a;
    return (a - (*sum - part)) + (b - part) == 0.0 && kept(c, *sum);
}

/* The row's feature before and after; false: not exact. */
static bool edited(const steer_job *job, int64_t row, double *before, double *after)
{
    const double amount = job->params->amount;
    const assay_precision *const c = job->contract;
    *before = 0.0;
    *after = amount;
    if (!kept(c, amount)) {
        return false;
    }
    if (job->params->mode == ASSAY_STEER_ADD) {
        return true; /* the change is the amount itself, whatever the feature is */
    }
    *before = job->feature[row];
    *after = job->params->mode == ASSAY_STEER_ABLATE ? 0.0 : amount;
    return job->decided[row] && kept(c, *before) &&
           (job->params->mode != ASSAY_STEER_SCALE || times(c, *before, amount, after));
}

/* Whether x + f scale W is exact by way of any grouping of its factors, which are operands. */
static bool exact_path(const steer_job *job, double x, double f, double scale, double weight)
{
    const assay_precision *const c = job->contract;
    double factor = 0.0;
    double folded = 0.0;
    double plain = 0.0;
    double term = 0.0;
    double y = 0.0;
    return times(c, f, scale, &factor) && times(c, scale, weight, &folded) &&
           times(c, f, weight, &plain) && times(c, factor, weight, &term) &&
           is_number_of(c->multiply, factor) && is_number_of(c->multiply, folded) &&
           is_number_of(c->multiply, f) && plus(c, x, term, &y);
}

static bool exact_element(const steer_job *job, int64_t row, int64_t column, double scale)
{
    const assay_precision *const c = job->contract;
    const double x = assay_at2(job->x, row, column);
    const double weight =
        scale != 0.0 ? assay_at2(&job->params->sae.decoder, column, job->params->latent) : 0.0;
    double before = 0.0;
    double after = 0.0;
    double change = 0.0;
    if (scale == 0.0) {
        return isfinite(x);
    }
    return isfinite(x) && isfinite(weight) && is_number_of(c->storage, weight) &&
           is_number_of(c->multiply, weight) && edited(job, row, &before, &after) &&
           plus(c, after, -before, &change) && exact_path(job, x, change, scale, weight) &&
           exact_path(job, x, before, scale, weight) && exact_path(job, x, after, scale, weight);
}

static double *take(assay_arena *arena, int64_t count)
{
    double *const made = assay_arena_take(arena, (size_t)(count + 1) * sizeof *made);
    for (int64_t i = 0; made != NULL && i < count; i++) {
        made[i] = 1.0;
    }
    return made;
}

/* Whether row `row` decides the latent, by budgets of 0. */
static bool row_decided(const steer_job *job, const assay_codes_truth *codes, int64_t row)
{
    const assay_sae *const sae = &job->params->sae;
    const int64_t at = row * sae->d_sae;
    bool all = codes->pre_budget[at + job->params->latent] == 0.0 &&
               codes->score_budget[at + job->params->latent] == 0.0;
    for (int64_t j = 0; all && sae->activation == ASSAY_TOPK && j < sae->d_sae; j++) {
        all = codes->score_budget[at + j] == 0.0;
    }
    return all;
}

/* The features of all rows, by the whole encode: exact cases are small. */
static assay_status encode(steer_job *job, assay_arena *arena, assay_error *error)
{
    const assay_sae *const sae = &job->params->sae;
    const int64_t count = job->rows * sae->d_sae;
    const assay_codes_truth codes = {sae, job->rows, take(arena, count), take(arena, count),
                                     take(arena, count), take(arena, count), NULL};
    uint8_t *const active = assay_arena_take(arena, (size_t)sae->d_sae + 1);
    if (codes.pre == NULL || codes.score == NULL || codes.pre_budget == NULL ||
        codes.score_budget == NULL || active == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld pre-activations",
                          (long long)count);
    }
    const assay_tensor pre = assay_matrix(codes.pre, ASSAY_F64, job->rows, sae->d_sae);
    const assay_tensor score = assay_matrix(codes.score, ASSAY_F64, job->rows, sae->d_sae);
    assay_codes_truth own = codes;
    assay_status status = assay_ref_sae_preactivations(sae, job->x, NULL, NULL, &pre, &score, NULL,
                                                       NULL, error);
    if (status == ASSAY_OK) {
        status = assay_exact_codes(sae, job->x, job->contract, &own, arena, error);
    }
    for (int64_t i = 0; status == ASSAY_OK && i < job->rows; i++) {
        const int64_t at = i * sae->d_sae;
        assay_ref_sae_select(sae, codes.pre + at, codes.score + at, active);
        const int64_t j = job->params->latent;
        job->feature[i] = active[j] != 0 ? codes.pre[at + j] : 0.0;
        job->decided[i] = row_decided(job, &codes, i);
    }
    return status;
}

/* What no element of an exact case can be certified without: cheap to see. */
static bool hopeless(const steer_job *job, double scale)
{
    const assay_sae *const sae = &job->params->sae;
    assay_quantum q = {0, !sae->layer_norm};
    assay_quantum_multiply(&q, job->x, job->contract, ASSAY_NONE);
    return !q.exact || !kept(job->contract, scale) || !kept(job->contract, job->params->amount);
}

assay_status assay_exact_steer(const assay_sae_steer_params *params, const assay_sae_steer_io *io,
                               const assay_precision *contract, const double *truth,
                               double *expected, assay_budget *budget, assay_arena *arena,
                               assay_error *error)
{
    const assay_tensor *const given = &params->sae.decode_scale;
    const double scale = assay_present(given) ? assay_at1(given, params->latent) : 1.0;
    steer_job job = {.params = params, .x = &io->x, .contract = contract, .rows = budget->rows};
    if (hopeless(&job, scale)) {
        return ASSAY_OK;
    }
    job.feature = take(arena, job.rows);
    job.decided = assay_arena_take(arena, (size_t)job.rows + 1);
    if (job.feature == NULL || job.decided == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld rows",
                          (long long)job.rows);
    }
    const bool encodes = params->mode != ASSAY_STEER_ADD && scale != 0.0;
    const assay_status status = encodes ? encode(&job, arena, error) : ASSAY_OK;
    for (int64_t i = 0; status == ASSAY_OK && i < budget->rows * budget->columns; i++) {
        if (exact_element(&job, i / budget->columns, i % budget->columns, scale) &&
            fabs(expected[i] - truth[i]) <= budget->value[i]) {
            expected[i] = assay_round_to(contract->output, truth[i]);
            budget->value[i] = 0.0;
        }
    }
    return status;
}
