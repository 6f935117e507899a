/* The truth of sae_encode: pre-activations, with what a contract may be off by. */
#include <math.h>

#include "verify/exact.h"
#include "verify/step_truth.h"

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
    const assay_error_model pre_model = {.bound = part[2], .sigma = part[3]};
    const assay_error_model score_model = {.bound = part[4], .sigma = part[5]};
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
        budget[which] = (assay_budget){.rows = shape[0], .columns = shape[1], .value = bound};
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
void assay_compare_dense(const assay_sae_encode_io *got, assay_result *result)
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
                result->check = ASSAY_CHECK_STRUCTURE;
                result->budget_used = INFINITY;
                (void)snprintf(result->message, sizeof result->message,
                               "dense row %lld, latent %lld: %g, but the sparse form has %g",
                               (long long)row, (long long)j, value, expected);
                return;
            }
        }
    }
}

assay_status assay_codes_truth_make(const assay_precision *contract, const assay_step *step,
                                    const assay_sae_encode_io *seen, assay_arena *arena,
                                    assay_codes_truth *truth, assay_result *result,
                                    assay_error *error)
{
    const assay_sae_encode_params *const params = step->params;
    const assay_sae_encode_io *const given = step->io;
    if (step->expected_codes != NULL) {
        const assay_status status =
            codes_truth(&params->sae, &given->x, step->witness, arena, truth, error);
        if (status != ASSAY_OK) {
            return status;
        }
        assay_result golden = {.budget_used = 0.0};
        assay_compare_codes(step->expected_codes, truth, true, &golden);
        if (golden.verdict != ASSAY_PASS) {
            assay_result_blame_bundle(result, "codes", &golden);
            return ASSAY_OK;
        }
    }
    assay_status status = codes_truth(&params->sae, &seen->x, contract, arena, truth, error);
    if (status == ASSAY_OK && contract != NULL) {
        status = assay_exact_codes(&params->sae, &seen->x, contract, truth, arena, error);
    }
    return status;
}
