/* The special functions against closed forms and tabulated values. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/statistics/special.h"

static void near(double got, double expected, double relative, const char *what)
{
    cr_assert(fabs(got - expected) <= relative * fabs(expected), "%s: %.17g, expected %.17g", what,
              got, expected);
}

Test(special, beta_is_the_binomial_sum)
{
    /* I_p(k, n - k + 1) = P(X >= k): summed term by term in long double. */
    for (int n = 1; n <= 60; n += 7) {
        for (double p = 0.03; p < 1.0; p += 0.19) {
            long double term[61];
            term[0] = powl(1.0L - (long double)p, n);
            for (int k = 1; k <= n; k++) {
                term[k] = term[k - 1] * (long double)(n - k + 1) / k * (long double)p /
                          (1.0L - (long double)p);
            }
            long double above = 0.0L; /* P(X >= k), summed from the far end */
            for (int k = n; k > 0; k--) {
                above += term[k];
                near(assay_beta(k, n - k + 1, p), (double)above, 1e-11, "I");
            }
            long double below = 0.0L;
            for (int k = 0; k < n; k++) {
                below += term[k];
                near(assay_binomial((uint64_t)k, (uint64_t)n, p), (double)below, 1e-11, "cdf");
            }
        }
    }
}

Test(special, beta_closed_forms)
{
    for (double x = 0.01; x < 1.0; x += 0.07) {
        near(assay_beta(1.0, 1.0, x), x, 1e-14, "uniform");
        near(assay_beta(0.5, 0.5, x), asin(sqrt(x)) / acos(0.0), 1e-12, "arcsine");
        near(assay_beta(7.0, 1.0, x), pow(x, 7.0), 1e-12, "power");
        near(assay_beta(1.0, 9.0, x), -expm1(9.0 * log1p(-x)), 1e-12, "power");
        near(assay_beta(3.3, 8.1, x) + assay_beta(8.1, 3.3, 1.0 - x), 1.0, 1e-13, "mirror");
        near(assay_beta_quantile(3.3, 8.1, fmin(assay_beta(3.3, 8.1, x), 0.999)),
             fmin(x, assay_beta_quantile(3.3, 8.1, 0.999)), 1e-9, "inverse");
    }
    near(assay_beta(500000.5, 500000.5, 0.5), 0.5, 1e-8, "at a million");
}

/* National Institute of Standards' tables, to the digits printed there and more from their
 * formulas. */
Test(special, tabulated_quantiles)
{
    near(assay_normal_quantile(0.975), 1.959963984540054, 1e-13, "z");
    near(assay_normal_quantile(1e-10), -6.361340902404056, 1e-12, "z");
    near(assay_student_quantile(0.975, 1.0), 12.706204736174698, 1e-10, "t1");
    near(assay_student_quantile(0.975, 2.0), 4.302652729749464, 1e-10, "t2");
    near(assay_student_quantile(0.975, 10.0), 2.2281388519862735, 1e-10, "t10");
    near(assay_student_quantile(0.005, 30.0), -2.749995653567232, 1e-10, "t30");
    near(assay_student_quantile(0.975, 1e6), 1.959966357, 1e-7, "t of many");
    near(assay_student(2.2281388519862735, 10.0), 0.975, 1e-12, "t cdf");
    cr_assert_lt(fabs(assay_normal_quantile(0.5)), 1e-15);
}

Test(special, nonsense_is_nan_never_a_number)
{
    cr_assert(isnan(assay_beta(-1.0, 1.0, 0.5)) && isnan(assay_beta(1.0, 0.0, 0.5)));
    cr_assert(isnan(assay_beta(1.0, 1.0, NAN)) && isnan(assay_beta(1.0, 1.0, 1.5)));
    cr_assert(isnan(assay_beta(NAN, 1.0, 0.5)) && isnan(assay_beta_quantile(1.0, 1.0, NAN)));
    cr_assert(isnan(assay_normal_quantile(-0.1)) && isnan(assay_normal_quantile(NAN)));
    cr_assert(isnan(assay_student(NAN, 3.0)) && isnan(assay_student_quantile(0.5, 0.0)));
    cr_assert(isnan(assay_binomial(1, 2, 1.1)));
    cr_assert_eq(assay_student(INFINITY, 3.0), 1.0);
}
