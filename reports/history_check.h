/* The newest run against the stored ones.
 *
 * Two stages. Every case of the run is screened against the last runs of its series (the unit is
 * the run). A slowdown is *confirmed* by the series itself, when a step is found in it that lasts
 * (bench/statistics/steps.h), or, where the old program can still be run, by fresh process pairs of
 * the old and the new one (bench/statistics/gate.h); both hold the rate of false discoveries over
 * all cases of the run. What is only suspected is printed and fails nothing: one run cannot tell a
 * slow night from a slow kernel. */
#ifndef REPORTS_HISTORY_CHECK_H
#define REPORTS_HISTORY_CHECK_H

#include "bench/statistics/gate.h"
#include "reports/history.h"

struct cJSON;

typedef struct check_options {
    history_filter filter;
    size_t last;   /* runs looked at */
    size_t recent; /* a step older than so many runs is the new baseline */
    size_t least;  /* runs on each side of a step */
    double q;      /* rate of false discoveries over all cases of the run */
    double margin; /* changes within this share are none */
} check_options;

typedef enum check_state {
    CHECK_FINE,
    CHECK_SHORT,   /* no baseline, or too short a series for steps; screened if there was one */
    CHECK_SUSPECT, /* looks slower in this run alone */
    CHECK_SLOWER,  /* confirmed */
    CHECK_FASTER
} check_state;

typedef struct check_item {
    history_series *series;
    assay_gate_case screen;
    const assay_step *step; /* the latest one that counts, or NULL */
    double corrected_p;     /* of that step, over all cases of the run */
    size_t pairs;           /* that confirmed or cleared it; screen holds what they say */
    check_state state;
} check_item;

typedef struct check_pairs {
    const char *old_program, *new_program; /* two assay programs */
    const char *machine;                   /* that the run was made on */
    size_t most;                           /* pairs of one suspect */
} check_pairs;

typedef struct check_loss { /* of accuracy */
    char *golden, *op, *impl, *name, *seed, *verdict;
    double now, before; /* relative L2 error, or worst error in budgets where there is none */
    bool bad;           /* the verdict itself */
} check_loss;

/* A timing or a verdict of an earlier run that the checked run lacks. */
typedef struct check_gone {
    char *golden, *op, *impl, *name;
    char *cache;           /* "" for a verdict, golden for a timing */
    double batch, threads; /* of a timing */
    char *instead;         /* what the run has there, though it does not count: "SKIP", "FAIL";
                              "" nothing */
} check_gone;

typedef struct check_missing {
    size_t base; /* the place of the last earlier run with any of the kind; SIZE_MAX: none */
    bool all;    /* the checked run has none of the kind: it was not meant to; none is listed */
    check_gone *gone;
    size_t count;
} check_missing;

typedef struct check_result {
    history_runs runs; /* of the machine */
    size_t newest;     /* the place of the run that was checked */
    history_table table;
    check_item *item; /* one a case of the run */
    size_t item_count;
    size_t baselined; /* of them: with an earlier run */
    check_missing timings_gone, verdicts_gone;
    size_t count[5];  /* by check_state */
    check_loss *loss;
    size_t loss_count;
    size_t verdicts, verdicts_known; /* of the run; with an earlier one of the same case and seed */
} check_result;

/* run 0: the newest. ASSAY_BAD_INPUT when there is no such run. */
assay_status history_check(history *h, int64_t run, const check_options *options,
                           check_result *result, assay_error *error);
void check_result_free(check_result *result);
/* Times every suspect of a result with both programs and replaces its state. Seconds a pair. */
assay_status history_confirm(check_result *result, const check_options *options,
                             const check_pairs *pairs, assay_error *error);
/* Fills losses and verdict counts. */
assay_status history_check_accuracy(history *h, const check_options *options, check_result *result,
                                    assay_error *error);

/* Fills what is gone. */
assay_status history_check_gone(history *h, const check_options *options, check_result *result,
                                assay_error *error);
void check_missing_free(check_missing *missing);

void check_print(const check_result *result, FILE *out);
/* {"format":"assay-check", …}. */
assay_status check_write_json(const check_result *result, const char *path, assay_error *error);
/* Their parts on what is gone. */
void check_print_gone(const check_result *result, FILE *out);
void check_json_gone(const check_result *result, struct cJSON *root);
/* 0; 1 a confirmed slowdown or a loss of accuracy; 3 nothing was measured. */
int check_exit(const check_result *result);

#endif
