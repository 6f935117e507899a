/* Verdicts kept as they are made, so that a run that was interrupted goes on where it stopped: a
 * line of JSON each, written and flushed at once, in FILE.journal beside the results' FILE. The
 * first line says what run it is of. */
#ifndef VERIFY_JOURNAL_H
#define VERIFY_JOURNAL_H

#include <pthread.h>
#include <stdio.h>

#include "verify/report.h"

typedef struct assay_journal {
    char *path;
    FILE *file;
    pthread_mutex_t lock;
    assay_report kept; /* what an earlier run left */
} assay_journal;

/* Starts a journal for the results file `path`; run describes everything that decides what is
 * judged (options, revision, plug-ins). resume: an existing journal of the same run is read first;
 * one of another run, or with a line that is no verdict, is ASSAY_BAD_INPUT; a last line that was
 * cut off is dropped. A journal that another process writes is ASSAY_IO. */
assay_status assay_journal_open(const char *path, const char *run, bool resume,
                                assay_journal *journal, assay_error *error);
/* remove: the results are complete and stand elsewhere. */
void assay_journal_close(assay_journal *journal, bool remove);

assay_status assay_journal_append(assay_journal *journal, const assay_result *result,
                                  assay_error *error);
/* The verdict kept from before, or NULL. */
const assay_result *assay_journal_find(const assay_journal *journal, const char *source,
                                       const char *case_id, const char *impl);

#endif
