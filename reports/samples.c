#include "reports/samples.h"

#include <math.h>
#include <stdlib.h>

/* Files may come from anybody: what is no number of a process counts as the first. */
static int64_t process_of(const results_samples *samples, size_t i)
{
    const double process = samples->process != NULL ? samples->process[i] : 0.0;
    return fabs(process) < 0x1p53 ? (int64_t)process : 0;
}

static double value_at(const double *list, size_t i)
{
    return list != NULL ? list[i] : (double)NAN;
}

assay_sample *report_samples(const results_timing *timing, size_t *count, double *alone)
{
    const results_samples *const samples = &timing->samples;
    const double calls = timing->calls_per_sample > 0.0 ? timing->calls_per_sample : 1.0;
    const size_t all = samples->count;
    assay_sample *const list = calloc(all + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < all && list != NULL; i++) {
        list[i] = (assay_sample){
            .seconds = samples->seconds[i],
            .process = process_of(samples, i),
            .disturbed = value_at(samples->contaminated, i) > 0.0,
            .alone = assay_alone(calls * samples->seconds[i], value_at(samples->switches, i),
                                 value_at(samples->steal_seconds, i),
                                 value_at(samples->core_share, i))};
    }
    if (list != NULL) {
        *count = assay_undisturbed(list, all, alone);
    }
    return list;
}
