/* Draws judged by their margins: what the oracle draws from logits within the budget is never
 * wrong, what it does not draw from exact ones always is. */
#include <criterion/criterion.h>
#include <math.h>

#include "ref/oracle.h"
#include "verify/draw.h"

enum { VOCAB = 96, ROWS = 200 };

static const assay_precision contract = {.accumulate = {.bits = 24, .block = 1},
                                         .intermediate = ASSAY_F32,
                                         .output = ASSAY_F32};

static const assay_sample_params ways[] = {{0.7, 0, 1.0, 5}, {1.3, 8, 1.0, 5},
                                           {2.0, 0, 0.6, 5}, {1.7, 40, 0.8, 5},
                                           {0.3, 1, 0.5, 5}};

/* Logits of row n: distinct, some close together, some equal. */
static void fill(double *logits, uint64_t n)
{
    for (int64_t v = 0; v < VOCAB; v++) {
        logits[v] = 6.0 * assay_philox_uniform(77, n, (uint64_t)v);
    }
    logits[5] = logits[4];
    logits[40] = logits[41] + 1e-3;
}

static int64_t drawn(const assay_sample_params *params, const double *logits, double uniform)
{
    double row[VOCAB];
    int32_t token = -2;
    memcpy(row, logits, sizeof row);
    const assay_sample_io io = {.logits = assay_matrix(row, ASSAY_F64, 1, VOCAB),
                                .uniform = assay_vector(&uniform, ASSAY_F64, 1),
                                .token = assay_vector(&token, ASSAY_I32, 1)};
    cr_assert_eq(assay_ref_sample(params, &io, NULL, NULL, NULL), ASSAY_OK);
    return token;
}

static assay_draw make(const assay_sample_params *params, const double *logits, double budget,
                       double uniform, assay_arena *arena)
{
    assay_draw draw;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_draw_make(params, &contract, logits, budget, VOCAB, uniform, arena, &draw,
                                 &error), ASSAY_OK, "%s", error.message);
    return draw;
}

Test(draw, what_logits_within_the_budget_give_is_never_wrong)
{
    static const double budgets[] = {0.0, 1e-4, 0.02, 0.4};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        for (uint64_t n = 0; n < ROWS; n++) {
            const double budget = budgets[n % 4];
            const double uniform = assay_philox_uniform(3, n, w);
            assay_arena arena = {0};
            double truth[VOCAB];
            double moved[VOCAB];
            fill(truth, n);
            for (int64_t v = 0; v < VOCAB; v++) {
                moved[v] = truth[v] +
                           budget * (2.0 * assay_philox_uniform(9, n, (uint64_t)v) - 1.0);
            }
            const assay_draw draw = make(&ways[w], truth, budget, uniform, &arena);
            cr_expect_neq(assay_draw_judge(&draw, drawn(&ways[w], moved, uniform)),
                          ASSAY_DRAWN_WRONG, "way %zu, row %d", w, (int)n);
            assay_arena_free(&arena);
        }
    }
}

Test(draw, one_token_of_exact_logits_is_right_and_every_other_is_wrong)
{
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        int open = 0;
        for (uint64_t n = 0; n < ROWS; n++) {
            const double uniform = assay_philox_uniform(4, n, w);
            assay_arena arena = {0};
            double logits[VOCAB];
            fill(logits, n);
            const assay_draw draw = make(&ways[w], logits, 0.0, uniform, &arena);
            const int64_t token = drawn(&ways[w], logits, uniform);
            const bool decided = assay_draw_judge(&draw, token) == ASSAY_DRAWN_RIGHT;
            open += decided ? 0 : 1;
            for (int64_t v = -1; v <= VOCAB && decided; v++) {
                cr_expect(v == token || assay_draw_judge(&draw, v) == ASSAY_DRAWN_WRONG,
                          "way %zu, row %d: token %d beside %d", w, (int)n, (int)v, (int)token);
            }
            assay_arena_free(&arena);
        }
        cr_expect_leq(open, ROWS / 20, "way %zu: %d", w, open);
    }
}

Test(draw, nothing_is_decided_where_the_budget_is_beyond_all_bounds)
{
    assay_arena arena = {0};
    double logits[VOCAB];
    fill(logits, 1);
    const assay_draw draw = make(&ways[0], logits, INFINITY, 0.5, &arena);
    cr_expect_eq(assay_draw_judge(&draw, 3), ASSAY_DRAWN_OPEN);
    cr_expect_eq(assay_draw_judge(&draw, -1), ASSAY_DRAWN_WRONG);
    assay_arena_free(&arena);
}
