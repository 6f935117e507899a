#include "reports/history_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x41535359, /* "ASSY": the file is a history and not some other database */
    WAIT_MILLISECONDS = 30000
};

/* What each version adds to the one before; the number of them is the version written. Times are
 * seconds. `processes` is the medians of the timing's processes, float64 in the byte order of all
 * machines assay runs on (little-endian). */
static const char *const migrations[] = {
    "CREATE TABLE run(id INTEGER PRIMARY KEY, added TEXT NOT NULL, date TEXT NOT NULL,"
    " machine TEXT NOT NULL, revision TEXT NOT NULL, label TEXT NOT NULL, command TEXT NOT NULL,"
    " environment TEXT NOT NULL);"
    "CREATE TABLE file(digest TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES run"
    " ON DELETE CASCADE) WITHOUT ROWID;"
    "CREATE INDEX file_by_run ON file(run);"
    "CREATE INDEX run_by_machine ON run(machine, date);"
    "CREATE TABLE item(id INTEGER PRIMARY KEY, op TEXT NOT NULL, impl TEXT NOT NULL,"
    " name TEXT NOT NULL, batch REAL NOT NULL, cache TEXT NOT NULL, threads REAL NOT NULL,"
    " UNIQUE(op, impl, name, batch, cache, threads));"
    "CREATE TABLE timing(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " item INTEGER NOT NULL REFERENCES item, verdict TEXT NOT NULL, impossible INTEGER NOT NULL,"
    " seconds REAL NOT NULL, low REAL, high REAL, floor_fraction REAL, processes BLOB NOT NULL,"
    " PRIMARY KEY(run, item)) WITHOUT ROWID;"
    "CREATE INDEX timing_by_item ON timing(item);"
    "CREATE TABLE judged(id INTEGER PRIMARY KEY, golden TEXT NOT NULL, op TEXT NOT NULL,"
    " impl TEXT NOT NULL, name TEXT NOT NULL, UNIQUE(golden, op, impl, name));"
    "CREATE TABLE verdict(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " judged INTEGER NOT NULL REFERENCES judged, seed TEXT NOT NULL, verdict TEXT NOT NULL,"
    " budget_used REAL, rel_l2 REAL, PRIMARY KEY(run, judged, seed)) WITHOUT ROWID;"
    "CREATE INDEX verdict_by_judged ON verdict(judged);"};
enum { VERSION = sizeof migrations / sizeof *migrations };

assay_status history_fail(const history *h, assay_error *error)
{
    const int code = sqlite3_errcode(h->db);
    const char *remedy = "";
    switch (code & 0xFF) {
    case SQLITE_FULL: remedy = ": nothing was changed; make room and run it again"; break;
    case SQLITE_BUSY: remedy = ": another process writes to it for too long; run it again"; break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        remedy = ": file and folder must be writable, also to read: check permissions, or copy it";
        break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: remedy = ": not a history, or damaged; name another with --db"; break;
    case SQLITE_IOERR: remedy = ": nothing was changed; check the disk and its space"; break;
    case SQLITE_ERROR: /* a table or column that should be there is not */
        remedy = ": not a history as this program knows it; name another with --db";
        break;
    default: break;
    }
    return assay_fail(error, ASSAY_IO, "%s: %s%s", h->path, sqlite3_errmsg(h->db), remedy);
}

assay_status history_exec(history *h, const char *sql, assay_error *error)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ASSAY_OK
                                                                   : history_fail(h, error);
}

assay_status history_prepare(history *h, const char *sql, sqlite3_stmt **statement,
                             assay_error *error)
{
    *statement = NULL;
    return sqlite3_prepare_v2(h->db, sql, -1, statement, NULL) == SQLITE_OK
               ? ASSAY_OK
               : history_fail(h, error);
}

assay_status history_step(history *h, sqlite3_stmt *statement, bool *row, assay_error *error)
{
    const int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? ASSAY_OK : history_fail(h, error);
}

assay_status history_run(history *h, sqlite3_stmt *statement, assay_error *error)
{
    bool row;
    const assay_status status = history_step(h, statement, &row, error);
    (void)sqlite3_reset(statement);
    return status;
}

static assay_status pragma(history *h, const char *name, int64_t *value, assay_error *error)
{
    char sql[64];
    sqlite3_stmt *statement = NULL;
    bool row = false;
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", name);
    assay_status status = history_prepare(h, sql, &statement, error);
    if (status == ASSAY_OK) {
        status = history_step(h, statement, &row, error);
    }
    *value = row ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    return status;
}

/* Whose database is it? Nothing is changed before this is known. *version 0: an empty file. */
static assay_status identify(history *h, int64_t *version, assay_error *error)
{
    int64_t application;
    int64_t tables;
    assay_status status = pragma(h, "user_version", version, error);
    if (status == ASSAY_OK) {
        status = pragma(h, "application_id", &application, error);
    }
    if (status == ASSAY_OK) {
        status = pragma(h, "schema_version", &tables, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (application != APPLICATION_ID && (application != 0 || *version != 0 || tables != 0)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: a database of another program: name another with --db", h->path);
    }
    return *version <= VERSION
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: written by a newer assay (version %lld, this one knows %d): use "
                            "that one, or name another with --db",
                            h->path, (long long)*version, (int)VERSION);
}

/* Inside a write transaction: two that open a new history at once migrate one after the other. */
static assay_status migrate(history *h, assay_error *error)
{
    int64_t version;
    char sql[96];
    assay_status status = identify(h, &version, error);
    for (int64_t v = version; v < VERSION && status == ASSAY_OK; v++) {
        status = history_exec(h, migrations[v], error);
    }
    if (status == ASSAY_OK && version < VERSION) {
        (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                       APPLICATION_ID, VERSION);
        status = history_exec(h, sql, error);
    }
    return status;
}

static assay_status bring_up_to_date(history *h, assay_error *error)
{
    assay_status status = history_exec(h, "BEGIN IMMEDIATE", error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = migrate(h, error);
    if (status == ASSAY_OK) {
        status = history_exec(h, "COMMIT", error);
    }
    if (status != ASSAY_OK) {
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

/* All of it as it was at one moment: another may be making the history just now. */
static assay_status identify_at_once(history *h, int64_t *version, assay_error *error)
{
    assay_status status = history_exec(h, "BEGIN", error);
    if (status == ASSAY_OK) {
        status = identify(h, version, error);
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

/* The change to a write-ahead log needs the file alone for a moment, and SQLite does not wait for
 * that: several that open a new history at once take turns. */
static assay_status set_journal(history *h, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int i = 0; i < WAIT_MILLISECONDS / 20; i++) {
        status = history_exec(h, "PRAGMA journal_mode=WAL", error);
        if (status == ASSAY_OK || (sqlite3_errcode(h->db) & 0xFF) != SQLITE_BUSY) {
            break;
        }
        (void)usleep(20000);
    }
    return status;
}

/* mkdir -p of the folder that path lies in. */
static void make_folders(const char *path)
{
    char *const copy = strdup(path);
    for (char *at = copy; at != NULL && (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        (void)mkdir(copy, 0777); /* what cannot be made is said when the file is opened */
        *at = '/';
    }
    free(copy);
}

assay_status history_open(const char *path, bool create, history *h, assay_error *error)
{
    *h = (history){.path = strdup(path)};
    if (h->path == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (!create && access(path, F_OK) != 0) {
        return assay_fail(error, ASSAY_IO,
                          "%s: no history there: assay history add RESULT... makes one", path);
    }
    if (create) {
        make_folders(path);
    }
    const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(path, &h->db, flags, NULL) != SQLITE_OK) {
        return h->db != NULL ? history_fail(h, error)
                             : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    (void)sqlite3_busy_timeout(h->db, WAIT_MILLISECONDS);
    (void)sqlite3_extended_result_codes(h->db, 0);
    int64_t version;
    assay_status status = identify_at_once(h, &version, error);
    if (status == ASSAY_OK) {
        status = set_journal(h, error);
    }
    if (status == ASSAY_OK) {
        status = history_exec(h, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", error);
    }
    return status == ASSAY_OK && version < VERSION ? bring_up_to_date(h, error) : status;
}

void history_close(history *h)
{
    (void)sqlite3_close_v2(h->db);
    free(h->path);
    *h = (history){0};
}

char *history_default_path(void)
{
    const char *const named = getenv("ASSAY_HISTORY");
    const char *const data = getenv("XDG_DATA_HOME");
    const char *const home = getenv("HOME");
    char *path = NULL;
    if (named != NULL && named[0] != '\0') {
        return strdup(named);
    }
    const bool own = data != NULL && data[0] != '\0';
    const int written = asprintf(&path, "%s%s/assay/history.sqlite",
                                 own            ? data
                                 : home != NULL ? home
                                                : ".",
                                 own ? "" : "/.local/share");
    return written >= 0 ? path : NULL;
}
