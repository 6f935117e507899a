#include "bench/statistics/telling.h"

#include <math.h>

const char *assay_median_silence(double value, double low, double high, size_t samples,
                                 size_t processes)
{
    const double half = 0.5 * (high - low) / value;
    if (samples == 1 || (samples == 0 && processes == 1 && half == 0.0)) {
        return "one sample";
    }
    if (samples > 0 && samples < 32 && processes == 1 && ldexp(1.0, 1 - (int)samples) > 0.05) {
        return "few samples of one process";
    }
    if (!isfinite(half) || half < 0.0 || !(value > 0.0)) {
        return "not recorded";
    }
    if (half < 1.0 && low > 0.0) {
        return NULL;
    }
    return processes <= 1   ? "samples differ too much to tell"
           : processes == 2 ? "two processes differ too much to tell"
                            : "processes differ too much to tell";
}

const char *assay_ratio_silence(double value, double low, double high)
{
    if (!isfinite(high - low) || high < low || !(value > 0.0)) {
        return "not measured";
    }
    return low < 0.1 && high > 10.0 ? "differ too much to tell" : NULL;
}
