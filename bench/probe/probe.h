/* The probe: every ceiling of this machine that can be measured, within a bounded time. */
#ifndef BENCH_PROBE_PROBE_H
#define BENCH_PROBE_PROBE_H

#include "bench/probe/ceilings.h"

typedef struct assay_probe_options {
    bool quick; /* at most 8 s instead of 60 */
    /* Told what is measured next and how much is done (0 to 1); may be NULL. */
    void (*progress)(void *context, const char *name, double done);
    void *context;
} assay_probe_options;

/* Pins the calling thread and its team while it runs; `best` is this probe's own. */
assay_status assay_probe_run(const assay_probe_options *options, assay_ceilings *ceilings,
                             assay_error *error);

#endif
