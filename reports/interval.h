/* Which intervals are shown. One that says nothing is left out, and its reason given instead: every
 * table, plot and file of the reports asks here. */
#ifndef REPORTS_INTERVAL_H
#define REPORTS_INTERVAL_H

#include "reports/results.h"

typedef struct interval {
    double low, high; /* NaN when it says nothing, as half */
    double half;      /* half its width, over the median */
    const char *why;  /* it says nothing; NULL when it does */
} interval;

/* Of a median of samples of some processes. It says nothing when
 * - one process gave so few samples that their extremes are no 95% interval (below six: n samples
 *   lie on both sides of the median with probability 1 - 2^(1-n)), or
 * - half of it is as much as the median: it reaches 0, and the time is known to no digit. So it is
 *   with two processes that differ by 15%, by Student's t of one degree of freedom. */
/* samples 0: their number was not kept. */
interval interval_of_median(const results_estimate *seconds, size_t samples, size_t processes);
interval interval_of_timing(const results_timing *timing);

/* Of a ratio. It says nothing when it allows ten times as fast and ten times as slow. */
interval interval_of_ratio(const results_estimate *ratio);

#endif
