#include "reports/samples.h"

#include <math.h>
#include <stdlib.h>

/* Files may come from anybody: what is no number of a process counts as the first. */
static int64_t process_of(const results_samples *samples, size_t i)
{
    const double process = samples->process != NULL ? samples->process[i] : 0.0;
    return fabs(process) < 0x1p53 ? (int64_t)process : 0;
}

assay_sample *report_samples(const results_samples *samples, size_t *count, double *alone)
{
    const size_t all = samples->count;
    assay_sample *const list = calloc(all + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < all && list != NULL; i++) {
        list[i] = (assay_sample){
            .seconds = samples->seconds[i],
            .process = process_of(samples, i),
            .disturbed = samples->contaminated != NULL && samples->contaminated[i] > 0.0,
            .share = samples->core_share != NULL ? samples->core_share[i] : (double)NAN};
    }
    if (list != NULL) {
        *count = assay_undisturbed(list, all, alone);
    }
    return list;
}
