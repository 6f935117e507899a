/* The few distributions the statistics need, in double. Arguments out of range give NaN.
 *
 * The regularised incomplete beta function is DLMF 8.17.22 (https://dlmf.nist.gov/8.17#v), the
 * continued fraction evaluated by Lentz's method on the side where it converges fast (x below the
 * mean; the other side by 8.17.4). Its error is that of lgamma: below 1e-12 relative at a, b of
 * some hundreds, 1e-8 at a million. Quantiles are found by halving, so they are as good as the
 * function they invert. */
#ifndef BENCH_STATISTICS_SPECIAL_H
#define BENCH_STATISTICS_SPECIAL_H

#include <stdint.h>

/* I_x(a, b), for a, b > 0 and x in [0, 1]. */
double assay_beta(double a, double b, double x);
/* The x with I_x(a, b) = p. */
double assay_beta_quantile(double a, double b, double p);

/* P(X <= successes) of a binomial of `trials` and probability p. */
double assay_binomial(uint64_t successes, uint64_t trials, double p);

double assay_normal(double z);
double assay_normal_quantile(double p);
/* Student's t with `freedom` > 0 degrees of freedom. */
double assay_student(double t, double freedom);
double assay_student_quantile(double p, double freedom);

#endif
