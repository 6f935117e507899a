#include "verify/selftest/histogram.h"

#include <math.h>

void assay_histogram_add(assay_histogram *histogram, double value)
{
    const double used = isnan(value) ? (double)INFINITY : value;
    const double place = used > 0.0 ? 16.0 * (log2(used) + 40.0) : 0.0;
    histogram->bin[(int)fmin(fmax(place, 0.0), ASSAY_BINS - 1)]++;
    histogram->count++;
    histogram->above += used > 1.0;
    histogram->greatest = fmax(histogram->greatest, used);
}

double assay_histogram_quantile(const assay_histogram *histogram, double part)
{
    const double wanted = part * (double)histogram->count;
    uint64_t below = 0;
    for (int i = 0; i < ASSAY_BINS; i++) {
        below += histogram->bin[i];
        if ((double)below >= wanted) {
            return i == 0 ? 0.0 : fmin(exp2((i + 1) / 16.0 - 40.0), histogram->greatest);
        }
    }
    return histogram->greatest;
}
