/* Many tests at once: p values corrected for the false-discovery rate. A corrected p of at most q
 * marks a discovery; of the discoveries at most the share q is false, on the average. */
#ifndef BENCH_STATISTICS_MULTIPLE_H
#define BENCH_STATISTICS_MULTIPLE_H

#include <stddef.h>

#include "assay/status.h"

typedef enum assay_correction {
    ASSAY_BENJAMINI_HOCHBERG, /* 1995: tests independent, or positively dependent */
    ASSAY_BENJAMINI_YEKUTIELI /* 2001: any dependence, for a factor of about ln(count) */
} assay_correction;

/* corrected[i] = min over j with p_j >= p_i of p_j * count / rank_j, at most 1. `corrected` may be
 * `p` itself. p values outside 0 .. 1 are refused. O(count log count). */
assay_status assay_correct(const double *p, size_t count, assay_correction correction,
                           double *corrected, assay_error *error);

#endif
