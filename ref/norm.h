/* The layer norm of the OpenAI-style SAEs: z = (x - mean) / (std + 1e-5), std unbiased. Its mean
 * and deviation, and what a kernel may be off by in them. */
#ifndef REF_NORM_H
#define REF_NORM_H

#include "ref/sums.h"

#define REF_NORM_EPS 1e-5

/* Absolute error of the mean: its sum's over d, and the division's rounding.
 * Relative error of std: half that of the sum of squared deviations (its sum's error, 2 u of each
 * square's operand, and d mean_error^2, the deviations' first-order terms cancelling), half of the
 * division's, and the root's. */
typedef struct ref_norm {
    double mean, std;
    double mean_bound, mean_sigma;
    double std_bound, std_sigma; /* relative */
    bool open; /* its sums may leave the working type's range: nothing is known of a kernel's */
} ref_norm;

/* rounding may be NULL: the values only. scratch: [count]. */
ref_norm ref_norm_measure(const double *x, int64_t count, const ref_rounding *rounding,
                          double *scratch);

#endif
