/* Two implementations side by side on one case: pairs of fresh processes, both open at once, asked
 * for samples in turn (ABBA), so that whatever the machine does happens to both. */
#ifndef BENCH_INTERLEAVE_H
#define BENCH_INTERLEAVE_H

#include "bench/measure.h"
#include "bench/print.h"
#include "bench/store.h"

typedef struct assay_interleave {
    assay_measure measure, against;
    int64_t pairs;
    assay_bench_store *store;
    assay_bench_print *print;
} assay_interleave;

/* One comparison for every batch size and cache, added to the store. */
assay_status assay_interleave_run(const assay_interleave *compared, assay_error *error);

#endif
