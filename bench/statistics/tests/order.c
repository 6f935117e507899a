/* Order statistics against sorting, and against the definitions written out. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/order.h"

enum { MOST = 120 };

/* Lists with many ties (few levels), none, constants and exact opposites. */
static size_t draw(assay_draws *draws, double *values)
{
    const size_t count = 1 + assay_draws_below(draws, MOST);
    const size_t levels = (size_t[]){1, 2, 5, 1000000}[assay_draws_below(draws, 4)];
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)assay_draws_below(draws, levels) - (double)(levels / 2);
    }
    return count;
}

Test(order, selection_is_sorting)
{
    assay_draws draws = assay_draws_of(11, 0);
    double values[MOST];
    double copy[MOST];
    for (int repeat = 0; repeat < 3000; repeat++) {
        const size_t count = draw(&draws, values);
        double *const sorted = assay_sorted_copy(values, count);
        const size_t rank = assay_draws_below(&draws, count);
        for (size_t i = 0; i < count; i++) {
            copy[i] = values[i];
        }
        cr_assert_eq(assay_select(copy, count, rank), sorted[rank]);
        for (size_t i = 0; i < count; i++) {
            cr_assert(i < rank ? copy[i] <= sorted[rank] : copy[i] >= sorted[rank]);
        }
        cr_assert_eq(assay_median_reorder(values, count), assay_median_sorted(sorted, count));
        free(sorted);
    }
}

Test(order, mad_and_hodges_lehmann_are_their_definitions)
{
    assay_draws draws = assay_draws_of(12, 0);
    double values[MOST];
    static double all[MOST * (MOST + 1) / 2];
    for (int repeat = 0; repeat < 2000; repeat++) {
        const size_t count = draw(&draws, values);
        assay_sort(values, count);
        const double centre = values[assay_draws_below(&draws, count)] + 0.25;
        for (size_t i = 0; i < count; i++) {
            all[i] = fabs(values[i] - centre);
        }
        const double mad = assay_mad_sorted(values, count, centre);
        cr_assert_eq(mad, assay_median_reorder(all, count));
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            for (size_t j = i; j < count; j++) {
                all[used++] = 0.5 * (values[i] + values[j]);
            }
        }
        const double expected = assay_median_reorder(all, used);
        const double got = assay_hodges_lehmann_sorted(values, count);
        cr_assert_float_eq(got, expected, 1e-9 * (1.0 + fabs(expected)),
                           "%zu: %.15g, expected %.15g", count, got, expected);
    }
}

Test(order, quantiles_are_of_type_7)
{
    const double x[] = {1.0, 2.0, 4.0, 8.0, 16.0};
    cr_assert_eq(assay_quantile_sorted(x, 5, 0.0), 1.0);
    cr_assert_eq(assay_quantile_sorted(x, 5, 0.5), 4.0);
    cr_assert_eq(assay_quantile_sorted(x, 5, 1.0), 16.0);
    cr_assert_float_eq(assay_quantile_sorted(x, 5, 0.99), 15.68, 1e-12);
    cr_assert_float_eq(assay_quantile_sorted(x, 5, 0.3), 2.4, 1e-12);
    cr_assert_eq(assay_quantile_sorted(x, 1, 0.7), 1.0);
    const double wide[] = {-1e308, 1e308};
    cr_assert_float_eq(assay_quantile_sorted(wide, 2, 0.5), 0.0, 1e300);
}

Test(order, ranks_of_the_median_as_tabulated)
{
    /* David and Nagaraja's table for 95%: n, rank. */
    static const size_t table[][2] = {{1, 0},  {5, 0},  {6, 1},   {8, 1},   {9, 2},    {10, 2},
                                      {11, 2}, {12, 3}, {15, 4},  {17, 5},  {20, 6},   {25, 8},
                                      {30, 10}, {40, 14}, {50, 18}, {100, 40}, {1000, 469}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        cr_assert_eq(assay_median_rank(table[i][0], 0.95), table[i][1], "n = %zu: rank %zu",
                     table[i][0], assay_median_rank(table[i][0], 0.95));
    }
    /* n/2 - 0.98 sqrt(n), to within one */
    cr_assert_float_eq((double)assay_median_rank(1000000, 0.95), 500000.0 - 980.0, 1.5);
    cr_assert_eq(assay_median_rank(6, 1.0 - 0x1p-5), 1, "exactly the confidence is enough");
    cr_assert_eq(assay_median_rank(7, 0.99), 0);
    cr_assert_eq(assay_median_rank(8, 0.99), 1);
}

Test(order, what_is_not_finite_is_named)
{
    assay_error error;
    double x[] = {1.0, NAN, 2.0};
    cr_assert_eq(assay_check_finite(x, 3, "samples", &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message,
                     "samples: number 1 is nan; only finite numbers can be summarised");
    x[1] = -INFINITY;
    cr_assert_eq(assay_check_finite(x, 3, "samples", &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_check_finite(x, 1, "samples", &error), ASSAY_OK);
    cr_assert_eq(assay_check_finite(x, 0, "samples", &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_check_finite(NULL, 0, "samples", NULL), ASSAY_BAD_ARGUMENT);
}
