/* Checks on values: powers of two pass through, a split input adds up. */
#include <math.h>

#include "verify/step_checks.h"

static bool biased(const assay_judgement *j)
{
    switch (j->step->op) {
    case ASSAY_OP_linear:
        return assay_present(&((const assay_linear_params *)j->step->params)->bias);
    case ASSAY_OP_sae_decode:
        return assay_present(
            &((const assay_sae_decode_params *)j->step->params)->sae.decode_bias);
    default: return false;
    }
}

/* Operands whose scaling scales the output by the same factor, by op. */
static const char *const homogeneous[ASSAY_OP_COUNT][2] = {
    [ASSAY_OP_add] = {"a", "b"},        [ASSAY_OP_linear] = {"x", NULL},
    [ASSAY_OP_rope] = {"x", NULL},      [ASSAY_OP_attention] = {"v", "v_cache"},
    [ASSAY_OP_swiglu] = {"up", NULL},   [ASSAY_OP_sae_decode] = {"value", NULL},
};

static bool scales(const assay_judgement *j, const assay_operand *operand)
{
    const char *const *const names = homogeneous[j->step->op];
    return operand->input && ((names[0] != NULL && strcmp(operand->name, names[0]) == 0) ||
                              (names[1] != NULL && strcmp(operand->name, names[1]) == 0));
}

/* Whether every number stays a number of its type with the same digits, far from overflow. */
static bool safe_to_scale(const assay_tensor *tensor)
{
    const int normal = assay_dtype_normal_exponent(tensor->dtype);
    const double least = ldexp(1.0, normal);
    const double most = ldexp(1.0, -normal / 2);
    for (int64_t i = 0; i < assay_count(tensor); i++) {
        const double value = fabs(assay_buffer_get(tensor, i));
        const bool good = value == 0.0 || isnan(value) ||
                          (value >= least && value <= most);
        if (!good) {
            return false;
        }
    }
    return true;
}

/* Scales the operands of io in place; false when that is not safe or there are none. */
static bool scale_operands(const assay_judgement *j, assay_any_io *io, double factor)
{
    bool any = false;
    const assay_operand *operand = assay_operands(j->step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        if (!scales(j, operand) || !assay_present(tensor)) {
            continue;
        }
        if (!safe_to_scale(tensor)) {
            return false;
        }
        any = true;
        for (int64_t i = 0; i < assay_count(tensor); i++) {
            assay_store(tensor->dtype, tensor->data, (size_t)i,
                        factor * assay_buffer_get(tensor, i));
        }
    }
    return any;
}

static int64_t *every_row(assay_judgement *j)
{
    int64_t *const rows =
        assay_arena_take(j->arena, (size_t)(j->blocks.rows + 1) * sizeof *rows);
    if (rows != NULL) {
        assay_rows_all(&j->blocks, rows);
    }
    return rows;
}

/* An exact number that was rounded as a subnormal keeps more of its digits when it is scaled. */
static double scaled_budget(assay_dtype type, const assay_step_truth *truth, int64_t i)
{
    const double expected = truth->expected[i];
    const bool subnormal = fabs(expected) < ldexp(1.0, assay_dtype_normal_exponent(type));
    return truth->budget.value[i] + (subnormal ? assay_spacing(type, expected) / 2.0 : 0.0);
}

assay_status assay_check_scaling(assay_judgement *j)
{
    const double factor = (j->judge->seed & 1) != 0 ? 2.0 : 4.0;
    const bool normed = j->step->op == ASSAY_OP_sae_decode &&
                        ((const assay_sae_decode_params *)j->step->params)->sae.layer_norm;
    const int64_t *const rows = every_row(j);
    assay_any_io io;
    if (rows == NULL) {
        return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    }
    /* 8-bit operands saturate, and a 5-bit exponent ends soon: powers of two do not pass through */
    const assay_dtype multiply = j->judge->kernel->precision.multiply;
    const bool narrow = multiply == ASSAY_E4M3 || multiply == ASSAY_E5M2 || multiply == ASSAY_F16;
    if (homogeneous[j->step->op][0] == NULL || biased(j) || normed || narrow) {
        return ASSAY_OK;
    }
    assay_status status =
        assay_rows_take(j->step, &j->base, rows, j->blocks.rows, j->arena, &io, j->error);
    if (status != ASSAY_OK || !scale_operands(j, &io, factor)) {
        return status;
    }
    assay_judgement_threads(j, 2);
    status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    assay_session_set_threads(j->judged.session, 0);
    if (status != ASSAY_OK || j->result->verdict != ASSAY_PASS) {
        return status;
    }
    const assay_tensor *const y = assay_operand_in(&io, assay_judged_output(j->step->op));
    for (int64_t i = 0; i < assay_count(y); i++) {
        const double expected = factor * j->truth.expected[i];
        const double got = assay_buffer_get(y, i);
        const double budget = factor * scaled_budget(y->dtype, &j->truth, i);
        const bool fits = isfinite(assay_round_to(y->dtype, factor * expected));
        if (fits && isfinite(budget) && !(fabs(got - expected) <= budget)) {
            assay_judgement_fail(j, ASSAY_CHECK_SCALING,
                                 "inputs times %g: row %lld, column %lld: got %.9g, expected "
                                 "%.9g, budget %.3g",
                                 factor, (long long)(i / y->shape[1]),
                                 (long long)(i % y->shape[1]), got, expected, budget);
            break;
        }
    }
    return ASSAY_OK;
}

/* Zeroes one half of what each row sums over: the lower (0) or the upper (1) columns of x, the even
 * or the odd entries of the codes. */
static void keep_half(assay_op op, assay_any_io *io, int64_t half)
{
    const assay_tensor *const tensor =
        op == ASSAY_OP_linear ? &io->linear.x : &io->sae_decode.codes.value;
    const int64_t width = op == ASSAY_OP_linear ? tensor->shape[1] : 1;
    for (int64_t i = 0; i < assay_count(tensor); i++) {
        const int64_t side = op == ASSAY_OP_linear ? 2 * (i % width) >= width : i % 2;
        if (side != half) {
            assay_store(tensor->dtype, tensor->data, (size_t)i, 0.0);
        }
    }
}

/* What an element may be off by; of an exact one, whose budget is 0, its own rounding, which its
 * expectation has in it. */
static double slack_of(assay_dtype type, const assay_step_truth *truth, int64_t i)
{
    return fmax(truth->budget.value[i], assay_spacing(type, truth->expected[i]) / 2.0);
}

/* Runs with half of the input; adds what it wrote and what it may be off by. */
static assay_status add_half(assay_judgement *j, const int64_t *rows, int64_t half, double *sum,
                             double *slack)
{
    assay_any_io io;
    assay_step_truth truth;
    assay_result ignored = {.verdict = ASSAY_PASS};
    assay_step own = *j->step;
    own.expected = NULL;
    own.witness = NULL;
    assay_status status =
        assay_rows_take(j->step, &j->base, rows, j->blocks.rows, j->arena, &io, j->error);
    if (status != ASSAY_OK) {
        return status;
    }
    keep_half(j->step->op, &io, half);
    status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    if (status != ASSAY_OK || j->result->verdict != ASSAY_PASS) {
        return status;
    }
    status = assay_step_truth_make(&j->judge->kernel->precision, &own, &io, j->arena, &truth,
                                   &ignored, j->error);
    const assay_tensor *const y = assay_operand_in(&io, assay_judged_output(j->step->op));
    for (int64_t i = 0; status == ASSAY_OK && i < assay_count(y); i++) {
        sum[i] += assay_buffer_get(y, i);
        slack[i] += slack_of(y->dtype, &truth, i);
    }
    return status;
}

/* Products that one run makes. */
static double work_of(const assay_judgement *j)
{
    const double outputs = (double)j->truth.budget.rows * (double)j->truth.budget.columns;
    return j->step->op == ASSAY_OP_linear
               ? outputs * (double)j->base.linear.x.shape[1]
               : (double)j->truth.budget.columns *
                     (double)j->base.sae_decode.codes.latent.shape[0];
}

assay_status assay_check_linearity(assay_judgement *j)
{
    const bool holds = j->step->op == ASSAY_OP_linear || j->step->op == ASSAY_OP_sae_decode;
    const bool normed = j->step->op == ASSAY_OP_sae_decode &&
                        ((const assay_sae_decode_params *)j->step->params)->sae.layer_norm;
    /* of a float64 kernel no truth is known that is finer than itself */
    const assay_precision *const contract = &j->judge->kernel->precision;
    const bool fine = contract->accumulate.bits >= 53;
    /* and halves of a row have scales of their own, and so other operands */
    const bool scaled = contract->operand_scale != ASSAY_SCALE_NONE;
    if (!holds || fine || scaled || normed || biased(j) || j->step->expected != NULL ||
        work_of(j) > ASSAY_SMALL_WORK) {
        return ASSAY_OK;
    }
    const int64_t count = j->truth.budget.rows * j->truth.budget.columns;
    const int64_t *const rows = every_row(j);
    double *const sum = assay_arena_take(j->arena, (size_t)count * 2 * sizeof *sum + 1);
    if (rows == NULL || sum == NULL) {
        return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for the sum of two runs");
    }
    double *const slack = sum + count;
    assay_status status = ASSAY_OK;
    for (int64_t half = 0; half < 2 && status == ASSAY_OK; half++) {
        status = add_half(j, rows, half, sum, slack);
    }
    const assay_tensor *const y = assay_operand_in(&j->first, assay_judged_output(j->step->op));
    for (int64_t i = 0; status == ASSAY_OK && j->result->verdict == ASSAY_PASS && i < count; i++) {
        const double whole = assay_buffer_get(y, i);
        const double allowed = slack[i] + slack_of(y->dtype, &j->truth, i);
        if (isfinite(whole) && isfinite(allowed) && !(fabs(sum[i] - whole) <= allowed)) {
            assay_judgement_fail(j, ASSAY_CHECK_LINEARITY,
                                 "row %lld, column %lld: %.9g, but its input's halves give %.9g "
                                 "(budget %.3g)",
                                 (long long)(i / y->shape[1]), (long long)(i % y->shape[1]), whole,
                                 sum[i], allowed);
        }
    }
    return status;
}
