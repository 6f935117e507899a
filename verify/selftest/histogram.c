#include "verify/selftest/histogram.h"

#include <math.h>

void assay_histogram_add(assay_histogram *histogram, double value)
{
    const double place = value > 0.0 ? 16.0 * (log2(value) + 40.0) : 0.0;
    const double last = ASSAY_BINS - 1;
    const double bin = isnan(place) ? last : fmin(fmax(place, 0.0), last);
    histogram->bin[(int)bin]++;
    histogram->count++;
    histogram->above += !(value <= 1.0);
    histogram->greatest = value <= histogram->greatest ? histogram->greatest : value;
}

void assay_histogram_merge(assay_histogram *into, const assay_histogram *part)
{
    for (int i = 0; i < ASSAY_BINS; i++) {
        into->bin[i] += part->bin[i];
    }
    into->count += part->count;
    into->above += part->above;
    into->greatest = part->greatest <= into->greatest ? into->greatest : part->greatest;
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
