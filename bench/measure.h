/* One implementation timed on one case at all its batch sizes. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/check.h"
#include "bench/child.h"
#include "bench/sampler.h"
#include "bench/series.h"

typedef struct assay_measure_options {
    assay_stop_rule stop;
    int32_t threads;      /* 0: one a core */
    int64_t processes;    /* fresh ones a timing, where a case is opened quickly */
    double longest;       /* seconds: batch sizes whose call takes longer are left out */
    double deadline;      /* seconds an answer may take */
    bool cold, warm;
    bool quick, full;
    bool energy; /* of kernels on devices: what a call costs */
    const int64_t *batch; /* only these sizes; NULL: the entry's */
    size_t batch_count;
    uint64_t seed;
    int32_t device; /* number of the one that its kernels on devices run on */
} assay_measure_options;

/* Who hears of it. timing is the receiver's to delete. */
typedef struct assay_measure_sink {
    void *context;
    assay_status (*timing)(void *context, const assay_series *series, cJSON *timing,
                           assay_error *error);
    assay_status (*skipped)(void *context, const assay_timing_key *key, const char *reason,
                            assay_error *error);
    /* Whether it was timed before (--resume). */
    bool (*known)(void *context, const assay_timing_key *key);
} assay_measure_sink;

struct assay_peer;

typedef struct assay_measure {
    const struct assay_peer *peer; /* whose child it runs in; NULL: a process of this program */
    const assay_measure_options *options;
    const assay_bench_entry *entry;
    const assay_table *table;
    const char *plugin;         /* the shared object that holds it; NULL: built in */
    const assay_kernel *kernel; /* the step's; of stages the table's linear, for its precision */
    assay_check_case *check;
    assay_session *session; /* for the judgement before */
    const assay_ceilings *ceilings;
    assay_measure_sink sink;
} assay_measure;

assay_status assay_measure_run(const assay_measure *measure, assay_error *error);

/* Requests of the protocol. */
cJSON *assay_request_open(const assay_measure *measure, const cJSON *json);
cJSON *assay_request_batch(const cJSON *json);
cJSON *assay_request_sample(const assay_sample_request *sample);
cJSON *assay_request_parts(uint64_t seed);
/* call_seconds: of one call, about. */
cJSON *assay_request_energy(double call_seconds, uint64_t seed);

/* Calls a sample needs to be well above the clock's resolution, from the seconds of one. */
size_t assay_calls_for(double call_seconds, bool cold);

#endif
