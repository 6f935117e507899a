/* Accuracy of a run against what is stored. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/history_check.h"

/* Every verdict of the run, and the greatest errors stored for the same case and seed on the
 * machine before it: with one seed the data are the same, so errors only change with the kernel. */
static const char query[] =
    "SELECT j.golden, j.op, j.impl, j.name, v.seed, v.verdict, v.budget_used, v.rel_l2,"
    " max(o.budget_used), max(o.rel_l2), count(o.run)"
    " FROM verdict v JOIN judged j ON j.id=v.judged"
    " LEFT JOIN (SELECT verdict.* FROM verdict JOIN run ON run.id=verdict.run"
    "  WHERE run.machine=?2 AND verdict.verdict='PASS' AND (run.date, run.id) < (?3, ?1)) o"
    "  ON o.judged=v.judged AND o.seed=v.seed"
    " WHERE v.run=?1 GROUP BY v.judged, v.seed ORDER BY j.op, j.impl, j.name";

static bool is_bad(const char *verdict)
{
    return strcmp(verdict, "PASS") != 0 && strcmp(verdict, "SKIP") != 0;
}

static bool has(sqlite3_stmt *s, int at)
{
    return sqlite3_column_type(s, at) != SQLITE_NULL;
}

static assay_status keep(check_result *result, sqlite3_stmt *s, bool bad, double before, double now,
                         assay_error *error)
{
    check_loss *const grown = realloc(result->loss, (result->loss_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the losses");
    }
    result->loss = grown;
    check_loss *const loss = &grown[result->loss_count++];
    *loss = (check_loss){history_column(s, 0), history_column(s, 1), history_column(s, 2),
                         history_column(s, 3), history_column(s, 4), history_column(s, 5),
                         now, before, bad};
    return loss->golden != NULL && loss->op != NULL && loss->impl != NULL && loss->name != NULL &&
                   loss->seed != NULL && loss->verdict != NULL
               ? ASSAY_OK
               : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the losses");
}

static assay_status weigh(check_result *result, sqlite3_stmt *s, assay_error *error)
{
    const char *const verdict = (const char *)sqlite3_column_text(s, 5);
    const bool known = sqlite3_column_int64(s, 10) > 0;
    const bool norms = has(s, 7) && has(s, 9);
    const double now = sqlite3_column_double(s, norms ? 7 : 6);
    const double before = known ? sqlite3_column_double(s, norms ? 9 : 8) : (double)NAN;
    const bool bad = is_bad(verdict);
    const bool judged = strcmp(verdict, "PASS") == 0;
    const bool numbers = norms || (has(s, 6) && has(s, 8));
    result->verdicts++;
    result->verdicts_known += known && (judged || bad);
    /* a bit: the error doubled */
    const bool grew = judged && known && numbers && now > 2.0 * before;
    return bad || grew ? keep(result, s, bad, before, now, error) : ASSAY_OK;
}

assay_status history_check_accuracy(history *h, const check_options *options, check_result *result,
                                    assay_error *error)
{
    const history_run_row *const run = &result->runs.row[result->newest];
    sqlite3_stmt *s = NULL;
    bool row = true;
    assay_status status = history_prepare(h, query, &s, error);
    if (status == ASSAY_OK) {
        (void)sqlite3_bind_int64(s, 1, run->id);
        (void)sqlite3_bind_text(s, 2, run->machine, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 3, run->date, -1, SQLITE_STATIC);
    }
    while (status == ASSAY_OK && row) {
        status = history_step(h, s, &row, error);
        if (status == ASSAY_OK && row && history_wants(&options->filter, s)) {
            status = weigh(result, s, error);
        }
    }
    (void)sqlite3_finalize(s);
    return status;
}
