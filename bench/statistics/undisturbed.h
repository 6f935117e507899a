/* Which samples of a timing its numbers are made of.
 *
 * Samples that were disturbed (bench/counters.h) are kept and counted, but tell of the disturbance.
 * Numbers are made of the others: of every process that has no disturbed ones, or enough of the
 * others, at least five and a tenth of its samples. (Fewer would be, in part, samples whose
 * disturbance went unseen.) Processes with fewer are left out; when every process is such a one,
 * all samples count. Whether a sample was disturbed is read beside it and not from its time, so
 * that leaving it out favours neither the fast nor the slow.
 *
 * Times of cores that were shared are too long by an unknown factor. With a share s of its cores
 * (bench/issue.h) a kernel was seen to take up to 1.13 / s times as long (19 of 20 kernels and
 * shapes) and never 1.36 / s times: alone it takes between 0.75 s of such a time and all of it. */
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
    double share; /* of its cores; NaN: not known */
} assay_sample;

/* Sorts by process and time, moves those that count to the front and returns their number, which is
 * 0 only of none. *alone (may be NULL) becomes the least part of the times of those that the kernel
 * takes alone: 1 where undisturbed ones count. O(count log count). */
size_t assay_undisturbed(assay_sample *samples, size_t count, double *alone);

#endif
