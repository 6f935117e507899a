/* A campaign of right kernels: what is counted, kept on disk while it runs, and reported. */
#ifndef VERIFY_SELFTEST_FALSE_ALARMS_H
#define VERIFY_SELFTEST_FALSE_ALARMS_H

#include "assay/result.h"

enum { ASSAY_ALARMS_MAX = 100 }; /* described one by one; all are counted */

typedef struct assay_alarm {
    uint64_t run, seed;
    int32_t threads;
    char verdict[16], check[16], op[32], impl[64], case_id[160];
    char message[256];
} assay_alarm;

typedef struct assay_alarm_tally {
    uint64_t seed; /* of the campaign: every run's follows from it */
    bool pairs;    /* every pair of case and contract in turn, not drawn ones */
    uint64_t runs, alarms, verdicts, skipped, elements, undecided;
    uint64_t left_out; /* pairs of case and contract that no kernel could be judged on */
    double worst; /* the greatest error in units of its budget */
    double seconds;
    assay_alarm described[ASSAY_ALARMS_MAX];
} assay_alarm_tally;

/* What a run adds, written as one line, so a campaign that was stopped loses no run that ended. */
typedef struct assay_alarm_journal assay_alarm_journal;

/* Opens the journal beside the JSON file. With resume, what it holds is added to the tally; a
 * journal of another seed or kind is ASSAY_BAD_INPUT. Without, an earlier one is begun anew. */
assay_status assay_alarm_journal_open(const char *json, bool resume, assay_alarm_tally *tally,
                                      assay_alarm_journal **journal, assay_error *error);
/* Appends the run that took the tally from `before` to `after`. NULL journal: nothing is kept. */
assay_status assay_alarm_journal_add(assay_alarm_journal *journal, const assay_alarm_tally *before,
                                     const assay_alarm_tally *after, assay_error *error);
/* The file stays for a later --resume. */
void assay_alarm_journal_close(assay_alarm_journal **journal);

/* The rate that is exceeded with 95% confidence by no more than this: Clopper and Pearson's
 * one-sided bound, 1 - 0.05^(1/N) (about 3/N) when nothing was seen. */
double assay_alarm_bound(uint64_t alarms, uint64_t runs);

void assay_alarm_print(const assay_alarm_tally *tally);
assay_status assay_alarm_write_json(const assay_alarm_tally *tally, const char *command,
                                    const char *path, assay_error *error);

#endif
