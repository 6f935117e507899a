/* Exact cases: certified where every sum is a number of the contract's own types, and nowhere else.
 */
#include <criterion/criterion.h>

#include "verify/exact.h"
#include "verify/step_truth.h"

enum { N = 2, K = 8, O = 3 };

static const assay_precision f32 = {.multiply = ASSAY_F32,
                                    .accumulate = {.bits = 24, .block = 1},
                                    .intermediate = ASSAY_F32,
                                    .output = ASSAY_F32};

typedef struct product {
    float x[N * K], weight[O * K];
    assay_linear_params params;
    assay_any_io io;
    assay_step step;
    assay_arena arena;
    assay_step_truth truth;
} product;

static void build(product *p, float each_x, float each_weight, const assay_precision *contract)
{
    assay_error error = {.message = ""};
    assay_result result = {.verdict = ASSAY_PASS};
    memset(p, 0, sizeof *p);
    for (int i = 0; i < N * K; i++) {
        p->x[i] = (float)(i % 3 - 1) * each_x;
    }
    for (int i = 0; i < O * K; i++) {
        p->weight[i] = (float)(i % 5 - 2) * each_weight;
    }
    p->params.weight = assay_matrix(p->weight, ASSAY_F32, O, K);
    p->io.linear.x = assay_matrix(p->x, ASSAY_F32, N, K);
    p->io.linear.y = assay_matrix(NULL, contract->output, N, O);
    p->step = (assay_step){.op = ASSAY_OP_linear, .params = &p->params, .io = &p->io};
    cr_assert_eq(assay_step_truth_make(contract, &p->step, &p->io, &p->arena, &p->truth, &result,
                                       &error),
                 ASSAY_OK, "%s", error.message);
}

static int exact_elements(const product *p)
{
    int count = 0;
    for (int i = 0; i < N * O; i++) {
        count += p->truth.budget.value[i] == 0.0;
    }
    return count;
}

Test(exact, small_integers_are_certified_and_halves_too)
{
    product p;
    build(&p, 1.0f, 1.0f, &f32);
    cr_assert_eq(exact_elements(&p), N * O);
    assay_arena_free(&p.arena);
    build(&p, 0.5f, 0.25f, &f32);
    cr_assert_eq(exact_elements(&p), N * O);
    assay_arena_free(&p.arena);
}

Test(exact, numbers_with_many_digits_are_not)
{
    product p;
    build(&p, 1.1f, 1.0f, &f32);
    cr_assert_eq(exact_elements(&p), 0);
    assay_arena_free(&p.arena);
}

Test(exact, sums_that_do_not_fit_the_accumulator_are_not)
{
    product p;
    assay_precision narrow = f32;
    narrow.accumulate.bits = 5; /* sums reach 16 and more */
    build(&p, 7.0f, 9.0f, &narrow);
    cr_assert_eq(exact_elements(&p), 0);
    assay_arena_free(&p.arena);
}

Test(exact, operands_that_the_multiplier_rounds_are_not)
{
    product p;
    assay_precision bf16 = f32;
    bf16.multiply = ASSAY_BF16;
    build(&p, 257.0f, 1.0f, &bf16); /* nine bits */
    cr_assert_eq(exact_elements(&p), 0);
    assay_arena_free(&p.arena);
    build(&p, 255.0f, 1.0f, &bf16);
    cr_assert_eq(exact_elements(&p), N * O);
    assay_arena_free(&p.arena);
}

Test(exact, rows_scaled_by_powers_of_two_are_and_others_are_not)
{
    product p;
    assay_precision scaled = f32;
    scaled.multiply = ASSAY_E4M3;
    scaled.operand_scale = ASSAY_SCALE_ROW_POWER;
    build(&p, 7.0f, 9.0f, &scaled);
    cr_assert_eq(exact_elements(&p), N * O);
    assay_arena_free(&p.arena);
    build(&p, 17.0f, 1.0f, &scaled); /* five bits */
    cr_assert_eq(exact_elements(&p), 0);
    assay_arena_free(&p.arena);
    scaled.operand_scale = ASSAY_SCALE_ROW;
    build(&p, 7.0f, 9.0f, &scaled);
    cr_assert_eq(exact_elements(&p), 0);
    assay_arena_free(&p.arena);
    scaled.multiply = ASSAY_I8;
    scaled.operand_scale = ASSAY_SCALE_ROW_POWER;
    build(&p, 0.3f, 1.0f, &scaled);
    cr_assert_eq(exact_elements(&p), 0);
    assay_arena_free(&p.arena);
}

Test(exact, the_expectation_is_rounded_once_to_the_output)
{
    product p;
    assay_precision out = f32;
    out.output = ASSAY_BF16;
    build(&p, 33.0f, 17.0f, &out); /* multiples of 561: ten bits */
    cr_assert_eq(exact_elements(&p), N * O);
    for (int i = 0; i < N * O; i++) {
        cr_assert_eq(p.truth.expected[i], assay_round_to(ASSAY_BF16, p.truth.expected[i]));
    }
    assay_arena_free(&p.arena);
}

Test(exact, a_correctly_rounded_result_passes_and_its_neighbour_fails)
{
    product p;
    float got[N * O];
    build(&p, 1.0f, 1.0f, &f32);
    assay_result result = {.verdict = ASSAY_PASS};
    for (int i = 0; i < N * O; i++) {
        got[i] = (float)p.truth.expected[i];
    }
    const assay_tensor y = assay_matrix(got, ASSAY_F32, N, O);
    assay_compare_elements(&y, p.truth.expected, &p.truth.budget, "row", false, &result);
    cr_assert_eq(result.verdict, ASSAY_PASS, "%s", result.message);
    got[4] += (float)assay_spacing(ASSAY_F32, got[4]);
    assay_compare_elements(&y, p.truth.expected, &p.truth.budget, "row", false, &result);
    cr_assert_eq(result.verdict, ASSAY_FAIL);
    cr_assert_eq(result.check, ASSAY_CHECK_EXACT);
    assay_arena_free(&p.arena);
}
