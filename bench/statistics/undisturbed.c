#include "bench/statistics/undisturbed.h"

#include <math.h>
#include <stdlib.h>

#include "bench/statistics/order.h"

enum { LEAST = 5, LEAST_PART = 10 /* one of so many */ };

static const double least_of_share = 0.75;
static const double slice_most = 0.04; /* seconds */

double assay_alone(double seconds, double switches, double steal_seconds, double share)
{
    if (isnan(switches) && isnan(steal_seconds) && isnan(share)) {
        return (double)NAN;
    }
    const double lost = slice_most * (switches > 0.0 ? switches : 0.0) +
                        (steal_seconds > 0.0 ? steal_seconds : 0.0);
    const double own = lost > 0.0 ? fmax(0.0, 1.0 - lost / seconds) : 1.0;
    return share > 0.0 && share < ASSAY_SHARE_LEAST ? own * least_of_share * share : own;
}

static int by_process(const void *a, const void *b)
{
    const assay_sample *const x = a;
    const assay_sample *const y = b;
    const int process = (x->process > y->process) - (x->process < y->process);
    return process != 0 ? process : (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

static size_t end_of_process(const assay_sample *samples, size_t from, size_t count)
{
    size_t end = from;
    while (end < count && samples[end].process == samples[from].process) {
        end++;
    }
    return end;
}

static bool counts(const assay_sample *samples, size_t from, size_t end)
{
    size_t good = 0;
    for (size_t i = from; i < end; i++) {
        good += !samples[i].disturbed;
    }
    return good == end - from || (good >= LEAST && LEAST_PART * good >= end - from);
}

/* The median of what the samples take alone at the least, over their median. */
static double alone_of(const assay_sample *samples, size_t count)
{
    double *const least = malloc(2 * count * sizeof *least + 1);
    if (count == 0 || least == NULL) {
        free(least);
        return 1.0;
    }
    double *const taken = least + count;
    for (size_t i = 0; i < count; i++) {
        taken[i] = samples[i].seconds;
        least[i] = taken[i] * (isnan(samples[i].alone) ? 1.0 : samples[i].alone);
    }
    const double part = assay_median_reorder(least, count) / assay_median_reorder(taken, count);
    free(least);
    return part >= 0.0 && part <= 1.0 ? part : 1.0; /* times of nothing say nothing */
}

size_t assay_undisturbed(assay_sample *samples, size_t count, double *alone)
{
    size_t used = 0;
    qsort(samples, count, sizeof *samples, by_process);
    for (size_t from = 0, end; from < count; from = end) {
        end = end_of_process(samples, from, count);
        const bool good = counts(samples, from, end);
        for (size_t i = from; i < end && good; i++) {
            if (!samples[i].disturbed) {
                samples[used++] = samples[i];
            }
        }
    }
    if (alone != NULL) {
        *alone = used > 0 ? 1.0 : alone_of(samples, count);
    }
    return used > 0 ? used : count;
}
