/* Has anything become slower? A decision in two stages, as pure functions.
 *
 * 1. Screening, over all cases, from what a run has anyway: medians of processes of the new program
 *    and of the baseline. A case is cleared when a slowdown of `effect` is ruled out at level
 *    `miss`; what cannot be cleared is a suspect. Noise thus costs time, never power.
 * 2. Confirmation: each suspect is timed again, new against baseline, over fresh process pairs that
 *    are independent of the screening. Exact signed-rank p values, looked at up to three times as
 *    the pairs come in (each look pays a third of the error), corrected over all suspects by
 *    Benjamini and Hochberg. Only suspects can be discovered and their p values owe nothing to the
 *    screening, so the rate of false discoveries holds over all cases of the run.
 *
 * SLOWER needs both: a corrected p of at most q, and an estimate beyond `margin`. Slowdowns are
 * time of the new program over time of the baseline: 1.03 is 3% slower.
 *
 * Simulated in tests/gate.c, with the defaults, three processes a side in the screening and 30
 * pairs at most, where processes vary by 0.5 to 2% with and without heavy tails: one case alarms
 * falsely in at most 0.3% of repeats; slowdowns of 3% are found in 95 to 99%, of 5 and 10% in 99.5
 * to 100%, mostly at the first look, after 10 pairs. */
#ifndef BENCH_STATISTICS_GATE_H
#define BENCH_STATISTICS_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/status.h"
#include "bench/statistics/paired.h"

typedef struct assay_gate_options {
    double q;              /* rate of false discoveries over all cases of a run */
    double effect;         /* a slowdown that screening must not clear: 0.03 */
    double miss;           /* ... but with this chance */
    double margin;         /* the least change worth a verdict */
    double confidence;     /* of the reported intervals */
    double spread;         /* relative standard deviation between processes, assumed where the run
                              has one process of everything and cannot tell */
    bool confirm_faster;   /* speed-ups are suspects, too */
} assay_gate_options;

#define ASSAY_GATE_DEFAULTS ((assay_gate_options){0.01, 0.03, 0.02, 0.01, 0.95, 0.02, false})

typedef enum assay_suspicion {
    ASSAY_UNMEASURED = 0, /* one side has no times */
    ASSAY_CLEARED,
    ASSAY_SUSPECT
} assay_suspicion;

typedef struct assay_gate_case {
    /* Screening. Seconds, one number a process: the median of its samples. */
    const double *now;
    size_t now_count;
    const double *base;
    size_t base_count;
    /* How much less, as a part of those times, it may take undisturbed, where it was disturbed all
     * the time: 1 - the *alone of assay_undisturbed. */
    double now_lost, base_lost;
    bool paired; /* now[i] and base[i] were run side by side; counts are equal */
    /* Confirmation. Of each fresh pair, in the order they were run: log(now / base), the median
     * over the pair's rounds (assay_pair_log_ratio with a = base and b = now). */
    const double *log_slowdown;
    size_t pairs;

    /* Written by assay_gate_screen. */
    assay_suspicion suspicion;
    double screened; /* slowdown by the screening, and the bounds of its 1 - 2 miss interval */
    double screened_low;
    double screened_high;
    /* Written by assay_gate_weigh and assay_gate_decide; of cleared cases the screening's. */
    double slowdown;
    double low;
    double high;
    double p;           /* of the looks taken, paid for; 1 for what was cleared */
    double corrected_p; /* over all cases */
    bool settled;       /* more pairs cannot be needed */
    assay_change change;
} assay_gate_case;

enum { ASSAY_GATE_LOOKS = 3 };

/* When the pairs of a suspect are looked at. */
typedef struct assay_gate_plan {
    size_t suspects;
    size_t looks;                /* 1 or 3 */
    size_t at[ASSAY_GATE_LOOKS]; /* pairs, rising; the last is all the time there is */
} assay_gate_plan;

typedef struct assay_gate_outcome {
    size_t cases;
    size_t unmeasured;
    size_t suspects;
    size_t slower; /* confirmed: the gate fails when it is not 0 */
    size_t faster;
    size_t same;
    size_t unsure;
} assay_gate_outcome;

/* Screens all cases; `suspects` receives their number. The spread between processes is estimated
 * for each case and drawn towards that of the whole run (Smyth 2004, moderated t; 4 degrees of
 * freedom for the run's), since few processes say little by themselves. No case, or none measured
 * on both sides, is ASSAY_BAD_INPUT: a gate that measured nothing fails. O(cases log cases +
 * processes). */
assay_status assay_gate_screen(assay_gate_case *cases, size_t count,
                               const assay_gate_options *options, size_t *suspects,
                               assay_error *error);

/* Looks for `suspects`, when time allows pairs_max pairs of each: the first at the least number
 * that can confirm (assay_pairs_needed), the last at pairs_max, one between. Refused, with the
 * number of pairs needed, when pairs_max cannot confirm anything. */
assay_status assay_gate_plan_looks(size_t suspects, size_t pairs_max,
                                   const assay_gate_options *options, assay_gate_plan *plan,
                                   assay_error *error);

/* The number of pairs at the next look of a suspect that has `pairs`; the last look's when past
 * it. */
size_t assay_gate_next_look(const assay_gate_plan *plan, size_t pairs);

/* Weighs the pairs a suspect has so far. `settled` when all looks are taken, when it is confirmed
 * whatever the others do, or when its interval rules a slowdown beyond the margin out (with
 * confirm_faster: any change). To be asked after every pair; the answer changes at looks only. */
assay_status assay_gate_weigh(assay_gate_case *suspect, const assay_gate_plan *plan,
                              const assay_gate_options *options, assay_error *error);

/* The verdicts of all cases, once every suspect is settled or time is up. Cleared cases are SAME
 * when the screening rules out a change of `effect` both ways, else UNSURE. */
assay_status assay_gate_decide(assay_gate_case *cases, size_t count, const assay_gate_plan *plan,
                               const assay_gate_options *options, assay_gate_outcome *outcome,
                               assay_error *error);

#endif
