/* Inside the search for steps: a series made ready, and its candidates. */
#ifndef BENCH_STATISTICS_STEPS_SERIES_H
#define BENCH_STATISTICS_STEPS_SERIES_H

#include "bench/statistics/steps.h"

typedef struct assay_series {
    size_t runs;
    double *y;      /* logarithms less their median, outliers pulled back */
    double *weight; /* 1 / variance of each */
    double *scratch; /* runs + 1 each, as the following */
    double *sum;    /* of weight, weight y and weight y^2 before a run */
    double *sum_y;
    double *sum_yy;
    double *best;   /* least cost of the runs before */
    size_t *from;   /* where the last segment of that begins */
    size_t *edge;   /* candidates, in order */
    size_t edges;
} assay_series;

/* Candidates by least squares with a penalty a step. */
void assay_series_segment(assay_series *s, size_t least, double penalty);
/* Drops the weakest candidate until all that are left are steps. */
void assay_series_weed(assay_series *s, double inflation, const assay_steps_options *options);
/* The step at candidate `index`; p is 1 when it does not count as a step at all. */
assay_step assay_series_test(const assay_series *s, size_t index, double inflation,
                             const assay_steps_options *options);

#endif
