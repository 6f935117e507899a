/* Within store*.c only. */
#ifndef BENCH_STORE_PARTS_H
#define BENCH_STORE_PARTS_H

#include "bench/store.h"

struct assay_bench_store {
    char *options;
    char *path, *journal_path;
    int journal; /* -1: none */
    cJSON *lists;
};

/* The list of that name, made when it is missing. */
cJSON *assay_store_list(assay_bench_store *store, const char *name);
/* Holds the journal of store->path, so that no other bench writes there, reads what an earlier run
 * left when resume is true, and begins it anew with what was read. */
assay_status assay_store_open_journal(assay_bench_store *store, const char *options, bool resume,
                                      assay_error *error);
/* One item at the journal's end, on disk when it returns. */
assay_status assay_store_append(assay_bench_store *store, const char *list, const cJSON *item,
                                assay_error *error);

#endif
