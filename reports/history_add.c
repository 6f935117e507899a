/* A run into the database. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/compare.h"
#include "reports/history.h"
#include "reports/page.h"

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    (void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* NULL for what is no number. */
static void bind_real(sqlite3_stmt *s, int at, double value)
{
    (void)(isnan(value) ? sqlite3_bind_null(s, at) : sqlite3_bind_double(s, at, value));
}

/* The file whose environment and date stand for the run: the newest. */
static const results_file *newest_file(const assay_results *r)
{
    const results_file *newest = &r->file[0];
    for (size_t f = 1; f < r->file_count; f++) {
        newest = strcmp(r->file[f].date, newest->date) > 0 ? &r->file[f] : newest;
    }
    return newest;
}

static char *lines_of(const assay_results *r, const results_file *file, bool commands)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    for (size_t f = 0; commands && f < r->file_count; f++) {
        (void)fprintf(out, "%s%s", f == 0 ? "" : "\n", r->file[f].command);
    }
    const assay_node *node = commands ? NULL : file->environment->as.first;
    for (; node != NULL; node = node->next) {
        char *const value = report_value_text(node->key, node);
        (void)fprintf(out, "%s: %s\n", node->key, value != NULL ? value : "");
        free(value);
    }
    return fclose(out) == 0 ? text : NULL;
}

static assay_status add_run(history *h, const assay_results *r, const char *label, int64_t *id,
                            assay_error *error)
{
    const results_file *const file = newest_file(r);
    char added[32];
    const time_t now = time(NULL);
    struct tm utc;
    sqlite3_stmt *s = NULL;
    char *const environment = lines_of(r, file, false);
    char *const commands = lines_of(r, file, true);
    assay_status status =
        environment == NULL || commands == NULL || gmtime_r(&now, &utc) == NULL
            ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the run")
            : history_prepare(h,
                              "INSERT INTO run(added, date, machine, revision, label, command,"
                              " environment) VALUES(?,?,?,?,?,?,?)",
                              &s, error);
    if (status == ASSAY_OK) {
        (void)strftime(added, sizeof added, "%Y-%m-%dT%H:%M:%SZ", &utc);
        bind_text(s, 1, added);
        bind_text(s, 2, file->date[0] != '\0' ? file->date : added);
        bind_text(s, 3,
                  file->machine[0] != '\0' ? file->machine
                                           : assay_node_text(file->environment, "cpu", "unknown"));
        bind_text(s, 4, assay_node_text(file->environment, "revision", "unknown"));
        bind_text(s, 5, label);
        bind_text(s, 6, commands);
        bind_text(s, 7, environment);
        status = history_run(h, s, error);
        *id = sqlite3_last_insert_rowid(h->db);
    }
    (void)sqlite3_finalize(s);
    free(environment);
    free(commands);
    return status;
}

static assay_status add_timing(history *h, sqlite3_stmt *item, sqlite3_stmt *timing, int64_t run,
                               const results_timing *t, assay_error *error)
{
    size_t count = 0;
    double *const process = compare_process_medians(t, &count);
    if (process == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the samples");
    }
    for (int pass = 0; pass < 2; pass++) { /* the identity goes into both */
        sqlite3_stmt *const s = pass == 0 ? item : timing;
        bind_text(s, 1, t->op);
        bind_text(s, 2, t->impl);
        bind_text(s, 3, t->case_id);
        (void)sqlite3_bind_double(s, 4, t->batch);
        bind_text(s, 5, t->cache);
        (void)sqlite3_bind_double(s, 6, t->threads);
    }
    (void)sqlite3_bind_int64(timing, 7, run);
    bind_text(timing, 8, assay_verdict_name(t->verdict));
    (void)sqlite3_bind_int(timing, 9, t->impossible);
    bind_real(timing, 10, t->seconds.value);
    bind_real(timing, 11, t->seconds.low);
    bind_real(timing, 12, t->seconds.high);
    bind_real(timing, 13, t->floor_fraction);
    (void)sqlite3_bind_blob(timing, 14, process, (int)(count * sizeof *process), SQLITE_STATIC);
    assay_status status = history_run(h, item, error);
    if (status == ASSAY_OK) {
        status = history_run(h, timing, error);
    }
    free(process);
    return status;
}

static assay_status add_timings(history *h, int64_t run, const assay_results *r, assay_error *error)
{
    sqlite3_stmt *item = NULL;
    sqlite3_stmt *timing = NULL;
    assay_status status =
        history_prepare(h,
                        "INSERT OR IGNORE INTO item(op, impl, name, batch, cache, threads)"
                        " VALUES(?1,?2,?3,?4,?5,?6)",
                        &item, error);
    if (status == ASSAY_OK) {
        status = history_prepare(
            h,
            "INSERT INTO timing(run, item, verdict, impossible, seconds, low, high,"
            " floor_fraction, processes) SELECT ?7, id, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
            " FROM item WHERE op=?1 AND impl=?2 AND name=?3 AND batch=?4 AND cache=?5"
            " AND threads=?6",
            &timing, error);
    }
    for (size_t i = 0; i < r->timing_count && status == ASSAY_OK; i++) {
        status = add_timing(h, item, timing, run, &r->timing[i], error);
    }
    (void)sqlite3_finalize(item);
    (void)sqlite3_finalize(timing);
    return status;
}

static assay_status add_verdict(history *h, sqlite3_stmt *judged, sqlite3_stmt *verdict,
                                int64_t run, const results_verdict *v, assay_error *error)
{
    for (int pass = 0; pass < 2; pass++) {
        sqlite3_stmt *const s = pass == 0 ? judged : verdict;
        bind_text(s, 1, v->golden);
        bind_text(s, 2, v->op);
        bind_text(s, 3, v->impl);
        bind_text(s, 4, v->case_id);
    }
    (void)sqlite3_bind_int64(verdict, 5, run);
    bind_text(verdict, 6, v->seed);
    bind_text(verdict, 7, assay_verdict_name(v->verdict));
    bind_real(verdict, 8, v->budget_used);
    bind_real(verdict, 9, v->rel_l2);
    const assay_status status = history_run(h, judged, error);
    return status == ASSAY_OK ? history_run(h, verdict, error) : status;
}

static assay_status add_verdicts(history *h, int64_t run, const assay_results *r,
                                 assay_error *error)
{
    sqlite3_stmt *judged = NULL;
    sqlite3_stmt *verdict = NULL;
    assay_status status = history_prepare(
        h, "INSERT OR IGNORE INTO judged(golden, op, impl, name) VALUES(?1,?2,?3,?4)", &judged,
        error);
    if (status == ASSAY_OK) {
        status = history_prepare(
            h,
            "INSERT INTO verdict(run, judged, seed, verdict, budget_used, rel_l2)"
            " SELECT ?5, id, ?6, ?7, ?8, ?9 FROM judged WHERE golden=?1 AND op=?2 AND impl=?3"
            " AND name=?4",
            &verdict, error);
    }
    for (size_t i = 0; i < r->verdict_count && status == ASSAY_OK; i++) {
        status = add_verdict(h, judged, verdict, run, &r->verdict[i], error);
    }
    (void)sqlite3_finalize(judged);
    (void)sqlite3_finalize(verdict);
    return status;
}

/* The run that holds a file's bytes, 0 when none does. */
static assay_status run_of_file(history *h, sqlite3_stmt *s, const results_file *file, int64_t *run,
                                assay_error *error)
{
    bool there;
    bind_text(s, 1, file->doc->digest);
    const assay_status status = history_step(h, s, &there, error);
    *run = status == ASSAY_OK && there ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return status;
}

/* *id: the run that holds all the files, 0 when none holds any. A file is in one run only: what is
 * stored in part is refused, or its timings would count twice. */
static assay_status find_stored(history *h, const assay_results *r, int64_t *id, assay_error *error)
{
    sqlite3_stmt *s = NULL;
    int64_t first = 0;
    assay_status status = history_prepare(h, "SELECT run FROM file WHERE digest=?", &s, error);
    for (size_t f = 0; f < r->file_count && status == ASSAY_OK; f++) {
        int64_t run;
        status = run_of_file(h, s, &r->file[f], &run, error);
        if (f == 0) {
            first = run;
        }
        if (status == ASSAY_OK && run != first) {
            const size_t named = run != 0 ? f : 0;
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s: is stored already, in run %lld: add the others without it, or "
                                "delete that run first (assay history prune --run %lld)",
                                r->file[named].path, (long long)(run != 0 ? run : first),
                                (long long)(run != 0 ? run : first));
        }
    }
    (void)sqlite3_finalize(s);
    *id = first;
    return status;
}

static assay_status add_files(history *h, int64_t run, const assay_results *r, assay_error *error)
{
    sqlite3_stmt *s = NULL; /* the same file named twice is one */
    assay_status status =
        history_prepare(h, "INSERT OR IGNORE INTO file(digest, run) VALUES(?,?)", &s, error);
    for (size_t f = 0; f < r->file_count && status == ASSAY_OK; f++) {
        bind_text(s, 1, r->file[f].doc->digest);
        (void)sqlite3_bind_int64(s, 2, run);
        status = history_run(h, s, error);
    }
    (void)sqlite3_finalize(s);
    return status;
}

static assay_status add_all(history *h, const assay_results *r, const char *label, int64_t *id,
                            assay_error *error)
{
    assay_status status = add_run(h, r, label, id, error);
    if (status == ASSAY_OK) {
        status = add_files(h, *id, r, error);
    }
    if (status == ASSAY_OK) {
        status = add_timings(h, *id, r, error);
    }
    return status == ASSAY_OK ? add_verdicts(h, *id, r, error) : status;
}

assay_status history_add(history *h, const assay_results *results, const char *label, int64_t *id,
                         bool *stored, assay_error *error)
{
    *stored = false;
    assay_status status = history_exec(h, "BEGIN IMMEDIATE", error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = find_stored(h, results, id, error);
    const bool is_new = *id == 0;
    if (status == ASSAY_OK && is_new) {
        status = add_all(h, results, label, id, error);
    }
    if (status == ASSAY_OK) {
        status = history_exec(h, "COMMIT", error);
    }
    if (status != ASSAY_OK) {
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    }
    *stored = status == ASSAY_OK && is_new;
    return status;
}
