/* Within interleave*.c only. */
#ifndef BENCH_INTERLEAVE_PARTS_H
#define BENCH_INTERLEAVE_PARTS_H

#include "bench/interleave.h"
#include "bench/turns_pair.h"

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
    size_t calls; /* a sample */
    double call;  /* seconds of one, by the slower side */
    assay_pair_times *pair; /* [pairs] */
    size_t pairs;
    size_t disturbed; /* samples of either side that a device's clock was held down in */
} assay_contest;

typedef struct assay_interleaving {
    const assay_interleave *compared;
    const assay_measure *side[ASSAY_SIDES];
    assay_child child[ASSAY_SIDES];
    assay_turns_room room;
    uint32_t turns; /* taken in the pair that is open */
    assay_contest *contest; /* [count] */
    size_t count;
    uint64_t seed;
} assay_interleaving;

/* What the options ask for and the run that is resumed does not hold. */
assay_status assay_contests_plan(assay_interleaving *now, assay_error *error);
/* Of one side, for a reason; a contest is left out once. */
assay_status assay_contest_leave_out(assay_interleaving *now, assay_contest *contest, int side,
                                     const char *reason, assay_error *error);
/* The same for what became of a process; once it is gone, of every contest (contest may be
 * NULL). */
assay_status assay_contest_fail(assay_interleaving *now, assay_contest *contest, int side,
                                const assay_child_fate *fate, assay_error *error);
/* One sample of a side over its pipe; its outputs are judged when check is true, and what is wrong
 * is left out. */
assay_status assay_contest_sample(assay_interleaving *now, assay_contest *contest, int side,
                                  bool check, double *seconds, assay_error *error);
/* A time below its floor is taken again, and the side left out when it stays there: what it claims
 * must not decide how often both are called. */
assay_status assay_contest_doubt(assay_interleaving *now, assay_contest *contest, int side,
                                 double *seconds, assay_error *error);
/* In the pair that is open: rounds of a b b a while time lasts, then a sample of each side that is
 * judged. */
assay_status assay_contest_rounds(assay_interleaving *now, assay_contest *contest,
                                  assay_error *error);
/* The ratio of one, with its interval: printed and stored. */
assay_status assay_contest_conclude(assay_interleaving *now, const assay_contest *contest,
                                    assay_error *error);
/* What one side's timing would be called. */
assay_timing_key assay_contest_key(const assay_interleaving *now, const assay_contest *contest,
                                   int side);
void assay_contests_free(assay_interleaving *now);

#endif
