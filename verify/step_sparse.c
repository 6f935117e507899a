/* Judging sae_encode by its pre-activations and sample by its distribution. */
#include <math.h>

#include "verify/step.h"

enum { VARIANTS = 3 };

/* pre and score of every row and latent, with budgets bound + lambda sigma of a contract; without
 * one, the agreement that two float64 programs owe each other. */
static assay_status codes_truth(const assay_sae *sae, const assay_tensor *x,
                                const assay_precision *contract, assay_arena *arena,
                                assay_codes_truth *truth, assay_error *error)
{
    const int64_t shape[2] = {x->shape[0], sae->d_sae};
    assay_tensor part[6]; /* pre, score, then bound and sigma of each */
    for (int i = 0; i < 6; i++) {
        const assay_status status =
            assay_buffer_make(arena, ASSAY_F64, 2, shape, &part[i], error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    const assay_error_model pre_model = {part[2], part[3]};
    const assay_error_model score_model = {part[4], part[5]};
    const assay_status status = assay_ref_sae_preactivations(
        sae, x, NULL, contract, &part[0], &part[1], contract != NULL ? &pre_model : NULL,
        contract != NULL ? &score_model : NULL, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_budget budget[2];
    const double lambda = assay_lambda();
    for (int which = 0; which < 2; which++) {
        double *const bound = part[2 + 2 * which].data;
        const double *const sigma = part[3 + 2 * which].data;
        for (int64_t i = 0; i < shape[0] * shape[1]; i++) {
            bound[i] += lambda * sigma[i];
        }
        budget[which] = (assay_budget){shape[0], shape[1], bound};
        if (contract == NULL) {
            assay_floor_by_agreement(part[which].data, &budget[which]);
        }
    }
    *truth = (assay_codes_truth){.sae = sae,
                                 .rows = shape[0],
                                 .pre = part[0].data,
                                 .score = part[1].data,
                                 .pre_budget = budget[0].value,
                                 .score_budget = budget[1].value};
    return ASSAY_OK;
}

/* The dense form says the same as the sparse one, zeros elsewhere. */
static void check_dense(const assay_sae_encode_io *got, assay_result *result)
{
    if (!assay_present(&got->dense) || result->verdict != ASSAY_PASS) {
        return;
    }
    for (int64_t row = 0; row < got->dense.shape[0]; row++) {
        int64_t next = (int64_t)assay_at1(&got->codes.row_offsets, row);
        const int64_t end = (int64_t)assay_at1(&got->codes.row_offsets, row + 1);
        for (int64_t j = 0; j < got->dense.shape[1]; j++) {
            double expected = 0.0;
            if (next < end && (int64_t)assay_at1(&got->codes.latent, next) == j) {
                expected = assay_at1(&got->codes.value, next++);
            }
            const double value = assay_at2(&got->dense, row, j);
            if (value != expected && !(isnan(value) && isnan(expected))) {
                result->verdict = ASSAY_FAIL;
                result->budget_used = INFINITY;
                (void)snprintf(result->message, sizeof result->message,
                               "dense row %lld, latent %lld: %g, but the sparse form has %g",
                               (long long)row, (long long)j, value, expected);
                return;
            }
        }
    }
}

assay_status assay_judge_encode(const assay_kernel *kernel, const assay_step *step,
                                const assay_sae_encode_io *got, assay_arena *arena,
                                assay_result *result, assay_error *error)
{
    const assay_sae_encode_params *const params = step->params;
    const assay_sae_encode_io *const given = step->io;
    assay_codes_truth truth;
    if (step->expected_codes != NULL) {
        assay_status status =
            codes_truth(&params->sae, &given->x, step->witness, arena, &truth, error);
        if (status != ASSAY_OK) {
            return status;
        }
        assay_result golden = {.budget_used = 0.0};
        assay_compare_codes(step->expected_codes, &truth, &golden);
        if (golden.verdict != ASSAY_PASS) {
            assay_result_merge(result, &golden);
            (void)snprintf(result->message, sizeof result->message,
                           "the oracle disagrees with the golden codes: %.*s",
                           ASSAY_MESSAGE_MAX - 64, golden.message);
            return ASSAY_OK;
        }
    }
    const assay_status status =
        codes_truth(&params->sae, &got->x, &kernel->precision, arena, &truth, error);
    if (status == ASSAY_OK) {
        assay_compare_codes(&got->codes, &truth, result);
        check_dense(got, result);
    }
    return status;
}

typedef struct distribution {
    double *probability; /* [rows, vocab] */
    double *budget;
    int32_t *token;
} distribution;

/* The oracle's distribution with top_p moved by `shift`: a token whose place in the nucleus is
 * within the budget of being decided the other way may be in or out. */
static assay_status distribution_at(const assay_step *step, const assay_sample_io *got,
                                    const assay_precision *contract, double shift,
                                    assay_arena *arena, distribution *made, assay_error *error)
{
    assay_sample_params params = *(const assay_sample_params *)step->params;
    if (params.top_p < 1.0) {
        params.top_p = fmin(fmax(params.top_p + shift, 0.0), 1.0);
    }
    assay_sample_io io = *got;
    assay_error_model model;
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
        *made = (distribution){io.probability.data, model.bound.data, io.token.data};
        for (int64_t i = 0; i < assay_count(&got->logits); i++) {
            made->budget[i] += assay_lambda() * sigma[i];
        }
    }
    return status;
}

/* Whether row `row` of the kernel's output is one that `truth` allows. */
static bool row_allowed(const assay_sample_params *params, const assay_sample_io *got,
                        const distribution *truth, int64_t row, double *used)
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
            if (isnan(p[t]) ? !isnan(assay_at2(&got->probability, row, t))
                            : !(difference <= budget[t])) {
                return false;
            }
            *used = fmax(*used, difference > 0.0 ? difference / budget[t] : 0.0);
        }
    }
    if (token == truth->token[row]) {
        return true;
    }
    if (params->temperature == 0.0 || token < 0 || token >= vocab || !(p[token] > 0.0)) {
        return false;
    }
    const assay_sample_io *const io = got;
    const double uniform =
        assay_present(&io->uniform)
            ? assay_at1(&io->uniform, row)
            : assay_philox_uniform(params->seed, (uint64_t)(int64_t)assay_at1(&io->stream, row),
                                   (uint64_t)io->step);
    return uniform >= below - slack && uniform <= below + p[token] + slack;
}

assay_status assay_judge_sample(const assay_kernel *kernel, const assay_step *step,
                                const assay_sample_io *got, assay_arena *arena,
                                assay_result *result, assay_error *error)
{
    const assay_sample_params *const params = step->params;
    distribution truth[VARIANTS];
    const int64_t vocab = got->logits.shape[1];
    assay_status status =
        distribution_at(step, got, &kernel->precision, 0.0, arena, &truth[0], error);
    double slack = 0.0;
    for (int64_t t = 0; status == ASSAY_OK && t < vocab; t++) {
        slack += isfinite(truth[0].budget[t]) ? truth[0].budget[t] : 0.0;
    }
    for (int i = 1; status == ASSAY_OK && i < VARIANTS; i++) {
        status = distribution_at(step, got, &kernel->precision, i == 1 ? -slack : slack, arena,
                                 &truth[i], error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    result->verdict = ASSAY_PASS;
    result->cosine = 1.0;
    for (int64_t row = 0; row < got->logits.shape[0]; row++) {
        double used = 0.0;
        int variant = 0;
        while (variant < VARIANTS && !row_allowed(params, got, &truth[variant], row, &used)) {
            variant++;
        }
        result->compared++;
        result->undecided += variant > 0;
        result->budget_used = fmax(result->budget_used, used);
        if (variant == VARIANTS) {
            result->verdict = ASSAY_FAIL;
            result->budget_used = INFINITY;
            (void)snprintf(result->message, sizeof result->message,
                           "row %lld: token %lld or its distribution is not the truth's (token "
                           "%d)",
                           (long long)row, (long long)assay_at1(&got->token, row),
                           (int)truth[0].token[row]);
            return ASSAY_OK;
        }
    }
    return ASSAY_OK;
}
