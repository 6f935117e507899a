#include "reports/interval.h"

#include <math.h>

static interval silent(const char *why)
{
    return (interval){(double)NAN, (double)NAN, (double)NAN, why};
}

interval interval_of_median(const results_estimate *seconds, size_t samples, size_t processes)
{
    const double half = 0.5 * (seconds->high - seconds->low) / seconds->value;
    if (samples == 1 || (samples == 0 && processes == 1 && half == 0.0)) {
        return silent("one sample");
    }
    if (samples > 0 && samples < 32 && processes == 1 && ldexp(1.0, 1 - (int)samples) > 0.05) {
        return silent("few samples of one process");
    }
    if (!isfinite(half) || half < 0.0 || !(seconds->value > 0.0)) {
        return silent("not recorded");
    }
    if (half >= 1.0 || seconds->low <= 0.0) {
        return silent(processes <= 1   ? "samples differ too much to tell"
                      : processes == 2 ? "two processes differ too much to tell"
                                       : "processes differ too much to tell");
    }
    return (interval){seconds->low, seconds->high, half, NULL};
}

interval interval_of_timing(const results_timing *timing)
{
    return interval_of_median(&timing->seconds, timing->samples.count, timing->processes);
}

interval interval_of_ratio(const results_estimate *ratio)
{
    const double half = 0.5 * (ratio->high - ratio->low) / ratio->value;
    if (!isfinite(half) || half < 0.0 || !(ratio->value > 0.0)) {
        return silent("not measured");
    }
    return ratio->low < 0.1 && ratio->high > 10.0 ? silent("differ too much to tell")
                                                  : (interval){ratio->low, ratio->high, half, NULL};
}
