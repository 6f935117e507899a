/* `assay bench --profile`: one call of one case, in this process and without a timing loop, so that
 * perf, ncu or valgrind sees the kernel and little else. */
#ifndef BENCH_PROFILE_RUN_H
#define BENCH_PROFILE_RUN_H

#include "bench/implementations.h"
#include "bench/measure.h"

assay_status assay_profile_one(const assay_measure_options *options,
                               const assay_bench_entry *entry,
                               const assay_implementation *implementation, assay_error *error);

#endif
