/* Trials of the gate, kept one a line as JSON while they are made: a file may be added to in many
 * sittings, and a run that is killed loses the trial it was at. Before a sitting's first
 * trial stands a line that says what the file is, when it began and on what machine. */
#ifndef BENCH_GATE_LOG_H
#define BENCH_GATE_LOG_H

#include <stdio.h>

#include "bench/gate_trial.h"

enum { ASSAY_GATE_PERCENTS = 6 };
extern const int assay_gate_percent[ASSAY_GATE_PERCENTS]; /* 1, 2, 3, 5, 10, 100 */

typedef struct assay_gate_share {
    size_t hits, trials;
} assay_gate_share;

typedef struct assay_gate_tally {
    size_t trials, sittings;
    assay_gate_share alarms;                             /* one case, nothing planted */
    assay_gate_share power[ASSAY_GATE_PERCENTS][2];      /* one case; delay, extra work */
    size_t suspected, confirmable;                       /* of those: suspects; with time left */
    double slowdown[ASSAY_GATE_PERCENTS][2];             /* measured, sum over trials */
    double seconds[ASSAY_GATE_PERCENTS + 1];             /* sum over trials; [0]: alarms */
    assay_gate_share run_alarms;                         /* whole runs, nothing planted */
    assay_gate_share run_power[ASSAY_GATE_PERCENTS];     /* slowed cases of runs that were found */
    size_t run_false, run_slower;                        /* cases called slower, and wrongly so */
    double noise;                                        /* sum over trials */
} assay_gate_tally;

/* A delay or extra work, of assay_gate_percent[place]. */
static inline assay_gate_share assay_gate_both(const assay_gate_tally *tally, size_t place)
{
    const assay_gate_share *const p = tally->power[place];
    return (assay_gate_share){p[0].hits + p[1].hits, p[0].trials + p[1].trials};
}

typedef struct assay_gate_log {
    FILE *file;   /* NULL: nothing is kept */
    bool sitting; /* which has begun */
    assay_gate_tally tally;
} assay_gate_log;

/* path NULL: kept nowhere. resume: trials that are there are counted first and new ones added; a
 * last line that was cut off is dropped. Without it a file that is there is refused. */
assay_status assay_gate_log_open(const char *path, bool resume, assay_gate_log *log,
                                 assay_error *error);
assay_status assay_gate_log_add(assay_gate_log *log, const assay_trial *trial, assay_error *error);
void assay_gate_log_close(assay_gate_log *log);

#endif
