/* sae_steer at the activation's edge. Where rounding decides whether a latent is active, a right
 * kernel steers a row as an active latent asks, or as an inactive one does: both are computed, with
 * a threshold that all pass and with one that none does, and each row is held to one of them. */
#include <math.h>
#include <stdlib.h>

#include "verify/step_truth.h"

/* Truth and budgets with the latent active in every row, or in none. */
static assay_status one_side(const assay_step *step, const assay_any_io *seen,
                             const assay_precision *contract, bool active, assay_arena *arena,
                             double **truth, assay_budget *budget, assay_error *error)
{
    assay_sae_steer_params params = *(const assay_sae_steer_params *)step->params;
    assay_step side = *step;
    assay_tensor *const threshold = &params.sae.threshold;
    const int64_t latents = params.sae.d_sae;
    const assay_status status =
        assay_buffer_make(arena, ASSAY_F64, 1, &latents, threshold, error);
    for (int64_t j = 0; status == ASSAY_OK && j < latents; j++) {
        assay_put1(threshold, j, active ? -(double)INFINITY : (double)INFINITY);
    }
    params.sae.activation = ASSAY_JUMPRELU;
    side.params = &params;
    return status != ASSAY_OK
               ? status
               : assay_elements_truth(&side, seen, contract, arena, truth, budget, error);
}

/* Whether row i's budgets hold more than those of the side that its truth is on: the whole feature.
 * A row with an exact element is decided. */
static bool row_undecided(const assay_step_truth *truth, int64_t i, const double *side,
                          const double *side_budget)
{
    bool wider = false;
    for (int64_t c = i * truth->budget.columns; c < (i + 1) * truth->budget.columns; c++) {
        if (truth->budget.value[c] == 0.0 && isfinite(truth->expected[c])) {
            return false;
        }
        wider = wider || (truth->expected[c] == side[c] &&
                          truth->budget.value[c] > side_budget[c]);
    }
    return wider;
}

assay_status assay_steer_sides(const assay_step *step, const assay_any_io *seen,
                               const assay_precision *contract, assay_arena *arena,
                               assay_step_truth *truth, assay_error *error)
{
    double *side[2] = {NULL, NULL};
    assay_budget budget[2] = {{0}, {0}};
    assay_status status = ASSAY_OK;
    for (int i = 0; i < 2 && status == ASSAY_OK; i++) {
        status = one_side(step, seen, contract, i == 1, arena, &side[i], &budget[i], error);
    }
    for (int64_t i = 0; status == ASSAY_OK && i < truth->rows; i++) {
        const int64_t at = i * truth->budget.columns;
        const size_t row = (size_t)truth->budget.columns * sizeof(double);
        if (row_undecided(truth, i, side[0], budget[0].value) ||
            row_undecided(truth, i, side[1], budget[1].value)) {
            memcpy(truth->expected + at, side[1] + at, row);
            memcpy(truth->budget.value + at, budget[1].value + at, row);
        } else { /* the other side is the same one */
            memcpy(side[0] + at, truth->expected + at, row);
            memcpy(budget[0].value + at, truth->budget.value + at, row);
        }
    }
    truth->otherwise = side[0];
    truth->otherwise_budget = budget[0].value;
    return status;
}

/* How far row i of y is from one side, in units of its budget: the worst element. */
static double row_used(const assay_tensor *y, int64_t i, const double *expected,
                       const double *budget)
{
    const int64_t columns = y->shape[1];
    double worst = 0.0;
    for (int64_t c = 0; c < columns; c++) {
        const double wanted = expected[i * columns + c];
        const double allowed = budget[i * columns + c];
        const double got = assay_at2(y, i, c);
        const bool same = got == wanted || (isnan(got) && isnan(wanted)) || isinf(allowed);
        const double used = same ? 0.0 : fabs(got - wanted) / allowed;
        worst = used <= worst ? worst : isnan(used) ? (double)INFINITY : used;
    }
    return worst;
}

void assay_compare_steered(const assay_step *step, const assay_step_truth *truth,
                           const assay_tensor *y, assay_result *result)
{
    const size_t size = (size_t)(truth->rows * truth->budget.columns + 1) * sizeof(double);
    if (truth->otherwise == NULL) {
        assay_compare_elements(y, truth->expected, &truth->budget, "row", step->allow_void, result);
        return;
    }
    double *const expected = malloc(2 * size);
    if (expected == NULL) {
        result->verdict = ASSAY_FAIL;
        result->check = ASSAY_CHECK_STATUS;
        (void)snprintf(result->message, sizeof result->message, "out of memory for %lld rows",
                       (long long)truth->rows);
        return;
    }
    assay_budget budget = truth->budget;
    budget.value = expected + truth->rows * budget.columns;
    for (int64_t i = 0; i < truth->rows; i++) {
        const int64_t at = i * budget.columns;
        const size_t row = (size_t)budget.columns * sizeof(double);
        const bool other =
            row_used(y, i, truth->otherwise, truth->otherwise_budget) <
            row_used(y, i, truth->expected, truth->budget.value);
        memcpy(expected + at, (other ? truth->otherwise : truth->expected) + at, row);
        memcpy(budget.value + at, (other ? truth->otherwise_budget : truth->budget.value) + at,
               row);
        result->undecided +=
            memcmp(truth->otherwise + at, truth->expected + at, row) != 0 ? 1 : 0;
    }
    assay_compare_elements(y, expected, &budget, "row", step->allow_void, result);
    free(expected);
}
