/* Results of a run as they come: kept line by line beside the file that is asked for, so that a run
 * killed at any moment loses nothing that was finished; made into that file at the end. */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "bench/series.h"

typedef struct assay_bench_store assay_bench_store;

/* path: of the results; NULL: they are kept in memory only. options: what makes the run another one
 * (--resume of a run with other options is refused). resume: what an earlier run stored, or wrote
 * when it had finished, is there again; without it, that is dropped. A file that another process
 * has open is refused. Of a pipe, a device or "-" nothing is kept before the end. */
assay_status assay_store_open(const char *path, const char *options, bool resume,
                              assay_bench_store **store, assay_error *error);
void assay_store_close(assay_bench_store **store);

/* list: "timings", "comparisons" or "skipped". Takes item. On disk when it returns. */
assay_status assay_store_add(assay_bench_store *store, const char *list, cJSON *item,
                             assay_error *error);

/* Whether a list has what the key names; of comparisons, with `against` (NULL: with anything). What
 * was left out for all caches counts for each. */
bool assay_store_has(const assay_bench_store *store, const char *list, const assay_timing_key *key,
                     const char *against);

/* Whether a kernel was found wrong, be it by the run that this one went on with. */
bool assay_store_found_wrong(const assay_bench_store *store);

/* Everything kept so far, lists by name. */
const cJSON *assay_store_lists(const assay_bench_store *store);

/* Writes path whole or not at all, and drops the journal. head: format, version, command,
 * environment, ceilings; options are added to it; it is taken. */
assay_status assay_store_finish(assay_bench_store *store, cJSON *head, assay_error *error);

#endif
