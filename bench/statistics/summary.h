/* A list of samples in a few numbers, each in the samples' unit (seconds, mostly).
 *
 * Quantiles are of type 7. The interval of the median is distribution-free: two order statistics,
 * exact by the binomial, for samples that are independent. Samples of one process share its pages,
 * layout and clock, so an interval over them says how well *that process* was measured; the
 * interval that holds for the next process comes from the grouped summary. */
#ifndef BENCH_STATISTICS_SUMMARY_H
#define BENCH_STATISTICS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

#define ASSAY_CONFIDENCE 0.95

typedef struct assay_summary {
    size_t count;
    double median;
    double low;  /* of the interval of the median */
    double high;
    double coverage; /* of the interval, by the binomial: at least the confidence if `enough` */
    bool enough;     /* false: too few samples; low and high are then the least and the greatest */
    double mode;     /* half-sample mode: Robertson and Cryer 1974, Bickel and Fruehwirth 2006 */
    double dispersion; /* 1.4826 * median |x - median| / |median|: of normal samples the relative
                          standard deviation; 0 when all are equal, infinite at median 0 */
    double least;
    double p05;
    double p25;
    double p75;
    double p95;
    double p99;
    double greatest;
    double mean;
} assay_summary;

/* O(count log count); allocates one list of `count`, freed before the return. */
assay_status assay_summarise(const double *samples, size_t count, double confidence,
                             assay_summary *summary, assay_error *error);

typedef enum assay_median_method {
    ASSAY_MEDIAN_WITHIN, /* one process: the interval leaves the spread between processes out */
    ASSAY_MEDIAN_STUDENT, /* 2 to 5 processes: Student's t on their medians' logarithms (on the
                             medians themselves when one is not above zero); assumes normality */
    ASSAY_MEDIAN_ORDER /* from 6 processes on (at 95%): order statistics of their medians */
} assay_median_method;

/* Samples grouped by process: the unit is the process, its value the median of its samples. */
typedef struct assay_grouped {
    size_t count;
    size_t processes;
    double median; /* of the processes' medians */
    double low;
    double high;
    assay_median_method method;
    double between; /* relative standard deviation of the processes' medians; 0 for one process.
                       Includes what the samples' own spread adds to a median. */
    double within;  /* dispersion as above of the samples, each around its own process's median */
} assay_grouped;

/* process[i] is the process of samples[i]: any numbers, in any order. O(count log count). */
assay_status assay_summarise_grouped(const double *samples, const int64_t *process, size_t count,
                                     double confidence, assay_grouped *grouped, assay_error *error);

/* The densest point of a sorted list: the half with the least width, again and again; of halves
 * equally narrow the smaller values. O(count). */
double assay_mode_sorted(const double *sorted, size_t count);

#endif
