/* The subcommands of `assay history` behind their options. */
#ifndef REPORTS_HISTORY_COMMANDS_H
#define REPORTS_HISTORY_COMMANDS_H

#include "reports/history_check.h"

typedef struct history_arguments {
    const char *word; /* the subcommand, NULL when none was given */
    char **path;      /* what follows it */
    size_t path_count;
    const char *db, *machine, *label, *json, *out, *old_program;
    check_options check;
    int64_t run;
    size_t keep, pairs;
    bool keep_given, help;
} history_arguments;

extern const char history_help[];

/* 0, or the exit status after a complaint. */
int history_read_options(int argc, char **argv, history_arguments *a);

assay_status history_list(history *h, const history_arguments *a, assay_error *error);
assay_status history_show(history *h, const history_arguments *a, assay_error *error);
/* Every case over the runs of the machine, steps marked, as what the path's end says: a page
 * (.html), or one drawing (.svg, .png). Prints the path. */
assay_status history_plot(history *h, const history_arguments *a, assay_error *error);

#endif
