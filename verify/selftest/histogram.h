/* How often an error used what part of its budget: bins of a sixteenth of an octave. */
#ifndef VERIFY_SELFTEST_HISTOGRAM_H
#define VERIFY_SELFTEST_HISTOGRAM_H

#include <stdint.h>

enum { ASSAY_BINS = 16 * 48 }; /* 2^-40 .. 2^8; below and 0: the first bin */

typedef struct assay_histogram {
    uint64_t bin[ASSAY_BINS];
    uint64_t count, above; /* above 1 */
    double greatest;
} assay_histogram;

void assay_histogram_add(assay_histogram *histogram, double value);
/* The value that this part of all stay below: the upper edge of its bin (4% wide), at most the
 * greatest met. */
double assay_histogram_quantile(const assay_histogram *histogram, double part);

#endif
