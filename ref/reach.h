/* Sums whose partial sums may leave the accumulator's range: +3e38 + 3e38 - 3e38 is 3e38, Inf or
 * (with one more -Inf on the way) NaN by the order in which it is taken.
 *
 * In a free order every partial sum is that of some subset of the terms, so none exceeds the sum P
 * of the positive ones nor falls below that of the negative ones, -N; some order reaches either.
 * A sequential order has known partial sums: its largest, smallest, and its largest products.
 * Roundings move a partial sum by at most u (n + 1) sum |t|. The range is the working type's
 * (precision.h: f32's up to 24 bits).
 *   y NaN            every order gives NaN: a term is, or infinite terms of both signs are met
 *   y = +Inf         other orders give NaN where N reaches the range
 *   y finite         open where P or N reaches the range; but a y beyond the range itself is
 *                    infinite in any order, unless the other side reaches it too
 * An open element is left unjudged (ref_model_open): any value may be right. */
#ifndef REF_REACH_H
#define REF_REACH_H

#include <float.h>
#include <math.h>

#include "ref/rounding.h"

/* y = (sum_k a_k b_k + before) scale + after, scale and summands applied anywhere on the way. */
typedef struct ref_sum {
    const double *a, *b; /* [count] */
    int64_t count;
    double magnitude; /* sum |a_k b_k|, or NaN */
    double before, scale, after;
} ref_sum;

/* Whether orders differ. Cheap where magnitudes are far below the range. */
bool ref_sum_leaves(const ref_rounding *rounding, const ref_sum *sum, double y);

/* Whether a sum of count terms whose magnitudes add up to that may reach the range at all. Those
 * that are infinite or NaN may. */
static inline bool ref_reach_near(const ref_rounding *rounding, double magnitude, int64_t count)
{
    const double off = 1.0 + (double)(count + 3) * rounding->u_sum;
    return !(magnitude * off < fmin(rounding->work_limit, DBL_MAX));
}

/* Whether orders differ for a kernel that multiplies the integers of quantised weights themselves,
 * and scales sums: |q| < 2^bits. */
bool ref_sum_quantised_leaves(const ref_rounding *rounding, const double *x, int64_t count,
                              double y);

#endif
