/* Result files against the first of them: same cases matched by identity, ratios of times, changes
 * of accuracy, differences of environment.
 *
 * The files' runs were not interleaved, so what differs between sessions (other load, another
 * clock) is in the ratio and not in its interval: such comparisons are called unpaired, need a
 * larger change for a verdict (margin), and the ratio common to all cases is reported beside. */
#ifndef REPORTS_COMPARE_H
#define REPORTS_COMPARE_H

#include "bench/statistics/paired.h"
#include "reports/results.h"

enum { COMPARE_FILES_MAX = 26 }; /* A to Z */

typedef struct compare_options {
    const char *op, *impl, *case_id; /* lists of globs, NULL for all */
    const char *from, *to; /* an implementation of the first file against another of the others */
    double q;              /* rate of false discoveries */
    double margin;         /* changes within 1 + margin are none */
} compare_options;

/* One case of the first file in another one. */
typedef struct compare_case {
    const results_timing *base, *now;
    size_t file;            /* from 1 */
    size_t processes[2];    /* of base, of now */
    results_estimate ratio; /* time of base over time of now: above 1, now is faster */
    double p, corrected_p;  /* corrected over all cases of that file */
    double floor_ratio;     /* of the fractions of the floor, now over base; NaN unknown */
    assay_change change;
} compare_case;

typedef enum compare_kind { COMPARE_SAME, COMPARE_BETTER, COMPARE_WORSE } compare_kind;

/* A verdict that another file gives otherwise, or an error that grew or shrank by a bit (a factor
 * of two) or more. */
typedef struct compare_accuracy {
    const results_verdict *base, *now;
    size_t file;
    compare_kind kind;
} compare_accuracy;

typedef struct compare_file {
    assay_results results; /* unified */
    char label[64];        /* "A name" */
    size_t matched, only_base, only_now;
    size_t count[4];     /* by assay_change */
    double common_ratio; /* the median over all cases */
} compare_file;

typedef struct comparison {
    compare_options options;
    compare_file *file;
    size_t file_count;
    compare_case *item;
    size_t item_count;
    compare_accuracy *accuracy;
    size_t accuracy_count;
    size_t accuracy_same; /* verdicts compared and found alike */
} comparison;

/* Loads and compares; ASSAY_BAD_INPUT when a file is wrong or no case is in two of them. */
assay_status compare_open(comparison *c, const compare_options *options, char **paths, size_t count,
                          assay_error *error);
void compare_close(comparison *c);

/* The medians of a timing's processes, in order of the processes; one when they were not recorded.
 * The list is the caller's; NULL when memory is out. */
double *compare_process_medians(const results_timing *timing, size_t *count);
/* Ratios, p values and verdicts of items of one file. */
assay_status compare_judge(compare_case *item, size_t count, const compare_options *options,
                           assay_error *error);
/* Fills c->accuracy. */
assay_status compare_accuracies(comparison *c, assay_error *error);

/* Calls back for every key of the environments that is not the same everywhere (dates aside), with
 * one text a file. */
typedef void (*compare_difference)(void *context, const char *key, char *const *value,
                                   size_t count);
void compare_environments(const comparison *c, compare_difference each, void *context);
size_t compare_count_differences(const comparison *c);

void compare_print(const comparison *c, bool all, FILE *out);
assay_status compare_json(const comparison *c, const char *path, assay_error *error);
assay_status compare_html(const comparison *c, const char *path, assay_error *error);

#endif
