/* The samples of one timing as they come from its processes, and what is known beside them. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <cjson/cJSON.h>

#include "assay/result.h"
#include "bench/cases.h"
#include "bench/probe/ceilings.h"
#include "bench/statistics/stop.h"
#include "bench/statistics/undisturbed.h"

/* What makes a timing the same timing in another run. */
typedef struct assay_timing_key {
    const assay_bench_entry *entry;
    const assay_kernel *kernel; /* its precision and backend; of stages the table's linear */
    const char *impl;
    int64_t batch;
    bool cold;
    int32_t threads;
} assay_timing_key;

typedef struct assay_series {
    assay_timing_key key;
    assay_sample *sample; /* seconds of one call each, in the order they were taken */
    size_t count, capacity;
    cJSON *samples;   /* the lists of the results' form */
    cJSON *answer;    /* the last process's last answer: peak, pages, empty call */
    cJSON *work, *prepare;
    cJSON *energy;    /* of warm calls on a device, or why not; NULL: not asked for */
    cJSON *watched;   /* where time went in some of the samples, bench/parts.h */
    double workspace_bytes, opened_bytes;
    size_t calls;     /* a sample */
    assay_stop_state stop;
    double spent;     /* seconds, wall */
    assay_result verdict;
    int64_t checked;  /* timed calls whose outputs were judged */
    double first_token;
    double *token;    /* seconds of decode steps */
    size_t token_count;
} assay_series;

void assay_series_free(assay_series *series);

/* Takes over the lists of an answer to `sample`. */
assay_status assay_series_add(assay_series *series, int64_t process, cJSON *answer,
                              assay_error *error);

/* Takes over first_token_seconds and token_seconds. */
void assay_series_tokens(assay_series *series, const cJSON *answer);

/* The timing as results have it; the caller deletes it. NULL: no samples or no memory. */
cJSON *assay_series_timing(const assay_series *series, const assay_ceilings *ceilings,
                           uint64_t seed);

/* Whether a call cannot take so little: under 1/1.1 of the floor of the bytes that the kernel
 * declares to read. work: of an answer to `batch`. */
bool assay_time_impossible(const assay_timing_key *key, const cJSON *work, double seconds,
                           const assay_ceilings *ceilings);
/* Of the median. */
bool assay_series_impossible(const assay_series *series, const assay_ceilings *ceilings);

#endif
