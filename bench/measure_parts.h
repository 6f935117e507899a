/* Within measure*.c and interleave*.c only. */
#ifndef BENCH_MEASURE_PARTS_H
#define BENCH_MEASURE_PARTS_H

#include "bench/measure.h"

enum { ASSAY_CACHES = 2 }; /* cold, warm */

/* A batch size on its way through the processes. */
typedef struct assay_batch_run {
    int64_t batch;
    cJSON *json;
    assay_series series[ASSAY_CACHES];
    bool wanted[ASSAY_CACHES];
    bool left_out;
} assay_batch_run;

typedef struct assay_measuring {
    const assay_measure *m;
    assay_batch_run run[ASSAY_BATCHES_MAX];
    size_t count;
    assay_child child;
    int64_t process;
    double share; /* of a timing's time bound that one process has */
} assay_measuring;

/* Samples of one batch size and cache in the process that is open. What becomes of the kernel goes
 * into the series' verdict. */
assay_status assay_measure_series(assay_measuring *now, assay_batch_run *run, bool cold,
                                  double call_seconds, assay_error *error);

/* What warm calls of a kernel on a device cost in energy, in the process that is open. */
assay_status assay_measure_energy(assay_measuring *now, assay_series *series, assay_error *error);

/* When a peer's tokens come, in the process that is open; of our own stages samples tell. */
void assay_measure_tokens(assay_measuring *now, assay_batch_run *run);

/* Every series to the sink, once all processes are through. */
assay_status assay_measure_give(assay_measuring *now, assay_error *error);
/* Whether the median of any series so far is below its floor. */
bool assay_measure_impossible(const assay_measuring *now);

/* Judges the outputs that an answer carries, made by the case `json` of one batch size. *judged is
 * false where it carries none, or where their truth would cost too much. */
assay_status assay_measure_judge(const assay_measure *m, const cJSON *json, const cJSON *answer,
                                 int output, bool *judged, assay_result *result,
                                 assay_error *error);

/* Whether the options ask for the entry's batch size i. */
bool assay_batch_wanted(const assay_measure *m, size_t i);

assay_timing_key assay_measure_key(const assay_measure *m, int64_t batch, bool cold);

/* A number of an answer; `missing` where there is none. */
double assay_answer_number(const cJSON *answer, const char *key, double missing);

#endif
