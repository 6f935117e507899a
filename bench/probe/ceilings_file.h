/* Ceilings on disk: <cache folder>/probe-<machine>.json, a results file (environment and ceilings).
 * Written under a temporary name and renamed. */
#ifndef BENCH_PROBE_CEILINGS_FILE_H
#define BENCH_PROBE_CEILINGS_FILE_H

#include "bench/probe/ceilings.h"

/* This machine's file. ASSAY_UNSUPPORTED: there is none, or no folder to look in. ASSAY_BAD_INPUT:
 * truncated, changed by hand, or of another machine; the message names file and key. */
assay_status assay_ceilings_read(assay_ceilings *ceilings, assay_error *error);
/* ASSAY_UNSUPPORTED: no folder to be had. */
assay_status assay_ceilings_write(const assay_ceilings *ceilings, assay_error *error);

/* The same of a device, by its digest. */
assay_status assay_ceilings_read_of(const char *machine, assay_ceilings *ceilings,
                                    assay_error *error);
assay_status assay_ceilings_write_of(const char *machine, const assay_ceilings *ceilings,
                                     assay_error *error);

/* Takes the better `best` of both for every name in either; the rest stays the newer one's. */
void assay_ceilings_merge(assay_ceilings *newer, const assay_ceilings *older);

/* A whole results file; the caller owns it. NULL when memory is out. */
cJSON *assay_ceilings_results(const assay_ceilings *ceilings);

#endif
