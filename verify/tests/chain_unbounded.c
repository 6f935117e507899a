/* A chain with elements that no bound holds for: they are undecided whatever was got, the others
 * are judged as ever, and a chain of nothing else is VOID. What must overflow in any order is no
 * such element. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/registry.h"
#include "verify/chain_case.h"

enum { ROWS = 3, DEPTH = 32, COLUMNS = 16 };

/* y = x W^T. */
typedef struct one_linear {
    double x[ROWS * DEPTH], weight[COLUMNS * DEPTH];
    assay_chain_output output;
    assay_chain chain;
} one_linear;

static assay_status run_one(const void *context, assay_chain_pass *pass)
{
    one_linear *const one = *(one_linear *const *)context;
    const int64_t rows = ROWS * pass->replicas;
    double *const x = malloc((size_t)rows * DEPTH * sizeof *x);
    double *const y = malloc((size_t)rows * COLUMNS * sizeof *y);
    for (int64_t r = 0; r < pass->replicas; r++) {
        memcpy(x + r * ROWS * DEPTH, one->x, sizeof one->x);
    }
    const assay_linear_params params = {
        .weight = assay_matrix(one->weight, ASSAY_F64, COLUMNS, DEPTH)};
    const assay_linear_io io = {.x = assay_matrix(x, ASSAY_F64, rows, DEPTH),
                                .y = assay_matrix(y, ASSAY_F64, rows, COLUMNS)};
    const assay_status status =
        pass->table->kernel[ASSAY_OP_linear]->run.linear.run(&pass->exec, &params, NULL, &io);
    if (status == ASSAY_OK) {
        assay_chain_tap(pass, 0, &io.y, NULL, ROWS, 0);
    }
    free(x);
    free(y);
    return status;
}

/* Rows from `first` on are so great that their sums leave f32 (not f64). Where all terms have one
 * sign, every order ends at infinity; with one negative term among them it need not. */
static void make_one(one_linear *one, one_linear **handle, int64_t first, bool mixed)
{
    memset(one, 0, sizeof *one);
    *handle = one;
    for (int64_t i = 0; i < ROWS * DEPTH; i++) {
        one->x[i] = assay_philox_uniform(5, 1, (uint64_t)i) + 0.5;
        one->x[i] *= i / DEPTH >= first ? 0x1p126 : 1.0;
    }
    for (int64_t i = 0; i < COLUMNS * DEPTH; i++) {
        const double sign = mixed && i % DEPTH == 0 ? -1.0 : 1.0;
        one->weight[i] = sign * (assay_philox_uniform(5, 2, (uint64_t)i) + 0.5);
    }
    one->output = (assay_chain_output){"y", ROWS, COLUMNS};
    one->chain = (assay_chain){.run = run_one,
                               .context = handle,
                               .key = "one linear",
                               .output = &one->output,
                               .output_count = 1,
                               .seed = 3,
                               .bytes = 1.0};
}

/* Judges what was got in f32, the truth with one element of a row moved by `fault` of itself. */
static assay_result judge(int64_t first_great, bool mixed, int64_t row, double fault)
{
    static one_linear one;
    one_linear *handle = NULL;
    assay_table scalar;
    assay_scales *scales = NULL;
    assay_arena arena = {0};
    assay_budget budget;
    double truth[ROWS * COLUMNS];
    float got[ROWS * COLUMNS];
    double *const into[1] = {truth};
    assay_result result = {.verdict = ASSAY_PASS};
    make_one(&one, &handle, first_great, mixed);
    cr_assert_eq(assay_table_find("scalar", &scalar, NULL), ASSAY_OK);
    cr_assert_eq(assay_scales_open(NULL, &scales, NULL), ASSAY_OK);
    cr_assert_eq(assay_chain_truth(&one.chain, NULL, into, NULL), ASSAY_OK);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
        cr_assert(isfinite(truth[i]));
        got[i] = fabs(truth[i]) > 0x1p127 ? (float)INFINITY : (float)truth[i];
    }
    got[row * COLUMNS + 5] *= (float)(1.0 + fault);
    assay_chain_case chain_case = {.chain = &one.chain, .given = truth, .arena = &arena,
                                   .scales = scales};
    cr_assert_eq(assay_chain_case_budget(&chain_case, &scalar, &budget, NULL), ASSAY_OK);
    const assay_tensor view = assay_matrix(got, ASSAY_F32, ROWS, COLUMNS);
    assay_compare_elements(&view, chain_case.expected, &budget, "row", false, &result);
    assay_arena_free(&arena);
    assay_scales_close(&scales);
    return result;
}

Test(chain_unbounded, all_is_decided_where_all_is_bounded)
{
    const assay_result right = judge(ROWS, false, 0, 0.0);
    cr_expect_eq(right.verdict, ASSAY_PASS, "%s", right.message);
    cr_expect_eq(right.undecided, 0);
    cr_expect_eq(judge(ROWS, false, 2, 1e-3).verdict, ASSAY_FAIL);
}

Test(chain_unbounded, what_may_overflow_is_undecided_and_the_rest_is_judged)
{
    const assay_result right = judge(2, true, 0, 0.0);
    cr_expect_eq(right.verdict, ASSAY_PASS, "%s", right.message);
    cr_expect_eq(right.undecided, COLUMNS);
    cr_expect_eq(judge(2, true, 2, -2.0).verdict, ASSAY_PASS,
                 "an undecided element was held to a bound");
    cr_expect_eq(judge(2, true, 1, 1e-3).verdict, ASSAY_FAIL);
}

Test(chain_unbounded, a_chain_of_nothing_else_is_void)
{
    const assay_result nothing = judge(0, true, 0, 0.0);
    cr_expect_eq(nothing.verdict, ASSAY_VOID);
    cr_expect_eq(nothing.undecided, ROWS * COLUMNS);
    cr_expect_not_null(strstr(nothing.message, "nothing was shown"), "%s", nothing.message);
}

Test(chain_unbounded, what_must_overflow_is_decided)
{
    const assay_result right = judge(2, false, 0, 0.0);
    cr_expect_eq(right.verdict, ASSAY_PASS, "%s", right.message);
    cr_expect_eq(right.undecided, 0);
    cr_expect_eq(judge(2, false, 2, -2.0).verdict, ASSAY_FAIL, "-Inf for Inf");
}
