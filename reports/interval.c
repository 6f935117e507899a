#include "reports/interval.h"

#include <math.h>

#include "bench/statistics/telling.h"

static interval shown_unless(const char *why, const results_estimate *e)
{
    const double none = (double)NAN;
    return why != NULL
               ? (interval){none, none, none, why}
               : (interval){e->low, e->high, 0.5 * (e->high - e->low) / e->value, NULL};
}

interval interval_of_median(const results_estimate *seconds, size_t samples, size_t processes)
{
    return shown_unless(assay_median_silence(seconds->value, seconds->low, seconds->high, samples,
                                             processes),
                        seconds);
}

interval interval_of_timing(const results_timing *timing)
{
    return interval_of_median(&timing->seconds, timing->used, timing->processes);
}

interval interval_of_ratio(const results_estimate *ratio)
{
    return shown_unless(assay_ratio_silence(ratio->value, ratio->low, ratio->high), ratio);
}
