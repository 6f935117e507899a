/* Runs and series out of the database. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"
#include "reports/history.h"

char *history_column(sqlite3_stmt *s, int at)
{
    const char *const text = (const char *)sqlite3_column_text(s, at);
    return strdup(text != NULL ? text : "");
}

static double real(sqlite3_stmt *s, int at)
{
    return sqlite3_column_type(s, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(s, at);
}

static assay_status keep_run(history_runs *runs, sqlite3_stmt *s, assay_error *error)
{
    history_run_row *const grown = realloc(runs->row, (runs->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu runs", runs->count);
    }
    runs->row = grown;
    history_run_row *const row = &grown[runs->count++];
    *row = (history_run_row){.id = sqlite3_column_int64(s, 0),
                             .date = history_column(s, 1),
                             .machine = history_column(s, 2),
                             .revision = history_column(s, 3),
                             .label = history_column(s, 4),
                             .command = history_column(s, 5),
                             .environment = history_column(s, 6),
                             .timings = (size_t)sqlite3_column_int64(s, 7),
                             .verdicts = (size_t)sqlite3_column_int64(s, 8)};
    return row->date != NULL && row->machine != NULL && row->revision != NULL &&
                   row->label != NULL && row->command != NULL && row->environment != NULL
               ? ASSAY_OK
               : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu runs", runs->count);
}

assay_status history_read_runs(history *h, const char *machine, history_runs *runs,
                               assay_error *error)
{
    sqlite3_stmt *s = NULL;
    bool row = true;
    *runs = (history_runs){0};
    assay_status status =
        history_prepare(h,
                        "SELECT id, date, machine, revision, label, command, environment,"
                        " (SELECT count(*) FROM timing WHERE run=run.id),"
                        " (SELECT count(*) FROM verdict WHERE run=run.id)"
                        " FROM run WHERE ?1 IS NULL OR machine=?1 ORDER BY date, id",
                        &s, error);
    if (status == ASSAY_OK && machine != NULL) {
        (void)sqlite3_bind_text(s, 1, machine, -1, SQLITE_STATIC);
    }
    while (status == ASSAY_OK && row) {
        status = history_step(h, s, &row, error);
        if (status == ASSAY_OK && row) {
            status = keep_run(runs, s, error);
        }
    }
    (void)sqlite3_finalize(s);
    return status;
}

void history_runs_free(history_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        history_run_row *const row = &runs->row[i];
        free(row->date);
        free(row->machine);
        free(row->revision);
        free(row->label);
        free(row->command);
        free(row->environment);
    }
    free(runs->row);
    *runs = (history_runs){0};
}

size_t history_find_run(const history_runs *runs, int64_t id)
{
    for (size_t i = 0; i < runs->count; i++) {
        if (runs->row[i].id == id) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool history_wants(const history_filter *f, sqlite3_stmt *s)
{
    const char *const glob[] = {f->op, f->impl, f->case_id};
    for (int i = 0; i < 3; i++) {
        const char *const text = (const char *)sqlite3_column_text(s, 1 + i);
        if (text == NULL || !assay_filter_matches(glob[i], text)) {
            return false;
        }
    }
    return true;
}

static assay_status new_series(history_table *table, sqlite3_stmt *s, assay_error *error)
{
    history_series *const grown = realloc(table->series, (table->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu series", table->count);
    }
    table->series = grown;
    history_series *const series = &grown[table->count++];
    *series = (history_series){.op = history_column(s, 1),
                               .impl = history_column(s, 2),
                               .name = history_column(s, 3),
                               .cache = history_column(s, 4),
                               .threads = sqlite3_column_double(s, 5),
                               .batch = sqlite3_column_double(s, 6)};
    return series->op != NULL && series->impl != NULL && series->name != NULL &&
                   series->cache != NULL
               ? ASSAY_OK
               : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu series", table->count);
}

static assay_status add_point(history_series *series, size_t run, sqlite3_stmt *s,
                              assay_error *error)
{
    if (series->count == series->room) {
        const size_t room = series->room == 0 ? 16 : series->room * 2;
        history_point *const grown = realloc(series->point, room * sizeof *grown);
        if (grown == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a series");
        }
        series->point = grown;
        series->room = room;
    }
    const size_t bytes = (size_t)sqlite3_column_bytes(s, 11);
    const void *const blob = sqlite3_column_blob(s, 11);
    double *const process = malloc(bytes + 1);
    if (process == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a series");
    }
    if (blob != NULL) {
        memcpy(process, blob, bytes);
    }
    series->point[series->count++] =
        (history_point){.run = run,
                        .seconds = {real(s, 8), real(s, 9), real(s, 10)},
                        .process = process,
                        .process_count = bytes / sizeof *process};
    return ASSAY_OK;
}

/* A time that is none ("inf" in a result file, an edited database) is no point of a series. */
static const char series_query[] =
    "SELECT item.id, op, impl, name, cache, threads, batch, run, seconds, low, high, processes"
    " FROM timing JOIN item ON item.id=timing.item JOIN run ON run.id=timing.run"
    " WHERE run.machine=?1 AND timing.verdict='PASS' AND impossible=0"
    " AND typeof(seconds)='real' AND seconds>0 AND seconds<1e300"
    " ORDER BY op, name, cache, threads, batch, impl, item.id, date, run.id";

/* The place of a run, looked for from the last one's on: rows come in the order of the runs. */
static size_t next_run(const history_runs *runs, size_t after, int64_t id)
{
    for (size_t i = 0; i < runs->count; i++) {
        const size_t at = (after + i) % runs->count;
        if (runs->row[at].id == id) {
            return at;
        }
    }
    return SIZE_MAX;
}

assay_status history_read_series(history *h, const history_runs *runs, size_t last, size_t until,
                                 const history_filter *filter, history_table *table,
                                 assay_error *error)
{
    sqlite3_stmt *s = NULL;
    int64_t item = -1;
    bool row = true;
    size_t run = 0;
    const size_t from = until + 1 > last ? until + 1 - last : 0;
    *table = (history_table){0};
    if (runs->count == 0) {
        return ASSAY_OK;
    }
    assay_status status = history_prepare(h, series_query, &s, error);
    if (status == ASSAY_OK) {
        (void)sqlite3_bind_text(s, 1, runs->row[0].machine, -1, SQLITE_STATIC);
    }
    while (status == ASSAY_OK && row) {
        status = history_step(h, s, &row, error);
        if (status == ASSAY_OK && row) {
            run = next_run(runs, run, sqlite3_column_int64(s, 7));
        }
        if (status != ASSAY_OK || !row || run < from || run > until || !history_wants(filter, s)) {
            continue;
        }
        if (sqlite3_column_int64(s, 0) != item) {
            item = sqlite3_column_int64(s, 0);
            status = new_series(table, s, error);
        }
        if (status == ASSAY_OK) {
            status = add_point(&table->series[table->count - 1], run, s, error);
        }
    }
    (void)sqlite3_finalize(s);
    return status == ASSAY_OK ? history_note_unrest(table, runs->count, error) : status;
}

void history_table_free(history_table *table)
{
    free(table->unrest);
    for (size_t i = 0; i < table->count; i++) {
        history_series *const series = &table->series[i];
        for (size_t k = 0; k < series->count; k++) {
            free(series->point[k].process);
        }
        free(series->point);
        free(series->op);
        free(series->impl);
        free(series->name);
        free(series->cache);
        assay_steps_destroy(&series->steps);
    }
    free(table->series);
    *table = (history_table){0};
}

/* Relative standard error by the longer side of the interval; 0 where it has none. One that reaches
 * zero is as wide as a factor of 20. */
static double own_error(const results_estimate *e)
{
    const double above = log(e->high / e->value);
    const double below = log(e->value / fmax(e->low, 0.05 * e->value));
    const double reach = fmax(isfinite(above) ? above : 0.0, isfinite(below) ? below : 0.0);
    return reach / 1.96;
}

assay_status history_find_steps(const history_table *table, history_series *series,
                                const assay_steps_options *options, assay_error *error)
{
    double *const seconds = calloc(2 * series->count + 1, sizeof *seconds);
    if (seconds == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a series");
    }
    double *const spread = seconds + series->count; /* relative standard errors */
    for (size_t i = 0; i < series->count; i++) {
        const results_estimate *const e = &series->point[i].seconds;
        seconds[i] = e->value;
        spread[i] = hypot(own_error(e), table->unrest[series->point[i].run]);
    }
    assay_steps_destroy(&series->steps);
    const assay_status status =
        assay_find_steps(seconds, spread, series->count, options, &series->steps, error);
    free(seconds);
    return status;
}
