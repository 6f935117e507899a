/* Judging one step: truth on exactly the inputs the kernel saw, budgets from its contract. */
#include <math.h>

#include "verify/step.h"

/* An io for the oracle: the same inputs, float64 outputs, caches of its own. */
static assay_status oracle_io(const assay_step *step, const void *inputs, assay_arena *arena,
                              assay_any_io *io, assay_error *error)
{
    assay_step_blank(step, io);
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const from = assay_operand_in(inputs, operand);
        assay_tensor *const to = assay_operand_of(io, operand);
        if (operand->input && !operand->output) {
            *to = *from;
            continue;
        }
        const assay_tensor *const shaped = assay_operand_in(step->io, operand);
        assay_status status = ASSAY_OK;
        const bool real = operand->kind != ASSAY_OPERAND_EXACT;
        if (operand->input) {
            status = assay_buffer_convert(arena, shaped, ASSAY_F64, to, error);
        } else if (shaped->rank > 0) {
            status = assay_buffer_make(arena, real ? ASSAY_F64 : shaped->dtype, shaped->rank,
                                       shaped->shape, to, error);
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

static const assay_operand *judged_output(assay_op op)
{
    const assay_operand *operand = assay_operands(op);
    const char *const name = op == ASSAY_OP_sample ? "probability" : "y";
    while (operand->name != NULL && strcmp(operand->name, name) != 0) {
        operand++;
    }
    return operand->name != NULL ? operand : NULL;
}

assay_status assay_step_truth(const assay_step *step, const assay_any_io *inputs,
                              const assay_precision *contract, assay_arena *arena, double **truth,
                              assay_budget *budget, assay_error *error)
{
    assay_any_io io;
    assay_status status = oracle_io(step, inputs, arena, &io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_tensor *const y = assay_operand_in(&io, judged_output(step->op));
    assay_error_model model = {0};
    if (contract != NULL) {
        status = assay_buffer_make(arena, ASSAY_F64, y->rank, y->shape, &model.bound, error);
        if (status == ASSAY_OK) {
            status = assay_buffer_make(arena, ASSAY_F64, y->rank, y->shape, &model.sigma, error);
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    status = assay_step_reference(step->op, step->params, &io, contract,
                                  contract != NULL ? &model : NULL, error);
    if (status != ASSAY_OK) {
        return status;
    }
    *truth = y->data;
    budget->rows = y->shape[0];
    budget->columns = y->rank > 1 ? y->shape[1] : 1;
    budget->value = NULL;
    if (contract != NULL) {
        double *const bound = model.bound.data;
        const double *const sigma = model.sigma.data;
        const double lambda = assay_lambda();
        for (int64_t i = 0; i < budget->rows * budget->columns; i++) {
            bound[i] += lambda * sigma[i];
        }
        budget->value = bound;
    }
    return ASSAY_OK;
}

/* Two float64 computations agree to ASSAY_WITNESS_AGREEMENT of the row's RMS; below that no budget
 * may fall when the expectation came from another program. */
void assay_floor_by_agreement(const double *expected, assay_budget *budget)
{
    for (int64_t row = 0; row < budget->rows; row++) {
        double square = 0.0;
        int64_t finite = 0;
        for (int64_t i = row * budget->columns; i < (row + 1) * budget->columns; i++) {
            if (isfinite(expected[i])) {
                square += expected[i] * expected[i];
                finite++;
            }
        }
        const double rms = finite > 0 ? sqrt(square / (double)finite) : 0.0;
        for (int64_t i = row * budget->columns; i < (row + 1) * budget->columns; i++) {
            budget->value[i] = fmax(budget->value[i], ASSAY_WITNESS_AGREEMENT * rms);
        }
    }
}

/* The golden expectation is of the inputs as given; the kernel saw them rounded to its type. The
 * exact effect of that rounding, by the oracle, moves the expectation. */
static assay_status golden_expectation(const assay_step *step, const assay_any_io *seen,
                                       const double *truth, assay_budget *budget,
                                       assay_arena *arena, double **expected, assay_error *error)
{
    double *original = NULL;
    assay_budget other = {0};
    assay_any_io given;
    memcpy(&given, seen, sizeof given);
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL; operand++) {
        if (operand->input) {
            *assay_operand_of(&given, operand) = *assay_operand_in(step->io, operand);
        }
    }
    const assay_status status =
        assay_step_truth(step, &given, step->witness, arena, &original, &other, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t count = budget->rows * budget->columns;
    *expected = assay_arena_take(arena, (size_t)count * sizeof **expected);
    if (*expected == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for an expectation");
    }
    for (int64_t i = 0; i < count; i++) {
        const double shift = truth[i] - original[i];
        (*expected)[i] = step->expected[i] + (isfinite(shift) ? shift : 0.0);
        if (other.value != NULL) {
            budget->value[i] += other.value[i];
        }
    }
    assay_floor_by_agreement(*expected, budget);
    return ASSAY_OK;
}

/* The caches must hold the call's k and v, copied exactly, and elsewhere what they held. */
static assay_status check_caches(const assay_step *step, const assay_any_io *got,
                                 assay_error *error)
{
    if (step->op != ASSAY_OP_attention) {
        return ASSAY_OK;
    }
    const assay_attention_io *const io = &got->attention;
    const assay_tensor *const caches[2] = {&io->k_cache, &io->v_cache};
    const assay_tensor *const rows[2] = {&io->k, &io->v};
    for (int which = 0; which < 2; which++) {
        const int64_t width = rows[which]->shape[1];
        for (int64_t n = 0; n < rows[which]->shape[0]; n++) {
            const int64_t s = (int64_t)assay_at1(&io->sequence, n);
            const int64_t p = (int64_t)assay_at1(&io->position, n);
            const size_t element = assay_dtype_size(caches[which]->dtype);
            const int64_t at = (s * caches[which]->shape[1] + p) * width;
            if (memcmp((const char *)caches[which]->data + (size_t)at * element,
                       (const char *)rows[which]->data + (size_t)(n * width) * element,
                       (size_t)width * element) != 0) {
                return assay_fail(error, ASSAY_INTERNAL,
                                  "%c_cache[%lld, %lld] is not the row that was given",
                                  which == 0 ? 'k' : 'v', (long long)s, (long long)p);
            }
        }
    }
    return ASSAY_OK;
}

static assay_status judge_elements(const assay_kernel *kernel, const assay_step *step,
                                   const assay_any_io *got, assay_arena *arena,
                                   assay_result *result, assay_error *error)
{
    double *truth = NULL;
    assay_budget budget = {0};
    assay_status status = check_caches(step, got, error);
    if (status == ASSAY_OK) {
        status = assay_step_truth(step, got, &kernel->precision, arena, &truth, &budget, error);
    }
    double *expected = truth;
    if (status == ASSAY_OK && step->expected != NULL) {
        status = golden_expectation(step, got, truth, &budget, arena, &expected, error);
    }
    if (status == ASSAY_OK) {
        const assay_tensor *const y = assay_operand_in(got, judged_output(step->op));
        assay_compare_elements(y, expected, &budget, "row", step->allow_void, result);
    }
    return status;
}

void assay_step_judge(const assay_kernel *kernel, const assay_step *step, assay_result *result)
{
    assay_arena arena = {0};
    assay_error error = {.message = "no reason was given"};
    assay_any_io got;
    assay_status status =
        assay_step_run(kernel, step, &arena, &got, &result->seconds, &error);
    if (status == ASSAY_OK) {
        status = step->op == ASSAY_OP_sae_encode
                     ? assay_judge_encode(kernel, step, &got.sae_encode, &arena, result, &error)
                 : step->op == ASSAY_OP_sample
                     ? assay_judge_sample(kernel, step, &got.sample, &arena, result, &error)
                     : judge_elements(kernel, step, &got, &arena, result, &error);
    }
    if (status != ASSAY_OK) {
        assay_result_refuse(result, status, &error);
    }
    assay_arena_free(&arena);
}
