/* The samples of a timing that its numbers are made of. */
#ifndef REPORTS_SAMPLES_H
#define REPORTS_SAMPLES_H

#include "bench/statistics/undisturbed.h"
#include "reports/results.h"

/* As assay_undisturbed chooses them; the caller's to free. *count is their number. NULL: out of
 * memory. */
assay_sample *report_samples(const results_timing *timing, size_t *count, double *alone);

#endif
