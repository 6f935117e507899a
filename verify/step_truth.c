/* Truth on exactly the inputs the kernel saw, budgets from its contract. */
#include "verify/step_truth.h"

#include <math.h>

#include "ref/oracle.h"
#include "verify/exact.h"

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

const assay_operand *assay_judged_output(assay_op op)
{
    const assay_operand *operand = assay_operands(op);
    const char *const name = op == ASSAY_OP_sample ? "probability" : "y";
    while (operand->name != NULL && strcmp(operand->name, name) != 0) {
        operand++;
    }
    return operand->name != NULL ? operand : NULL;
}

assay_status assay_elements_truth(const assay_step *step, const assay_any_io *inputs,
                                  const assay_precision *contract, assay_arena *arena,
                                  double **truth, assay_budget *budget, assay_error *error)
{
    assay_any_io io;
    assay_status status = oracle_io(step, inputs, arena, &io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_tensor *const y = assay_operand_in(&io, assay_judged_output(step->op));
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

/* The golden numbers must be those of the oracle on the same inputs: of float64 all of them, of
 * other arithmetic what is not finite. */
static assay_status check_golden(const assay_step *step, const double *original,
                                 const assay_budget *budget, assay_arena *arena,
                                 assay_result *result, assay_error *error)
{
    const int64_t shape[2] = {budget->rows, budget->columns};
    assay_tensor golden;
    assay_budget own = *budget;
    assay_result found = {.verdict = ASSAY_PASS};
    const assay_status status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &golden, error);
    if (status != ASSAY_OK) {
        return status;
    }
    memcpy(golden.data, step->expected, (size_t)assay_count(&golden) * sizeof(double));
    assay_floor_by_agreement(original, &own);
    for (int64_t i = 0; step->witness != NULL && i < assay_count(&golden); i++) {
        const bool finite = isfinite(step->expected[i]) && isfinite(original[i]);
        own.value[i] = finite ? INFINITY : own.value[i];
    }
    assay_compare_elements(&golden, original, &own, "row", true, &found);
    if (found.verdict != ASSAY_PASS) {
        assay_result_blame_bundle(result, "data", &found);
    }
    return ASSAY_OK;
}

/* The golden expectation is of the inputs as given; the kernel saw them rounded to its type. The
 * exact effect of that rounding, by the oracle, moves the expectation. */
static assay_status golden_expectation(const assay_step *step, const assay_any_io *seen,
                                       const double *truth, assay_budget *budget,
                                       assay_arena *arena, double **expected,
                                       assay_result *result, assay_error *error)
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
    const assay_precision *const computed =
        step->witness != NULL ? step->witness : &assay_oracle.kernel[step->op]->precision;
    const assay_status status =
        assay_elements_truth(step, &given, computed, arena, &original, &other, error);
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
        if (step->witness != NULL) {
            budget->value[i] += other.value[i];
        }
    }
    assay_floor_by_agreement(*expected, budget);
    return check_golden(step, original, &other, arena, result, error);
}

static assay_status elements_truth(const assay_precision *contract, const assay_step *step,
                                   const assay_any_io *seen, assay_arena *arena,
                                   assay_step_truth *truth, assay_result *result,
                                   assay_error *error)
{
    double *own = NULL;
    assay_status status =
        assay_elements_truth(step, seen, contract, arena, &own, &truth->budget, error);
    truth->expected = own;
    if (status == ASSAY_OK && step->expected != NULL) {
        status = golden_expectation(step, seen, own, &truth->budget, arena, &truth->expected,
                                    result, error);
    }
    if (status == ASSAY_OK && step->witness == NULL) {
        status = assay_exact_elements(step, seen, contract, own, truth->expected, &truth->budget,
                                      arena, error);
    }
    truth->rows = truth->budget.rows;
    if (status == ASSAY_OK && step->op == ASSAY_OP_sae_steer && step->expected == NULL &&
        ((const assay_sae_steer_params *)step->params)->mode != ASSAY_STEER_ADD) {
        status = assay_steer_sides(step, seen, contract, arena, truth, error);
    }
    return status;
}

assay_status assay_step_truth_make(const assay_precision *contract, const assay_step *step,
                                   const assay_any_io *seen, assay_arena *arena,
                                   assay_step_truth *truth, assay_result *result,
                                   assay_error *error)
{
    memset(truth, 0, sizeof *truth);
    switch (step->op) {
    case ASSAY_OP_sae_encode:
        truth->rows = seen->sae_encode.x.shape[0];
        return assay_codes_truth_make(contract, step, &seen->sae_encode, arena, &truth->codes,
                                      result, error);
    case ASSAY_OP_sample:
        truth->rows = seen->sample.logits.shape[0];
        truth->budget.columns = seen->sample.logits.shape[1];
        return assay_sample_truth_make(contract, step, &seen->sample, arena, truth->nucleus,
                                       error);
    default: return elements_truth(contract, step, seen, arena, truth, result, error);
    }
}

/* Rows from[] of an array [rows, width] of elements of `size` bytes. */
static void *gather(assay_arena *arena, const void *array, size_t size, int64_t width,
                    const int64_t *from, int64_t count)
{
    const size_t row = size * (size_t)width;
    char *const made = assay_arena_take(arena, (size_t)count * row + 1);
    for (int64_t i = 0; made != NULL && i < count; i++) {
        memcpy(made + (size_t)i * row, (const char *)array + (size_t)from[i] * row, row);
    }
    return made;
}

assay_status assay_step_truth_rows(assay_op op, const assay_step_truth *whole, const int64_t *from,
                                   int64_t count, assay_arena *arena, assay_step_truth *part,
                                   assay_error *error)
{
    bool good = true;
    *part = *whole;
    part->rows = count;
#define GATHER(field, width)                                                                       \
    do {                                                                                           \
        void *const made =                                                                         \
            gather(arena, whole->field, sizeof *whole->field, (width), from, count);               \
        part->field = made;                                                                        \
        good = good && made != NULL;                                                               \
    } while (0)
    if (op == ASSAY_OP_sae_encode) {
        const int64_t latents = whole->codes.sae->d_sae;
        part->codes.rows = count;
        GATHER(codes.pre, latents);
        GATHER(codes.score, latents);
        GATHER(codes.pre_budget, latents);
        GATHER(codes.score_budget, latents);
    } else if (op == ASSAY_OP_sample) {
        for (int i = 0; i < ASSAY_NUCLEI; i++) {
            GATHER(nucleus[i].probability, whole->budget.columns);
            GATHER(nucleus[i].budget, whole->budget.columns);
            GATHER(nucleus[i].token, 1);
        }
    } else {
        part->budget.rows = count;
        GATHER(expected, whole->budget.columns);
        GATHER(budget.value, whole->budget.columns);
        if (whole->otherwise != NULL) {
            GATHER(otherwise, whole->budget.columns);
            GATHER(otherwise_budget, whole->budget.columns);
        }
    }
#undef GATHER
    return good ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld rows",
                                        (long long)count);
}

void assay_step_compare(const assay_step *step, const assay_step_truth *truth,
                        const assay_any_io *got, assay_result *result)
{
    switch (step->op) {
    case ASSAY_OP_sae_encode:
        assay_compare_codes(&got->sae_encode.codes, &truth->codes, step->allow_void, result);
        assay_compare_dense(&got->sae_encode, result);
        break;
    case ASSAY_OP_sample:
        assay_compare_sample(step->params, truth->nucleus, &got->sample, result);
        break;
    case ASSAY_OP_sae_steer: assay_compare_steered(step, truth, &got->sae_steer.y, result); break;
    default:
        assay_compare_elements(assay_operand_in(got, assay_judged_output(step->op)),
                               truth->expected, &truth->budget, "row", step->allow_void, result);
        break;
    }
}
