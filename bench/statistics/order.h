/* Order statistics: sorting, quantiles, selection. Lists hold finite numbers only (check first). */
#ifndef BENCH_STATISTICS_ORDER_H
#define BENCH_STATISTICS_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

/* Refuses an empty list and, naming `what` and the index, the first number that is not finite. */
assay_status assay_check_finite(const double *values, size_t count, const char *what,
                                assay_error *error);

void assay_sort(double *values, size_t count);
/* A sorted copy, to be freed; NULL when memory is short. */
double *assay_sorted_copy(const double *values, size_t count);

/* The quantile of type 7 (Hyndman and Fan 1996, the default of R and NumPy): linear between the
 * order statistics around fraction * (count - 1). `fraction` in [0, 1]; count >= 1. */
double assay_quantile_sorted(const double *sorted, size_t count, double fraction);
double assay_median_sorted(const double *sorted, size_t count);

/* The value that sorting would put at `rank` (from 0), in O(count); reorders the list. */
double assay_select(double *values, size_t count, size_t rank);
double assay_median_reorder(double *values, size_t count);

/* Median of |x - centre|, in O(log count) passes of a search over the sorted list. */
double assay_mad_sorted(const double *sorted, size_t count, double centre);

/* Hodges and Lehmann's estimate (1963): the median of the averages of all pairs, each value with
 * itself included. As efficient as 95% of the mean on normal data, and unmoved by 29% of outliers.
 * O(count log count) after sorting. */
double assay_hodges_lehmann_sorted(const double *sorted, size_t count);
/* The `rank`-th smallest (from 1) of those count (count + 1) / 2 averages, to 2^-50 of the
 * range. */
double assay_average_sorted(const double *sorted, size_t count, uint64_t rank);

/* The rank r (from 1) such that the r-th smallest and the r-th largest of `count` enclose the
 * median with at least `confidence`, whatever the (continuous) distribution: the largest r with
 * 2 P(Binomial(count, 1/2) <= r - 1) <= 1 - confidence. 0 when `count` is too small (below 6 at
 * 95%). David and Nagaraja, Order Statistics, section 7.1. */
size_t assay_median_rank(size_t count, double confidence);

#endif
