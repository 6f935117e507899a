/* What the comparators must see, and what they must not mind. */
#include <criterion/criterion.h>
#include <math.h>

#include "verify/buffer.h"
#include "verify/compare.h"

enum { ROWS = 2, COLUMNS = 3, COUNT = ROWS * COLUMNS };

static assay_result compare(float *got, double *expected, double budget_each)
{
    double values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        values[i] = budget_each;
    }
    const assay_budget budget = {.rows = ROWS, .columns = COLUMNS, .value = values};
    const assay_tensor view = assay_matrix(got, ASSAY_F32, ROWS, COLUMNS);
    assay_result result;
    memset(&result, 0, sizeof result);
    assay_compare_elements(&view, expected, &budget, "row", false, &result);
    return result;
}

Test(compare, equal_is_pass_with_nothing_used)
{
    float got[COUNT] = {1, 2, 3, 4, 5, 6};
    double expected[COUNT] = {1, 2, 3, 4, 5, 6};
    const assay_result result = compare(got, expected, 0.0);
    cr_assert_eq(result.verdict, ASSAY_PASS);
    cr_assert_eq(result.budget_used, 0.0);
    cr_assert_float_eq(result.cosine, 1.0, 1e-12);
}

Test(compare, one_element_beyond_its_budget_fails_and_is_named)
{
    float got[COUNT] = {1, 2, 3, 4, 5.25f, 6};
    double expected[COUNT] = {1, 2, 3, 4, 5, 6};
    const assay_result result = compare(got, expected, 0.125);
    cr_assert_eq(result.verdict, ASSAY_FAIL);
    cr_assert_float_eq(result.budget_used, 2.0, 1e-12);
    cr_assert(strstr(result.message, "row 1, column 1") != NULL, "%s", result.message);
}

Test(compare, an_error_of_exactly_the_budget_passes)
{
    float got[COUNT] = {1, 2, 3, 4, 5.25f, 6};
    double expected[COUNT] = {1, 2, 3, 4, 5, 6};
    cr_assert_eq(compare(got, expected, 0.25).verdict, ASSAY_PASS);
}

Test(compare, a_budget_of_zero_admits_no_error)
{
    float got[COUNT] = {1, 2, 3, 4, nextafterf(5.0f, 6.0f), 6};
    double expected[COUNT] = {1, 2, 3, 4, 5, 6};
    cr_assert_eq(compare(got, expected, 0.0).verdict, ASSAY_FAIL);
}

Test(compare, kinds_of_what_is_not_finite_must_agree)
{
    double expected[COUNT] = {1, NAN, INFINITY, -INFINITY, 5, 6};
    float right[COUNT] = {1, -NAN, INFINITY, -INFINITY, 5, 6};
    cr_assert_eq(compare(right, expected, 1.0).verdict, ASSAY_PASS);
    float no_nan[COUNT] = {1, 0, INFINITY, -INFINITY, 5, 6};
    cr_assert_eq(compare(no_nan, expected, 1.0).verdict, ASSAY_FAIL);
    float wrong_sign[COUNT] = {1, NAN, -INFINITY, -INFINITY, 5, 6};
    cr_assert_eq(compare(wrong_sign, expected, 1.0).verdict, ASSAY_FAIL);
    float nan_too_many[COUNT] = {NAN, NAN, INFINITY, -INFINITY, 5, 6};
    cr_assert_eq(compare(nan_too_many, expected, 1e30).verdict, ASSAY_FAIL);
}

Test(compare, what_was_never_written_fails_even_where_a_nan_is_expected)
{
    double expected[COUNT] = {1, 2, 3, 4, NAN, 6};
    float got[COUNT];
    const assay_tensor view = assay_matrix(got, ASSAY_F32, ROWS, COLUMNS);
    assay_buffer_poison(&view);
    for (int i = 0; i < COUNT; i++) {
        if (i != 4) {
            got[i] = (float)expected[i];
        }
    }
    const assay_result result = compare(got, expected, 1.0);
    cr_assert_eq(result.verdict, ASSAY_FAIL);
    cr_assert(strstr(result.message, "never written") != NULL, "%s", result.message);
}

Test(compare, all_zero_shows_nothing)
{
    float got[COUNT] = {0};
    double expected[COUNT] = {0};
    cr_assert_eq(compare(got, expected, 1.0).verdict, ASSAY_VOID);
}

Test(compare, poison_is_told_from_every_other_nan)
{
    const assay_dtype types[] = {ASSAY_F64, ASSAY_F32, ASSAY_BF16, ASSAY_F16};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint64_t memory = 0;
        const assay_tensor view = assay_vector(&memory, types[i], 1);
        assay_buffer_poison(&view);
        cr_assert(assay_buffer_is_poison(&view, 0));
        cr_assert(isnan(assay_buffer_get(&view, 0)));
        assay_put1(&view, 0, NAN);
        cr_assert_not(assay_buffer_is_poison(&view, 0));
    }
}

Test(compare, the_worse_of_two_parts_decides)
{
    assay_result into = {.verdict = ASSAY_PASS, .budget_used = 0.5, .cosine = 1.0};
    const assay_result part = {
        .verdict = ASSAY_FAIL, .budget_used = 2.0, .cosine = 0.5, .message = "why"};
    assay_result_merge(&into, &part);
    cr_assert_eq(into.verdict, ASSAY_FAIL);
    cr_assert_eq(into.budget_used, 2.0);
    cr_assert_str_eq(into.message, "why");
}

Test(compare, lambda_follows_from_the_stated_failure_probability)
{
    /* 2 N exp(-lambda^2/2) is the union bound on N two-sided normal tails. */
    const double lambda = assay_lambda();
    cr_assert_float_eq(2.0 * ASSAY_CAMPAIGN_ELEMENTS * exp(-lambda * lambda / 2.0),
                       ASSAY_CAMPAIGN_FAILURE, 1e-6 * ASSAY_CAMPAIGN_FAILURE);
}

/* Two of six elements inform: enough where one must, not where three must. */
Test(compare, too_few_that_inform_are_void_whatever_was_got)
{
    double expected[COUNT] = {8, 8, 1, 1, 1, 1};
    double values[COUNT] = {2, 2, 2, 2, 2, 2};
    for (int wrong = 0; wrong < 2; wrong++) {
        float got[COUNT] = {8, 8, 1, 1, 1, wrong ? 2.5f : 1};
        const assay_tensor view = assay_matrix(got, ASSAY_F32, ROWS, COLUMNS);
        assay_budget budget = {.rows = ROWS, .columns = COLUMNS, .value = values};
        assay_result result = {.verdict = ASSAY_PASS};
        assay_compare_elements(&view, expected, &budget, "row", false, &result);
        cr_assert_eq(result.verdict, ASSAY_PASS, "%s", result.message);
        cr_assert(assay_elements_decidable(expected, &budget));
        budget.evidence = 3;
        assay_compare_elements(&view, expected, &budget, "row", false, &result);
        cr_assert_eq(result.verdict, ASSAY_VOID);
        cr_assert_not(assay_elements_decidable(expected, &budget));
    }
}

Test(compare, a_budget_of_nan_takes_a_zero_for_the_nan_that_is_expected)
{
    const float tries[] = {NAN, 0.0f, -0.0f, 1e-30f, INFINITY};
    double expected[COUNT] = {1, 2, NAN, 4, 5, 6};
    double values[COUNT] = {0.1, 0.1, NAN, 0.1, 0.1, 0.1};
    for (int i = 0; i < 5; i++) {
        float got[COUNT] = {1, 2, tries[i], 4, 5, 6};
        const assay_tensor view = assay_matrix(got, ASSAY_F32, ROWS, COLUMNS);
        const assay_budget budget = {.rows = ROWS, .columns = COLUMNS, .value = values};
        assay_result result = {.verdict = ASSAY_PASS};
        assay_compare_elements(&view, expected, &budget, "row", false, &result);
        cr_assert_eq(result.verdict, i < 3 ? ASSAY_PASS : ASSAY_FAIL, "%g: %s", tries[i],
                     result.message);
    }
}

Test(compare, an_infinite_budget_takes_anything_and_is_counted_undecided)
{
    float got[COUNT] = {1, 2, NAN, 4, 5, 6};
    double expected[COUNT] = {1, 2, 3, 4, 5, 6};
    double values[COUNT] = {0.1, 0.1, INFINITY, 0.1, 0.1, INFINITY};
    const assay_tensor view = assay_matrix(got, ASSAY_F32, ROWS, COLUMNS);
    const assay_budget budget = {.rows = ROWS, .columns = COLUMNS, .value = values};
    assay_result result = {.verdict = ASSAY_PASS};
    got[2] = 77.0f;
    assay_compare_elements(&view, expected, &budget, "row", false, &result);
    cr_assert_eq(result.verdict, ASSAY_PASS, "%s", result.message);
    cr_assert_eq(result.undecided, 2);
}
