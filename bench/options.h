/* The command line of `assay bench`. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench/measure.h"
#include "kernels/plugin.h"
#include "verify/options.h"

typedef struct assay_bench_options {
    const char *op, *impl, *case_id, *cases, *batch, *cache, *stop, *against, *json, *system,
        *peer;
    const char *plugin[ASSAY_PLUGINS_MAX];
    size_t plugin_count;
    assay_option_int processes, threads, pairs, device;
    assay_option_real longest, deadline, within;
    uint64_t seed;
    bool quick, full, energy, resume, profile, help;
    /* Derived. */
    assay_measure_options measure;
    int64_t batches[ASSAY_BATCHES_MAX];
} assay_bench_options;

/* Fills options from the command line, with defaults; `measure` points into options. */
assay_status assay_bench_options_read(int argc, char **argv, assay_bench_options *options,
                                      assay_error *error);

/* What decides whether a run is the same, for --resume: the caller's to free; NULL when memory is
 * out. */
char *assay_bench_options_text(const assay_bench_options *options);

void assay_bench_help(void);

#endif
