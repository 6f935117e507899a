/* Sums, and what a kernel of a given contract may be off by in one. */
#ifndef REF_SUMS_H
#define REF_SUMS_H

#include "ref/rounding.h"
#include "ref/wide.h"

#include <math.h>

/* lambda of the budgets (oracle.h). Where the worst case of a short sum is below that many sigmas,
 * the worst case is the budget: it needs no statistics. Compilers fold it. */
#define REF_LAMBDA (sqrt(2.0 * log(2.0 * ASSAY_CAMPAIGN_ELEMENTS / ASSAY_CAMPAIGN_FAILURE)))

typedef struct ref_spread {
    double bound; /* never exceeded */
    double sigma; /* standard deviation of the rest */
    double worst; /* of bound and rest together */
    double norm;  /* sqrt(sum t_k^2) */
    double magnitude; /* sum |t_k| */
} ref_spread;

/* Eight interleaved partial sums: a fixed order that the compiler can keep in registers. */
double ref_dot(const double *a, const double *b, int64_t count);
/* dot[n] = ref_dot(a, b + n stride, count) for n < number, sooner than one by one. */
void ref_dots(const double *a, const double *b, int64_t stride, int64_t number, int64_t count,
              double *dot);

/* dot[i dot_stride + n] = ref_dot(a + i a_stride, b + n b_stride, count) for i < rows, n < number:
 * what is loaded of a row serves several sums. */
void ref_dots_rows(const double *a, int64_t a_stride, int64_t rows, const double *b,
                   int64_t b_stride, int64_t number, int64_t count, double *dot,
                   int64_t dot_stride);

/* The error of summing count terms (each a rounded product when the contract rounds products, which
 * it does when a block is one product and twice the operands' bits exceed the accumulator's).
 *
 *   to nearest, bits >= 20   sigma = u sqrt(S + [products] sum t_k^2), S the largest sum of squared
 *                            partial sums over sequential, reversed, 16-lane and pairwise order
 *   truncating or narrow     bound = u (A + [products] sum |t_k|), A the largest sum |s_k| over the
 *                            steps, a bias among them (sums_linear.c)
 *   constant terms           bound = u (sqrt(n S) + [products] sum |t_k|), at least u sum |s_k|
 *   terms of one sign        bound also sum |t_k| over those that are at most 2 u sum |t|
 *   worst case               (n - 1 + [wide]) u sum |t_k|, n the terms that are not zero; wide
 *                            where products do not fit the accumulator; a step more for a bias that
 *                            does not
 *   underflow                n x the floor of the accumulator
 *
 * Each step of a sum adds an independent rounding of at most u|s_k| (Higham and Mary 2019 for the
 * probabilistic form), and u|s_k| overstates its standard deviation by sqrt(3) or more. They are
 * not independent where terms repeat, in runs or alternation (a quarter of them: the same rounding
 * again and again), and not of mean 0 where one-signed terms are below half an ulp of the sum:
 * every one of them is dropped. Products summed exactly in blocks leave fewer steps, which are
 * among those of S: it is kept as it is. A quick rounding leaves out the pairwise order, which is
 * within a small factor of the sequential one: for large cases and for compositions. terms is used
 * as scratch. */
ref_spread ref_sum_spread(double *terms, int64_t count, const ref_rounding *rounding);

/* The same of the terms a_k b_k, and of bias as one more unless NULL, which begins the sum in the
 * accumulator or ends it. scratch: [count + 1]. */
ref_spread ref_dot_spread(const double *a, const double *b, int64_t count, const double *bias,
                          const ref_rounding *rounding, double *scratch);

/* What is counted and summed over the terms of a sum, and the error that follows from it. */
typedef struct ref_sum_facts {
    double used;      /* how many are not zero */
    double magnitude; /* sum |t_k| */
    double norm;      /* sum t_k^2 */
    double square;    /* S */
    double absolute;  /* u A */
    double alike;     /* how many equal the second one after them, zeros apart */
    double lost;      /* terms of one sign so small that a kernel may add none of them */
    double extra;     /* steps that a bias takes besides */
} ref_sum_facts;
ref_spread ref_spread_of(const ref_sum_facts *facts, const ref_rounding *rounding);
/* facts.lost of terms whose magnitudes sum to magnitude, 0 where their signs differ. */
double ref_lost(const double *terms, int64_t count, double magnitude, double u);

/* Four sums at once, term k of sum n at terms[k][n]: what ref_sum_spread gives for each, but for
 * the last bits. scratch: [count]. */
void ref_sum_spreads(ref_wide *terms, int64_t count, const ref_rounding *rounding, double *scratch,
                     ref_spread spread[REF_WIDE]);
/* ref_dot_spread of a with each of four interleaved rows; terms, scratch: [count + 1]. */
void ref_dot_spreads(const double *a, const ref_wide *b, int64_t count, const double *bias,
                     const ref_rounding *rounding, ref_wide *terms, double *scratch,
                     ref_spread spread[REF_WIDE]);
/* to[k][n] = rows[n stride + k] for n < number, else 0. */
void ref_interleave(const double *rows, int64_t stride, int64_t number, int64_t count,
                    ref_wide *to);

/* A case of so many terms takes the quick route (beyond a second or so of work). */
void ref_be_quick(ref_rounding *rounding, int64_t rows, int64_t columns, int64_t depth);

/* A, the largest sum |s_k| over the steps of a truncating or narrow accumulator, which begins or
 * ends with bias (0: there is none). */
double ref_absolute_sums(const double *terms, int64_t count, double bias,
                         const ref_rounding *rounding);

/* Adds errors that are bounded by `linear` in all and spread by `quadrature` to a budget, in the
 * form that is smaller; in the first when only certain bounds are wanted. */
void ref_settle(const ref_rounding *rounding, double linear, double quadrature, double *bound,
                double *sigma);

/* Adds count independent errors whose squares sum to root^2. */
void ref_independent(const ref_rounding *rounding, double root, int64_t count, double *bound,
                     double *sigma);

#endif
