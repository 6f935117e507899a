/* What is timed: lists of cases, each at several batch sizes. fixtures/cases/bench.json:
 *
 *   { "format": "assay-bench-cases", "version": 1, "cases": [
 *     {"id": "encode-goodfire", "system": "goodfire", "batch": [1, 4, 16], "full": [64, 4096],
 *      "case": {"op": "sae_encode", "shape": {"d": 4096, "m": 65536}, "l0": 91}},
 *     {"id": "capture-tiny", "system": "tiny", "batch": [1, 4],
 *      "stage": {"op": "capture", "model": {"layers": 2}, "tokens": 32}} ] }
 *
 * id (unique); system (whose shapes they are; "tiny" ones are timed by --quick); batch: sizes timed
 * by default; full: those added by --full; then exactly one of
 *   case   a single step as in fixtures/synth/cases.h without id and shape.n, which is the batch.
 *          attention: "past" (beside case, default 0) earlier positions of every sequence and "new"
 *          (default 1) rows of it in a call; the batch counts sequences
 *   stage  a composed stage (stage_case.h); the batch counts prompts or explanations */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include <cjson/cJSON.h>

#include "assay/kernel.h"

enum { ASSAY_BATCHES_MAX = 64 };

typedef struct assay_bench_entry {
    const char *id, *system;
    assay_op op;
    bool stage;
    int64_t batch[ASSAY_BATCHES_MAX]; /* ascending, distinct */
    bool full[ASSAY_BATCHES_MAX];     /* timed with --full only */
    size_t batch_count;
    const cJSON *json; /* the case or stage */
    double past, fresh; /* attention */
} assay_bench_entry;

typedef struct assay_bench_list {
    size_t count;
    assay_bench_entry *entries;
    cJSON *root;
} assay_bench_list;

assay_status assay_bench_list_open(const char *path, assay_bench_list *list, assay_error *error);
void assay_bench_list_close(assay_bench_list *list);

/* The case at one batch size, as fixtures/synth or stage_case.h reads it; the caller deletes it.
 * Weights depend on the id alone: they are the same at every batch size. NULL: no memory. */
cJSON *assay_bench_case_at(const assay_bench_entry *entry, int64_t batch);

#endif
