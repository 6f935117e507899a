/* The database of the history, SQLite, and how it is held: write-ahead log, every commit synced,
 * foreign keys, waiting for other writers. A run is stored whole, in one transaction, or not at
 * all; whoever is killed, or finds the disk full, leaves what was stored as it was. */
#ifndef REPORTS_HISTORY_DB_H
#define REPORTS_HISTORY_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"

typedef struct history {
    sqlite3 *db;
    char *path;
} history;

/* create: makes folder and file when they are missing; else ASSAY_IO says how to make them. Older
 * versions are migrated, newer ones refused, and so is a database of another program. */
assay_status history_open(const char *path, bool create, history *h, assay_error *error);
void history_close(history *h);

assay_status history_exec(history *h, const char *sql, assay_error *error);
/* The statement is the caller's to finalize; NULL on failure. */
assay_status history_prepare(history *h, const char *sql, sqlite3_stmt **statement,
                             assay_error *error);
/* One step: *row tells whether there is one. */
assay_status history_step(history *h, sqlite3_stmt *statement, bool *row, assay_error *error);
/* A statement that gives no rows; reset afterwards. */
assay_status history_run(history *h, sqlite3_stmt *statement, assay_error *error);
/* What SQLite last complained of, in words with a remedy. */
assay_status history_fail(const history *h, assay_error *error);

/* $ASSAY_HISTORY, else assay/history.sqlite of the user's data folder; the caller's to free. */
char *history_default_path(void);

#endif
