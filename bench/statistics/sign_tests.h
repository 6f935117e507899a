/* Exact tests that differences are symmetric about zero. Two-sided; differences of exactly zero say
 * nothing and are left out. Neither goes below 2^(1 - n) for n differences. */
#ifndef BENCH_STATISTICS_SIGN_TESTS_H
#define BENCH_STATISTICS_SIGN_TESTS_H

#include <stddef.h>

#include "assay/status.h"

/* The binomial of the signs. 1 when nothing is left. */
double assay_sign_test(const double *differences, size_t count);

/* Wilcoxon's signed ranks (1945), ties sharing their mean rank; the exact distribution over all 2^n
 * signs given the ranks for up to 128 differences, the normal approximation with corrections for
 * ties and continuity above. Needs symmetry, which pairs whose order alternates have when nothing
 * differs; twice as many differences would give the sign test the same power on normal data. */
assay_status assay_signed_rank_test(const double *differences, size_t count, double *p,
                                    assay_error *error);

/* Hodges and Lehmann's estimate of the centre of differences, and the interval of the centres that
 * the signed-rank test would not reject: order statistics of the averages of all pairs (Hollander,
 * Wolfe and Chicken, Nonparametric Statistical Methods, section 3.3). Exact for symmetric
 * differences up to 128 of them. Too few (below 6 at 95%): minus to plus infinity. */
assay_status assay_signed_rank_interval(const double *differences, size_t count, double confidence,
                                        double *centre, double *low, double *high,
                                        assay_error *error);

#endif
