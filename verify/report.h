/* Verdicts collected: a table for people, a JSON file for programs, an exit status for CI. */
#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

#include <cjson/cJSON.h>

#include "assay/result.h"

typedef struct assay_report {
    assay_result *result;
    size_t count, capacity;
    bool progress;    /* a line on stderr that is overwritten: terminals only */
    bool colour;
    size_t expected;  /* cases to come, for the progress line */
    size_t cases;
    char last[160];   /* the case that the progress line shows */
    const char *extra; /* options that a repeat needs besides those of the case, each with a space
                          before it, or NULL */
    const char *const *plugin; /* [plugin_count] whose devices the results are to name */
    size_t plugin_count;
} assay_report;

/* A sink that keeps a copy of every result. The strings in a result (golden, op, impl, case) are
 * copied too and live as long as the report. */
assay_sink assay_report_sink(assay_report *report);
void assay_report_free(assay_report *report);

/* Puts results in the order of their keys, those of one key as they came. */
void assay_report_sort(assay_report *report, const size_t *keys);

/* One row an (op, implementation): cases, worst error in units of its budget, verdict; then one
 * paragraph a failure with the command that repeats it; then what was skipped, by reason. */
void assay_report_print(const assay_report *report, FILE *out);

/* {"format":"assay-results","version":…,"command":…,"environment":{…},"verdicts":[…]}
 * (reports/schema): 64-bit numbers are strings; a number that is not finite is "inf", "-inf" or
 * "nan". */
assay_status assay_report_write_json(const assay_report *report, const char *path,
                                     assay_error *error);

/* Any JSON to a file, whole or not at all; "-" is standard output. */
assay_status assay_json_write(const cJSON *root, const char *path, assay_error *error);

/* 0 when nothing is FAIL, VOID, CRASH or TIMEOUT, else 1. */
int assay_report_exit(const assay_report *report);

#endif
