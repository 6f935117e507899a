/* The noise of a series, and how much runs are like their neighbours. */
#include <math.h>

#include "bench/statistics/order.h"
#include "bench/statistics/steps_series.h"

enum {
    LAG = 5,     /* of the differences that are held against successive ones */
    AROUND = 100, /* runs on each side of a step that tell about correlation */
    MANY = 60    /* runs of which those across a step are too few to mislead */
};

/* 1.4826 median |y_(i + lag) - y_i| / sqrt(2): the deviation of one run, if runs are independent.
 * In a short series differences across the step before run `at` are left out: they would pass for
 * correlation. */
static double difference_noise(const assay_series *s, const double *y, size_t first, size_t at,
                               size_t end, size_t lag, size_t *pairs)
{
    *pairs = 0;
    for (size_t i = first; i + lag < end; i++) {
        if (i >= at || i + lag < at || end - first >= MANY) {
            s->scratch[(*pairs)++] = fabs(y[i + lag] - y[i]);
        }
    }
    return *pairs == 0
               ? 0.0
               : 1.4826 * 0.70710678118654752440 * assay_median_reorder(s->scratch, *pairs);
}

double assay_series_noise(const assay_series *s)
{
    size_t pairs;
    return fmax(difference_noise(s, s->raw, 0, 0, s->runs, 1, &pairs), ASSAY_NOISE_LEAST);
}

/* The variance of a mean over runs that are correlated like an autoregression of order one, over
 * what successive differences make of it. From lag 5 against lag 1: (1 - r^5) / (1 - r) = the
 * ratio of variances. Ratios that chance explains (two deviations) count as none. */
double assay_series_inflation(const assay_series *s, size_t at)
{
    const size_t first = at > AROUND ? at - AROUND : 0;
    const size_t end = at == 0 || s->runs - at <= AROUND ? s->runs : at + AROUND;
    size_t pairs;
    const double noise = difference_noise(s, s->y, first, at, end, 1, &pairs);
    const double far = difference_noise(s, s->y, first, at, end, LAG, &pairs);
    if (end - first < 4 * LAG || noise <= ASSAY_NOISE_LEAST) {
        return 1.0;
    }
    const double ratio = far * far / (noise * noise);
    if (ratio < 1.0 + 6.0 / sqrt((double)(end - first))) {
        return 1.0;
    }
    double r = 0.0;
    while (r < 0.9 && (1.0 - pow(r, LAG)) / (1.0 - r) < ratio) {
        r += 0.01;
    }
    return (1.0 + r) / ((1.0 - r) * (1.0 - r));
}
