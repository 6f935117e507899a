#include "bench/statistics/special.h"

#include <math.h>
#include <stdbool.h>

enum {
    FRACTION_TERMS = 100000, /* about the square root of the larger of a and b are needed */
    HALVINGS = 400           /* down to 1e-100 and then to the last bit */
};

static double log_gamma(double x)
{
    int sign = 0; /* lgamma's own is a global */
    return lgamma_r(x, &sign);
}

/* The continued fraction 1/(1 + d1/(1 + d2/(1 + ...))) of DLMF 8.17.22. */
static double fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1.0;
    double d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int term = 1; term < FRACTION_TERMS; term++) {
        const double m = term;
        for (int odd = 0; odd < 2; odd++) {
            const double e = odd == 0 ? m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
                                      : -(a + m) * (a + b + m) * x /
                                            ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
            d = 1.0 + e * d;
            d = 1.0 / (fabs(d) < tiny ? tiny : d);
            c = 1.0 + e / c;
            c = fabs(c) < tiny ? tiny : c;
            value *= c * d;
        }
        if (fabs(c * d - 1.0) < 1e-16) {
            break;
        }
    }
    return value;
}

double assay_beta(double a, double b, double x)
{
    if (!(a > 0.0 && b > 0.0 && x >= 0.0 && x <= 1.0)) {
        return NAN;
    }
    if (x == 0.0 || x == 1.0) {
        return x;
    }
    const double front = exp(a * log(x) + b * log1p(-x) + log_gamma(a + b) - log_gamma(a) -
                             log_gamma(b));
    const double value = x < (a + 1.0) / (a + b + 2.0) ? front * fraction(a, b, x) / a
                                                       : 1.0 - front * fraction(b, a, 1.0 - x) / b;
    return fmin(fmax(value, 0.0), 1.0);
}

double assay_beta_quantile(double a, double b, double p)
{
    if (!(a > 0.0 && b > 0.0 && p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    double low = 0.0;
    double high = 1.0;
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) {
            break;
        }
        if (assay_beta(a, b, middle) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return p == 0.0 ? 0.0 : high;
}

double assay_binomial(uint64_t successes, uint64_t trials, double p)
{
    if (!(p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    if (successes >= trials) {
        return 1.0;
    }
    return assay_beta((double)(trials - successes), (double)successes + 1.0, 1.0 - p);
}

double assay_normal(double z)
{
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

/* Halving keeps the relative precision of small tails, which differences would lose: the lower half
 * is solved and the upper mirrored. */
double assay_normal_quantile(double p)
{
    if (!(p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    if (p == 0.0 || p == 1.0) {
        return p == 0.0 ? -INFINITY : INFINITY;
    }
    if (p > 0.5) {
        return -assay_normal_quantile(1.0 - p);
    }
    double low = -40.0;
    double high = 0.0;
    for (int i = 0; i < 80; i++) {
        const double middle = 0.5 * (low + high);
        if (assay_normal(middle) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return 0.5 * (low + high);
}

double assay_student(double t, double freedom)
{
    if (isnan(t) || !(freedom > 0.0)) {
        return NAN;
    }
    const double square = t * t;
    const double x = isinf(square) ? 0.0 : freedom / (freedom + square);
    const double tail = 0.5 * assay_beta(0.5 * freedom, 0.5, x);
    return t < 0.0 ? tail : 1.0 - tail;
}

double assay_student_quantile(double p, double freedom)
{
    if (!(p >= 0.0 && p <= 1.0 && freedom > 0.0)) {
        return NAN;
    }
    const bool upper = p > 0.5;
    const double x = assay_beta_quantile(0.5 * freedom, 0.5, 2.0 * (upper ? 1.0 - p : p));
    const double t = sqrt(freedom * (1.0 - x) / x); /* x = 0 gives infinity, as it must */
    return upper ? t : -t;
}
