/* Inside the search for steps: a series made ready, and its candidates. */
#ifndef BENCH_STATISTICS_STEPS_SERIES_H
#define BENCH_STATISTICS_STEPS_SERIES_H

#include "bench/statistics/steps.h"

/* No timing is more even from run to run than this; keeps equal medians from having no noise. */
#define ASSAY_NOISE_LEAST 1e-4

typedef struct assay_series {
    size_t runs;
    const double *own; /* relative errors of the runs; NULL: unknown */
    double *raw;    /* logarithms less their median */
    double noise;   /* of raw, from run to run */
    double *y;      /* the same, outliers pulled back */
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

/* Room for so many runs. False: out of memory; to be destroyed in either case. */
bool assay_series_reserve(assay_series *s, size_t runs);
void assay_series_destroy(assay_series *s);
/* From raw and own: noise, y, weight and the sums. Returns how many runs were pulled back. */
size_t assay_series_prepare(assay_series *s);
/* The weighted mean of runs first .. end - 1, and the weighted squares around it. */
double assay_series_mean(const assay_series *s, size_t first, size_t end);
double assay_series_squares(const assay_series *s, size_t first, size_t end);
/* Candidates by least squares with a penalty a step. */
void assay_series_segment(assay_series *s, size_t least, double penalty);
/* Drops the weakest candidate until all that are left are steps. */
assay_status assay_series_weed(assay_series *s, const assay_steps_options *options,
                               assay_error *error);
/* The part of the shuffles of runs first .. end - 1 that look, at any place, as much like a step as
 * the runs do; 1 when it is above `most`. */
assay_status assay_series_shuffle(const assay_series *s, size_t first, size_t end, size_t least,
                                  double most, double *chance, assay_error *error);
/* The step at candidate `index`; p is 1 when it does not count as a step at all. */
assay_step assay_series_test(const assay_series *s, size_t index,
                             const assay_steps_options *options);
/* The deviation from run to run, of all runs. */
double assay_series_noise(const assay_series *s);
/* What correlation between the runs around a step before run `at` (0: none) makes of the variance
 * of a mean; 1 for none. */
double assay_series_inflation(const assay_series *s, size_t at);

#endif
