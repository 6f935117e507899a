/* Intervals of a proportion: `hits` of `trials`. */
#ifndef BENCH_STATISTICS_INTERVAL_H
#define BENCH_STATISTICS_INTERVAL_H

#include <stdint.h>

#include "assay/status.h"

typedef struct assay_interval {
    double low;
    double high;
} assay_interval;

/* Clopper and Pearson 1934: exact, two-sided, never below the confidence. */
assay_status assay_clopper_pearson(uint64_t hits, uint64_t trials, double confidence,
                                   assay_interval *interval, assay_error *error);

/* Its one-sided bounds: the proportion is below `upper` (above `lower`) with the confidence. With
 * no hits the upper one is 1 - (1 - confidence)^(1/trials), of which the rule of three, 3/trials,
 * is the approximation at 95%. */
assay_status assay_proportion_upper(uint64_t hits, uint64_t trials, double confidence,
                                    double *upper, assay_error *error);
assay_status assay_proportion_lower(uint64_t hits, uint64_t trials, double confidence,
                                    double *lower, assay_error *error);

/* Wilson 1927, without continuity correction: shorter, right on the average. */
assay_status assay_wilson(uint64_t hits, uint64_t trials, double confidence,
                          assay_interval *interval, assay_error *error);
/* The same of a share, of a number of trials that need not be whole: an effective one. */
assay_status assay_wilson_share(double share, double trials, double confidence,
                                assay_interval *interval, assay_error *error);

#endif
