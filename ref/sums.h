/* Sums, and what a kernel of a given contract may be off by in one. */
#ifndef REF_SUMS_H
#define REF_SUMS_H

#include "ref/rounding.h"

/* The least lambda a campaign uses. Where the worst case of a short sum is below that many standard
 * deviations, the worst case is the budget: it needs no statistics. Either is valid, so nothing is
 * tuned by this number. */
#define REF_LAMBDA 9.0

typedef struct ref_spread {
    double bound; /* never exceeded */
    double sigma; /* standard deviation of the rest */
    double worst; /* of bound and rest together */
    double norm;  /* sqrt(sum t_k^2) */
} ref_spread;

/* Eight interleaved partial sums: a fixed order that the compiler can keep in registers. */
double ref_dot(const double *a, const double *b, int64_t count);

/* The error of summing count terms (each a rounded product when the contract rounds products).
 *
 *   to nearest, bits >= 20   sigma = u sqrt(S + [products] sum t_k^2), S the largest sum of squared
 *                            partial sums over sequential, reversed, 16-lane and pairwise order
 *   truncating or narrow     bound = u (sqrt(n S) + sum |t_k|), which is at least u sum |s_k|
 *   worst case               (n - 1 + [products]) u sum |t_k|, n the terms that are not zero
 *   underflow                n x the floor of a product
 *
 * Each step of a sum adds an independent rounding of at most u|s_k| (Higham and Mary 2019 for the
 * probabilistic form), and u|s_k| overstates its standard deviation by sqrt(3) or more. A block of
 * products that is summed exactly only removes steps, so it is not counted.
 * quick leaves out the pairwise order, which is within a small factor of the sequential one: for
 * large cases. terms is used as scratch. */
ref_spread ref_sum_spread(double *terms, int64_t count, const ref_rounding *rounding, bool quick);

/* The same of the terms a_k b_k, and of bias as one more unless NULL. scratch: [count + 1]. */
ref_spread ref_dot_spread(const double *a, const double *b, int64_t count, const double *bias,
                          const ref_rounding *rounding, bool quick, double *scratch);

/* Whether a case of that many terms takes the quick route (a second or so of work). */
bool ref_quick(int64_t rows, int64_t columns, int64_t depth);

/* Adds errors that are bounded by `linear` in all and spread by `quadrature` to a budget, in the
 * form that is smaller. */
void ref_settle(double linear, double quadrature, double *bound, double *sigma);

#endif
