/* The intervals that are shown: every table, plot and file of the reports asks here. One that tells
 * nothing (bench/statistics/telling.h) is left out, and its reason given instead. */
#ifndef REPORTS_INTERVAL_H
#define REPORTS_INTERVAL_H

#include "reports/results.h"

typedef struct interval {
    double low, high; /* NaN when it says nothing, as half */
    double half;      /* half its width, over the median */
    const char *why;  /* it says nothing; NULL when it does */
} interval;

/* samples 0: their number was not kept. */
interval interval_of_median(const results_estimate *seconds, size_t samples, size_t processes);
interval interval_of_timing(const results_timing *timing);
interval interval_of_ratio(const results_estimate *ratio);

#endif
