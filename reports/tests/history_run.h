/* A history in a scratch folder, filled with generated runs. */
#ifndef REPORTS_TESTS_HISTORY_RUN_H
#define REPORTS_TESTS_HISTORY_RUN_H

#include <criterion/criterion.h>
#include <sqlite3.h>

#include "reports/tests/files.h"

/* One night's result file: night 0 is the first of January. */
static inline void history_file(const char *folder, const char *name, int night, generate_options o)
{
    char date[32];
    snprintf(date, sizeof date, "2026-%02d-%02dT03:00:00Z", 1 + night / 28, 1 + night % 28);
    o.date = date;
    o.seed = o.seed * 1000 + (uint64_t)night;
    files_add(folder, name, &o);
}

static inline void history_add_night(const char *folder, int night, generate_options o)
{
    history_file(folder, "night.json", night, o);
    run_expect(0, "history add %s/night.json --db %s/h.sqlite", folder, folder);
}

/* Nights first to last - 1. */
static inline void history_add_nights(const char *folder, int first, int last, generate_options o)
{
    for (int night = first; night < last; night++) {
        history_add_night(folder, night, o);
    }
}

/* The first column of a query's first row, asked by a program that is not assay. */
static inline char *history_ask(const char *folder, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    char *answer = NULL;
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    const int code = sqlite3_step(s);
    cr_assert(code == SQLITE_ROW || code == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    if (code == SQLITE_ROW && sqlite3_column_text(s, 0) != NULL) {
        answer = strdup((const char *)sqlite3_column_text(s, 0));
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    return answer;
}

static inline long history_count(const char *folder, const char *sql)
{
    char *const text = history_ask(folder, sql);
    const long count = text != NULL ? strtol(text, NULL, 10) : -1;
    free(text);
    return count;
}

static inline void history_expect_whole(const char *folder)
{
    char *const answer = history_ask(folder, "PRAGMA integrity_check");
    cr_assert_str_eq(answer, "ok");
    free(answer);
}

#endif
