#include "ref/norm.h"

#include "ref/reach.h"

#include <math.h>

ref_norm ref_norm_measure(const double *x, int64_t count, const ref_rounding *rounding,
                          double *scratch)
{
    ref_norm norm = {0};
    const double d = (double)count;
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++) {
        sum += x[k];
    }
    norm.mean = sum / d;
    double squares = 0.0;
    for (int64_t k = 0; k < count; k++) {
        squares += (x[k] - norm.mean) * (x[k] - norm.mean);
    }
    norm.std = sqrt(squares / (d - 1.0));
    if (rounding == NULL) {
        return norm;
    }
    for (int64_t k = 0; k < count; k++) {
        scratch[k] = x[k];
    }
    const int bits = assay_dtype_bits(rounding->work);
    const ref_rounding plain = ref_rounding_of_terms(rounding, bits);
    const ref_spread mean = ref_sum_spread(scratch, count, &plain);
    norm.open = isfinite(norm.std) && ref_reach_near(rounding, mean.magnitude, count);
    const double u = rounding->u_work;
    norm.mean_bound = mean.bound / d + u * fabs(norm.mean);
    norm.mean_sigma = mean.sigma / d;
    for (int64_t k = 0; k < count; k++) {
        scratch[k] = (x[k] - norm.mean) * (x[k] - norm.mean);
    }
    const ref_rounding products = ref_rounding_of_terms(rounding, 2 * bits);
    const ref_spread square = ref_sum_spread(scratch, count, &products);
    norm.open = norm.open || (isfinite(norm.std) &&
                              ref_reach_near(rounding, square.magnitude, count));
    const double off = norm.mean_bound + REF_LAMBDA * norm.mean_sigma;
    if (squares > 0.0) {
        norm.std_bound = 0.5 * (square.bound + d * off * off) / squares + 1.5 * u +
                         rounding->u_function;
        norm.std_sigma = 0.5 * square.sigma / squares;
    }
    return norm;
}
