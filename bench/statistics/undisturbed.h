/* Which samples of a timing its numbers are made of.
 *
 * Samples that were disturbed (bench/counters.h) are kept and counted, but tell of the disturbance.
 * Numbers are made of the others: of every process that has no disturbed ones, or enough of the
 * others, at least five and a tenth of its samples. (Fewer would be, in part, samples whose
 * disturbance went unseen.) Processes with fewer are left out; when every process is such a one,
 * all samples count. Whether a sample was disturbed is read beside it and not from its time, so
 * that leaving it out favours neither the fast nor the slow.
 *
 * Disturbed times are too long by an unknown factor, but not by any:
 * - with a share s of its cores (bench/issue.h) a kernel was seen to take up to 1.13 / s times as
 *   long (19 of 20 kernels and shapes) and never 1.36 / s times: alone it takes between 0.75 s of
 *   such a time and all of it;
 * - who took a processor by an involuntary switch has it for 40 ms at most, as Linux gives it out,
 *   and gives back what was stolen after the ticks that count it: so much less may it take alone.
 */
#ifndef BENCH_STATISTICS_UNDISTURBED_H
#define BENCH_STATISTICS_UNDISTURBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a core of one's own, readings scatter by 3%; beside a neighbour they lie below 0.87. */
#define ASSAY_SHARE_LEAST 0.92

typedef struct assay_sample {
    double seconds;
    int64_t process;
    bool disturbed;
    double alone; /* assay_alone; NaN: not known */
} assay_sample;

/* The least part of a sample of so many seconds, all its calls together, that its kernel takes
 * alone. share: of its cores; what is NaN is not known and takes nothing; NaN where all are. */
double assay_alone(double seconds, double switches, double steal_seconds, double share);

/* Sorts by process and time, moves those that count to the front and returns their number, which is
 * 0 only of none. *alone (may be NULL) becomes the least part of the median of those that the
 * kernel takes alone: 1 where undisturbed ones count. O(count log count). */
size_t assay_undisturbed(assay_sample *samples, size_t count, double *alone);

#endif
