/* Sampling, judged by its exact distribution and by the draw for its uniform number. */
#include <math.h>

#include "verify/step_truth.h"

/* The oracle's distribution with top_p moved by `shift`: a token whose place in the nucleus is
 * within the budget of being decided the other way may be in or out. */
static assay_status distribution_at(const assay_step *step, const assay_sample_io *got,
                                    const assay_precision *contract, double shift,
                                    assay_arena *arena, assay_distribution *made,
                                    assay_error *error)
{
    assay_sample_params params = *(const assay_sample_params *)step->params;
    if (params.top_p < 1.0) {
        params.top_p = fmin(fmax(params.top_p + shift, 0.0), 1.0);
    }
    assay_sample_io io = *got;
    assay_error_model model = {.quick = false};
    assay_status status =
        assay_buffer_make(arena, ASSAY_F64, 2, got->logits.shape, &io.probability, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, got->logits.shape, &model.bound, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, got->logits.shape, &model.sigma, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I32, 1, got->logits.shape, &io.token, error);
    }
    if (status == ASSAY_OK) {
        status = assay_ref_sample(&params, &io, contract, &model, error);
    }
    if (status == ASSAY_OK) {
        const double *const sigma = model.sigma.data;
        *made = (assay_distribution){io.probability.data, model.bound.data, io.token.data};
        for (int64_t i = 0; i < assay_count(&got->logits); i++) {
            made->budget[i] += assay_lambda() * sigma[i];
        }
    }
    return status;
}

/* Whether row `row` of the kernel's output is one that `truth` allows. A token without probability
 * may be drawn where it has a budget; of a row whose budget is infinite nothing is known. */
static bool row_allowed(const assay_sample_params *params, const assay_sample_io *got,
                        const assay_distribution *truth, int64_t row, double *used)
{
    const int64_t vocab = got->logits.shape[1];
    const double *const p = truth->probability + row * vocab;
    const double *const budget = truth->budget + row * vocab;
    const int64_t token = (int64_t)assay_at1(&got->token, row);
    double slack = 0.0;
    double below = 0.0;
    *used = 0.0;
    for (int64_t t = 0; t < vocab; t++) {
        slack += budget[t];
        below += t < token ? p[t] : 0.0;
        if (assay_present(&got->probability)) {
            const double difference = fabs(assay_at2(&got->probability, row, t) - p[t]);
            if (isinf(budget[t])) {
                continue;
            }
            if (isnan(p[t]) ? !isnan(assay_at2(&got->probability, row, t))
                            : !(difference <= budget[t])) {
                return false;
            }
            *used = fmax(*used, difference > 0.0 ? difference / budget[t] : 0.0);
        }
    }
    if (token == truth->token[row] || (isinf(slack) && token >= -1 && token < vocab)) {
        return true;
    }
    if (params->temperature == 0.0 || token < 0 || token >= vocab ||
        !(p[token] > 0.0 || budget[token] > 0.0)) {
        return false;
    }
    const assay_sample_io *const io = got;
    const double uniform = assay_ref_sample_uniform(params, io, row);
    return uniform >= below - slack && uniform <= below + p[token] + slack;
}

assay_status assay_sample_truth_make(const assay_precision *contract, const assay_step *step,
                                     const assay_sample_io *seen, assay_arena *arena,
                                     assay_distribution nucleus[ASSAY_NUCLEI], assay_error *error)
{
    const int64_t vocab = seen->logits.shape[1];
    assay_status status = distribution_at(step, seen, contract, 0.0, arena, &nucleus[0], error);
    double slack = 0.0;
    for (int64_t row = 0; status == ASSAY_OK && row < seen->logits.shape[0]; row++) {
        double sum = 0.0;
        if (assay_ref_sample_counts(step->params, &seen->logits, row)) {
            continue;
        }
        bool known = true; /* else its own budgets take any nucleus, and no other row's business */
        for (int64_t t = row * vocab; t < (row + 1) * vocab; t++) {
            known = known && nucleus[0].budget[t] < 1.0;
            sum += nucleus[0].budget[t];
        }
        slack = known ? fmax(slack, sum) : slack;
    }
    for (int i = 1; status == ASSAY_OK && i < ASSAY_NUCLEI; i++) {
        status = distribution_at(step, seen, contract, i == 1 ? -slack : slack, arena, &nucleus[i],
                                 error);
    }
    return status;
}

/* Of a row that no nucleus allows: its worst probability, or else its token. */
static void tell_wrong(const assay_sample_params *params, const assay_distribution *truth,
                       const assay_sample_io *got, int64_t row, assay_result *result)
{
    const int64_t vocab = got->logits.shape[1];
    const double *const p = truth->probability + row * vocab;
    const double *const budget = truth->budget + row * vocab;
    double most = 0.0;
    int64_t worst = -1;
    for (int64_t t = 0; assay_present(&got->probability) && t < vocab; t++) {
        const double value = assay_at2(&got->probability, row, t);
        const double off = isnan(value) && isnan(p[t]) ? 0.0 : fabs(value - p[t]) - budget[t];
        if (!(off <= most)) {
            most = isnan(off) ? INFINITY : off;
            worst = t;
        }
    }
    result->verdict = ASSAY_FAIL;
    result->check = ASSAY_CHECK_DISTRIBUTION;
    result->budget_used = INFINITY;
    if (worst >= 0) {
        (void)snprintf(result->message, sizeof result->message,
                       "row %lld: probability of token %lld: got %.9g, expected %.9g, budget %.3g",
                       (long long)row, (long long)worst,
                       assay_at2(&got->probability, row, worst), p[worst], budget[worst]);
    } else if (params->temperature == 0.0) {
        (void)snprintf(result->message, sizeof result->message,
                       "row %lld: got token %lld, but the greatest logit is token %d's",
                       (long long)row, (long long)assay_at1(&got->token, row),
                       (int)truth->token[row]);
    } else {
        (void)snprintf(result->message, sizeof result->message,
                       "row %lld: got token %lld, but the number %.9g draws token %d",
                       (long long)row, (long long)assay_at1(&got->token, row),
                       assay_ref_sample_uniform(params, got, row), (int)truth->token[row]);
    }
}

void assay_compare_sample(const assay_sample_params *params,
                          const assay_distribution nucleus[ASSAY_NUCLEI],
                          const assay_sample_io *got, assay_result *result)
{
    result->verdict = ASSAY_PASS;
    result->cosine = 1.0;
    for (int64_t row = 0; row < got->logits.shape[0]; row++) {
        double used = 0.0;
        int variant = 0;
        while (variant < ASSAY_NUCLEI &&
               !row_allowed(params, got, &nucleus[variant], row, &used)) {
            variant++;
        }
        result->compared++;
        const double first = nucleus[0].budget[row * got->logits.shape[1]];
        result->undecided += variant > 0 || isinf(first);
        result->budget_used = fmax(result->budget_used, used);
        if (variant == ASSAY_NUCLEI) {
            tell_wrong(params, &nucleus[0], got, row, result);
            return;
        }
    }
}
