/* Runs stored over time: what the subcommands of `assay history` are made of. */
#ifndef REPORTS_HISTORY_H
#define REPORTS_HISTORY_H

#include "bench/statistics/steps.h"
#include "reports/history_db.h"
#include "reports/results.h"

/* Stores unified results as one run, in one transaction: *id is its number, *stored false when the
 * same files (by their bytes) are that run already. Files that are stored in part are refused.
 * label may be "". */
assay_status history_add(history *h, const assay_results *results, const char *label, int64_t *id,
                         bool *stored, assay_error *error);

typedef struct history_run_row {
    int64_t id;
    char *date, *machine, *revision, *label, *command, *environment;
    size_t timings, verdicts;
} history_run_row;

typedef struct history_runs {
    history_run_row *row; /* oldest first */
    size_t count;
} history_runs;

/* machine NULL: of all machines. */
assay_status history_read_runs(history *h, const char *machine, history_runs *runs,
                               assay_error *error);
void history_runs_free(history_runs *runs);
/* The place of a run in the list, SIZE_MAX when it is not there. */
size_t history_find_run(const history_runs *runs, int64_t id);

/* Globs, NULL for all. */
typedef struct history_filter {
    const char *op, *impl, *case_id;
} history_filter;

/* Of a row whose columns 1, 2 and 3 are op, implementation and case. */
bool history_wants(const history_filter *filter, sqlite3_stmt *row);
/* A column's text, "" for NULL; the caller's to free. NULL: out of memory. */
char *history_column(sqlite3_stmt *row, int at);

typedef struct history_point {
    size_t run; /* its place in the runs */
    results_estimate seconds;
    double *process; /* medians of its processes */
    size_t process_count;
} history_point;

/* One case over the runs of a machine: timings that were verified and possible. */
typedef struct history_series {
    char *op, *impl, *name, *cache;
    double batch, threads;
    history_point *point; /* oldest first */
    size_t count, room;
    assay_steps steps; /* of history_find_steps */
} history_series;

typedef struct history_table {
    history_series *series;
    size_t count;
    double *unrest; /* of each run, by its place */
} history_table;

/* Series over runs of one machine, points of the last `last` runs of the list up to run number
 * `until` (a place in the list, included), and the runs' unrest. */
assay_status history_read_series(history *h, const history_runs *runs, size_t last, size_t until,
                                 const history_filter *filter, history_table *table,
                                 assay_error *error);
void history_table_free(history_table *table);
/* Fills the unrest: how much nine of ten cases of a run moved, each by itself, from the run before
 * or to the run after, whichever is less (the other may be a change of the program); the relative
 * deviation of one run's time. What all cases have in common is taken off. 0 where fewer than eight
 * cases tell. */
assay_status history_note_unrest(history_table *table, size_t runs, assay_error *error);
/* Steps of one of the table's series; `at` of a step is a place in its points. A time is no surer
 * than its run was restless: of many cases, some stand still by chance on a machine where all
 * stray, and then move. */
assay_status history_find_steps(const history_table *table, history_series *series,
                                const assay_steps_options *options, assay_error *error);

/* Deletes the oldest runs of each machine (or the given one) but `keep`, or one run; *deleted
 * counts. */
assay_status history_prune(history *h, const char *machine, size_t keep, size_t *deleted,
                           assay_error *error);
assay_status history_delete(history *h, int64_t run, size_t *deleted, assay_error *error);

#endif
