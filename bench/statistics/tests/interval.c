/* Intervals of proportions: tabulated values, exact coverage, corrections of many p values. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/interval.h"
#include "bench/statistics/multiple.h"
#include "bench/statistics/special.h"

static assay_error error;

Test(interval, tabulated)
{
    assay_interval i;
    cr_assert_eq(assay_clopper_pearson(5, 10, 0.95, &i, &error), ASSAY_OK);
    cr_assert_float_eq(i.low, 0.1870860, 1e-7);
    cr_assert_float_eq(i.high, 0.8129140, 1e-7);
    cr_assert_eq(assay_clopper_pearson(0, 10, 0.95, &i, &error), ASSAY_OK);
    cr_assert_eq(i.low, 0.0);
    cr_assert_float_eq(i.high, 0.3084971, 1e-7);
    cr_assert_eq(assay_clopper_pearson(1, 20, 0.95, &i, &error), ASSAY_OK);
    cr_assert_float_eq(i.low, 0.0012651, 1e-7);
    cr_assert_float_eq(i.high, 0.2487328, 1e-7);
    cr_assert_eq(assay_wilson(1, 20, 0.95, &i, &error), ASSAY_OK);
    cr_assert_float_eq(i.low, 0.0088814, 1e-6);
    cr_assert_float_eq(i.high, 0.2361308, 1e-6);
    double upper;
    cr_assert_eq(assay_proportion_upper(0, 1000, 0.95, &upper, &error), ASSAY_OK);
    cr_assert_float_eq(upper, 1.0 - pow(0.05, 1e-3), 1e-15);
    cr_assert(upper < 3.0 / 1000.0 && upper > 2.99 / 1000.0, "the rule of three");
}

/* Whatever the proportion, the exact chance that an interval misses it: never above 5% for Clopper
 * and Pearson, near it on the average for Wilson. */
Test(interval, coverage_is_what_is_promised)
{
    enum { N = 37 };
    assay_interval exact[N + 1];
    assay_interval wilson[N + 1];
    for (uint64_t k = 0; k <= N; k++) {
        cr_assert_eq(assay_clopper_pearson(k, N, 0.95, &exact[k], &error), ASSAY_OK);
        cr_assert_eq(assay_wilson(k, N, 0.95, &wilson[k], &error), ASSAY_OK);
    }
    double sum = 0.0;
    int points = 0;
    for (double p = 0.005; p < 1.0; p += 0.005, points++) {
        double covered = 0.0;
        for (uint64_t k = 0; k <= N; k++) {
            const double mass =
                assay_binomial(k, N, p) - (k > 0 ? assay_binomial(k - 1, N, p) : 0.0);
            covered += exact[k].low <= p && p <= exact[k].high ? mass : 0.0;
            sum += wilson[k].low <= p && p <= wilson[k].high ? mass : 0.0;
        }
        cr_assert_geq(covered, 0.95 - 1e-9, "at p = %g: %g", p, covered);
    }
    cr_assert_float_eq(sum / points, 0.95, 0.01);
}

Test(interval, one_sided_bounds_are_the_two_sided_at_twice_the_tail)
{
    assay_interval both;
    double upper;
    double lower;
    cr_assert_eq(assay_clopper_pearson(7, 900, 0.90, &both, &error), ASSAY_OK);
    cr_assert_eq(assay_proportion_upper(7, 900, 0.95, &upper, &error), ASSAY_OK);
    cr_assert_eq(assay_proportion_lower(7, 900, 0.95, &lower, &error), ASSAY_OK);
    cr_assert_float_eq(upper, both.high, 1e-12);
    cr_assert_float_eq(lower, both.low, 1e-12);
    cr_assert_float_eq(assay_binomial(7, 900, upper), 0.05, 1e-9);
}

Test(interval, nonsense_is_refused)
{
    assay_interval i;
    double bound;
    cr_assert_eq(assay_clopper_pearson(1, 0, 0.95, &i, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_clopper_pearson(2, 1, 0.95, &i, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_wilson(1, 2, NAN, &i, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_proportion_upper(0, 2, 1.0, &bound, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_clopper_pearson(0, UINT64_MAX, 0.95, &i, &error), ASSAY_OK);
}

/* statsmodels' multipletests and R's p.adjust give these. */
Test(multiple, corrections_of_a_known_list)
{
    const double p[] = {0.041, 0.001, 0.039, 0.008, 0.042, 0.205, 0.074, 0.06};
    const double bh[] = {0.0672, 0.008, 0.0672, 0.032, 0.0672, 0.205, 0.592 / 7.0, 0.08};
    double out[8];
    cr_assert_eq(assay_correct(p, 8, ASSAY_BENJAMINI_HOCHBERG, out, &error), ASSAY_OK);
    for (int i = 0; i < 8; i++) {
        cr_assert_float_eq(out[i], bh[i], 1e-12, "%d: %g, expected %g", i, out[i], bh[i]);
    }
    const double harmonic = 761.0 / 280.0; /* 1 + 1/2 + ... + 1/8 */
    cr_assert_eq(assay_correct(p, 8, ASSAY_BENJAMINI_YEKUTIELI, out, &error), ASSAY_OK);
    cr_assert_float_eq(out[1], 0.008 * harmonic, 1e-12);
    cr_assert_float_eq(out[5], fmin(1.0, 0.205 * harmonic), 1e-12);
}

Test(multiple, in_place_and_nonsense)
{
    double p[] = {0.5, 0.01, 1.0};
    cr_assert_eq(assay_correct(p, 3, ASSAY_BENJAMINI_HOCHBERG, p, &error), ASSAY_OK);
    cr_assert_float_eq(p[1], 0.03, 1e-15);
    cr_assert_eq(p[2], 1.0);
    p[0] = NAN;
    cr_assert_eq(assay_correct(p, 3, ASSAY_BENJAMINI_HOCHBERG, p, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_eq(assay_correct(p, 0, ASSAY_BENJAMINI_HOCHBERG, p, &error), ASSAY_BAD_ARGUMENT);
}
