/* Which intervals tell something. Where one does not, tables, plots and files leave it out. */
#ifndef BENCH_STATISTICS_TELLING_H
#define BENCH_STATISTICS_TELLING_H

#include <stddef.h>

/* Of a median of samples (0: their number was not kept) of some processes. Why it tells nothing;
 * NULL where it tells something. It tells nothing when
 * - one process gave so few samples that their extremes are no 95% interval (below six: n samples
 *   lie on both sides of the median with probability 1 - 2^(1-n)), or
 * - half of it is as much as the median: it reaches 0, and the time is known to no digit. So it is
 *   with two processes that differ by 15%, by Student's t of one degree of freedom. */
const char *assay_median_silence(double value, double low, double high, size_t samples,
                                 size_t processes);

/* Of a ratio: it tells nothing when it allows ten times as fast and ten times as slow. */
const char *assay_ratio_silence(double value, double low, double high);

#endif
