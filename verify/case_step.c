/* A bundle's cases of single steps: operands from tensors, weights from checkpoints. */
#include <math.h>

#include "verify/step_case.h"

/* Nothing may round, or leave a narrower integer's range, on the way in. */
static assay_status expect_exact(const assay_case_context *context, const char *role,
                                 const assay_tensor *given, assay_dtype dtype, assay_error *error)
{
    const bool whole = dtype == ASSAY_I64 || dtype == ASSAY_I32;
    for (int64_t i = 0; assay_present(given) && dtype != given->dtype && i < assay_count(given);
         i++) {
        const double value = assay_load(given->dtype, given->data, (size_t)i);
        const bool fits = whole ? value >= INT32_MIN && value <= INT32_MAX
                                : isnan(value) || assay_round_to(dtype, value) == value;
        if (!fits) {
            return assay_case_fail(context, error,
                                   "tensor of role '%s', element %lld: %.17g is no %s: expected "
                                   "inputs that are exact in it",
                                   role, (long long)i, value, assay_dtype_name(dtype));
        }
    }
    return ASSAY_OK;
}

assay_status assay_step_case_take(const assay_case_context *context, assay_step_case *b,
                                  const char *role, bool required, assay_dtype dtype, int32_t rank,
                                  assay_tensor *tensor, assay_error *error)
{
    assay_tensor given;
    const assay_status status = assay_case_in(context, role, required, &given, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_present(&given) && given.rank != rank) {
        return assay_case_fail(context, error, "tensor '%s' has rank %d, expected %d", role,
                               (int)given.rank, (int)rank);
    }
    if (dtype == ASSAY_NONE) {
        *tensor = given;
        return ASSAY_OK;
    }
    const assay_status exact = expect_exact(context, role, &given, dtype, error);
    return exact == ASSAY_OK ? assay_buffer_convert(b->arena, &given, dtype, tensor, error) : exact;
}

/* The bundle's expectation, of the shape of the op's output, as float64. */
static assay_status expectation(const assay_case_context *context, assay_op op, assay_step_case *b,
                                assay_step *step, assay_error *error)
{
    if (op == ASSAY_OP_sae_encode) {
        step->expected_codes = &b->codes;
        return ASSAY_OK;
    }
    const assay_operand *operand = assay_operands(op);
    while (strcmp(operand->name, "y") != 0) {
        operand++;
    }
    const assay_tensor *const y = assay_operand_in(&b->io, operand);
    if (b->expected.rank != y->rank || b->expected.shape[0] != y->shape[0] ||
        b->expected.shape[1] != y->shape[1]) {
        return assay_case_fail(context, error,
                               "the expectation is [%lld, %lld], the inputs give [%lld, %lld]",
                               (long long)b->expected.shape[0], (long long)b->expected.shape[1],
                               (long long)y->shape[0], (long long)y->shape[1]);
    }
    assay_tensor wide;
    const assay_status status =
        assay_buffer_convert(b->arena, &b->expected, ASSAY_F64, &wide, error);
    step->expected = wide.data;
    return status;
}

static bool step_has_weights(assay_op op)
{
    return op == ASSAY_OP_sae_encode || op == ASSAY_OP_sae_decode || op == ASSAY_OP_sae_steer ||
           op == ASSAY_OP_adapter;
}

/* The case as its manifest has it: they are in one order. */
static const cJSON *written(const assay_case_context *context)
{
    const cJSON *const cases =
        cJSON_GetObjectItemCaseSensitive(context->bundle->manifest, "cases");
    return cJSON_GetArrayItem(cases, (int)(context->c - context->bundle->cases));
}

typedef struct step_judge {
    const assay_case_context *context;
    const assay_step *step;
} step_judge;

static assay_status judge_table(void *opaque, size_t index, assay_result *result,
                                assay_error *error)
{
    (void)error;
    const step_judge *const own = opaque;
    const assay_judge judge = assay_run_judge(own->context->run, index, own->step->op);
    assay_step_judge(&judge, own->step, result);
    return ASSAY_OK;
}

assay_status assay_case_judge_step(const assay_case_context *context, assay_op op,
                                   assay_error *error)
{
    assay_arena arena = {0};
    assay_step_case b = {.arena = &arena};
    const assay_table *witness = NULL;
    assay_step step = {.op = op, .params = &b.params, .io = &b.io,
                       .json = written(context)};
    assay_status status = step_has_weights(op) ? assay_step_case_sae(context, op, &b, error)
                                           : assay_step_case_plain(context, op, &b, error);
    if (status == ASSAY_OK) {
        status = expectation(context, op, &b, &step, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_witness(context, &witness, error);
    }
    if (status == ASSAY_OK && witness != NULL) {
        step.witness = &witness->kernel[op]->precision;
    }
    if (status == ASSAY_OK) {
        step_judge judge = {context, &step};
        status = assay_case_each(context, judge_table, &judge, error);
    }
    assay_arena_free(&arena);
    return status;
}
