/* Within interleave*.c only. */
#ifndef BENCH_INTERLEAVE_PARTS_H
#define BENCH_INTERLEAVE_PARTS_H

#include "bench/interleave.h"

enum { ASSAY_SIDES = 2, ASSAY_ROUNDS_MOST = 64 };

/* Seconds of one pair's rounds. */
typedef struct assay_pair_times {
    double side[ASSAY_SIDES][ASSAY_ROUNDS_MOST];
    size_t rounds;
} assay_pair_times;

/* One batch size and cache. */
typedef struct assay_contest {
    int64_t batch;
    cJSON *json;
    cJSON *work[ASSAY_SIDES];
    bool cold, left_out;
    size_t calls;
    assay_pair_times *pair; /* [pairs] */
    size_t pairs;
} assay_contest;

typedef struct assay_interleaving {
    const assay_interleave *compared;
    const assay_measure *side[ASSAY_SIDES];
    assay_child child[ASSAY_SIDES];
    assay_contest *contest; /* [count] */
    size_t count;
    uint64_t seed;
} assay_interleaving;

/* What the options ask for and the run that is resumed does not hold. */
assay_status assay_contests_plan(assay_interleaving *now, assay_error *error);
/* The ratio of one, with its interval: printed and stored. */
assay_status assay_contest_conclude(assay_interleaving *now, const assay_contest *contest,
                                    assay_error *error);
/* What one side's timing would be called. */
assay_timing_key assay_contest_key(const assay_interleaving *now, const assay_contest *contest,
                                   int side);
void assay_contests_free(assay_interleaving *now);

#endif
