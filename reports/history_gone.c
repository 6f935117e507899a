/* What the runs before had and the checked run lacks. */
#include <stdlib.h>
#include <string.h>

#include "reports/history_check.h"

/* Counting timings of the run before that the checked one has none of; what it has instead. */
static const char timings_query[] =
    "SELECT '', i.op, i.impl, i.name, i.cache, i.batch, i.threads,"
    " (SELECT CASE WHEN n.impossible THEN 'impossibly fast' ELSE n.verdict END FROM timing n"
    "  WHERE n.run=?1 AND n.item=t.item) AS instead"
    " FROM timing t JOIN item i ON i.id=t.item"
    " WHERE t.run=?2 AND t.verdict='PASS' AND t.impossible=0 AND NOT EXISTS (SELECT 1 FROM timing n"
    "  WHERE n.run=?1 AND n.item=t.item AND n.verdict='PASS' AND n.impossible=0)"
    " ORDER BY instead IS NULL, i.op, i.impl, i.name, i.cache, i.threads, i.batch";

/* Cases judged in the run before and not in the checked one, under whatever seed. */
static const char verdicts_query[] =
    "SELECT DISTINCT j.golden, j.op, j.impl, j.name, '', 0, 0,"
    " (SELECT min(n.verdict) FROM verdict n WHERE n.run=?1 AND n.judged=v.judged) AS instead"
    " FROM verdict v JOIN judged j ON j.id=v.judged"
    " WHERE v.run=?2 AND v.verdict<>'SKIP' AND NOT EXISTS (SELECT 1 FROM verdict n"
    "  WHERE n.run=?1 AND n.judged=v.judged AND n.verdict<>'SKIP')"
    " ORDER BY instead IS NULL, j.op, j.impl, j.golden, j.name";

static assay_status keep(check_missing *missing, sqlite3_stmt *s, assay_error *error)
{
    check_gone *const grown = realloc(missing->gone, (missing->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the cases that are gone");
    }
    missing->gone = grown;
    check_gone *const gone = &grown[missing->count++];
    *gone = (check_gone){.golden = history_column(s, 0),
                         .op = history_column(s, 1),
                         .impl = history_column(s, 2),
                         .name = history_column(s, 3),
                         .cache = history_column(s, 4),
                         .batch = sqlite3_column_double(s, 5),
                         .threads = sqlite3_column_double(s, 6),
                         .instead = history_column(s, 7)};
    return gone->golden != NULL && gone->op != NULL && gone->impl != NULL && gone->name != NULL &&
                   gone->cache != NULL && gone->instead != NULL
               ? ASSAY_OK
               : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the cases that are gone");
}

static assay_status read_missing(history *h, const char *query, const check_options *options,
                                 const check_result *result, check_missing *missing,
                                 assay_error *error)
{
    sqlite3_stmt *s = NULL;
    bool row = true;
    assay_status status = history_prepare(h, query, &s, error);
    if (status == ASSAY_OK) {
        (void)sqlite3_bind_int64(s, 1, result->runs.row[result->newest].id);
        (void)sqlite3_bind_int64(s, 2, result->runs.row[missing->base].id);
    }
    while (status == ASSAY_OK && row) {
        status = history_step(h, s, &row, error);
        if (status == ASSAY_OK && row && history_wants(&options->filter, s)) {
            status = keep(missing, s, error);
        }
    }
    (void)sqlite3_finalize(s);
    return status;
}

/* Timings are compared with the last run that had any, and verdicts likewise: a run of one kind
 * stored between two of the other does not hide what went. */
static size_t base_of(const check_result *result, bool verdicts)
{
    size_t at = result->newest;
    while (at-- > 0) {
        const history_run_row *const row = &result->runs.row[at];
        if ((verdicts ? row->verdicts : row->timings) > 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

assay_status history_check_gone(history *h, const check_options *options, check_result *result,
                                assay_error *error)
{
    const history_run_row *const run = &result->runs.row[result->newest];
    check_missing *const both[] = {&result->timings_gone, &result->verdicts_gone};
    assay_status status = ASSAY_OK;
    for (int kind = 0; kind < 2 && status == ASSAY_OK; kind++) {
        check_missing *const missing = both[kind];
        missing->base = base_of(result, kind == 1);
        missing->all = missing->base != SIZE_MAX && (kind == 1 ? run->verdicts : run->timings) == 0;
        if (missing->base != SIZE_MAX && !missing->all) {
            status = read_missing(h, kind == 1 ? verdicts_query : timings_query, options, result,
                                  missing, error);
        }
    }
    return status;
}

void check_missing_free(check_missing *missing)
{
    for (size_t i = 0; i < missing->count; i++) {
        check_gone *const gone = &missing->gone[i];
        free(gone->golden);
        free(gone->op);
        free(gone->impl);
        free(gone->name);
        free(gone->cache);
        free(gone->instead);
    }
    free(missing->gone);
    *missing = (check_missing){0};
}
