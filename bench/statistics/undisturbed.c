#include "bench/statistics/undisturbed.h"

#include <math.h>
#include <stdlib.h>

#include "bench/statistics/order.h"

enum { LEAST = 5, LEAST_PART = 10 /* one of so many */ };

static const double least_of_share = 0.75;

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

/* By the median share: the times are summed up by their median too. */
static double alone_of(const assay_sample *samples, size_t count)
{
    double *const share = malloc(count * sizeof *share + 1);
    size_t known = 0;
    for (size_t i = 0; i < count && share != NULL; i++) {
        if (samples[i].share > 0.0 && samples[i].share <= 1.0) {
            const bool shared = samples[i].share < ASSAY_SHARE_LEAST;
            share[known++] = shared ? least_of_share * samples[i].share : 1.0;
        }
    }
    const double alone = known > 0 ? assay_median_reorder(share, known) : 1.0;
    free(share);
    return alone;
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
