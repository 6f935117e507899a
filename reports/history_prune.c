/* Old runs out of the database. */
#include "reports/history.h"

/* Deletes what the statement selects with its bound values, and cases that no run has any more. */
static assay_status delete_runs(history *h, const char *sql, const char *machine, int64_t number,
                                size_t *deleted, assay_error *error)
{
    sqlite3_stmt *s = NULL;
    *deleted = 0;
    assay_status status = history_exec(h, "BEGIN IMMEDIATE", error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = history_prepare(h, sql, &s, error);
    if (status == ASSAY_OK) {
        (void)sqlite3_bind_int64(s, 1, number);
        if (machine != NULL) {
            (void)sqlite3_bind_text(s, 2, machine, -1, SQLITE_STATIC);
        }
        status = history_run(h, s, error);
        *deleted = (size_t)sqlite3_changes(h->db);
    }
    (void)sqlite3_finalize(s);
    if (status == ASSAY_OK) {
        status = history_exec(h,
                              "DELETE FROM item WHERE id NOT IN (SELECT item FROM timing);"
                              "DELETE FROM judged WHERE id NOT IN (SELECT judged FROM verdict)",
                              error);
    }
    if (status == ASSAY_OK) {
        status = history_exec(h, "COMMIT", error);
    }
    if (status != ASSAY_OK) {
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
        *deleted = 0;
        return status;
    }
    return *deleted > 0 ? history_exec(h, "VACUUM", error) : ASSAY_OK;
}

assay_status history_prune(history *h, const char *machine, size_t keep, size_t *deleted,
                           assay_error *error)
{
    return delete_runs(h,
                       "DELETE FROM run WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER"
                       " (PARTITION BY machine ORDER BY date DESC, id DESC) AS place FROM run"
                       " WHERE ?2 IS NULL OR machine=?2) WHERE place>?1)",
                       machine, (int64_t)keep, deleted, error);
}

assay_status history_delete(history *h, int64_t run, size_t *deleted, assay_error *error)
{
    const assay_status status =
        delete_runs(h, "DELETE FROM run WHERE id=?1", NULL, run, deleted, error);
    return status == ASSAY_OK && *deleted == 0
               ? assay_fail(error, ASSAY_BAD_INPUT,
                            "run %lld is not in the history: assay history list", (long long)run)
               : status;
}
