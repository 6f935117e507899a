/* The gate tried on something whose truth is known: both stages, on cases of which some were made
 * slower on purpose. */
#ifndef BENCH_GATE_TRIAL_H
#define BENCH_GATE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

enum { ASSAY_TRIAL_CASES = 40, ASSAY_TRIAL_SLOW = 4 };

typedef struct assay_trial {
    /* What is tried. */
    size_t cases;      /* 1, or ASSAY_TRIAL_CASES of which ASSAY_TRIAL_SLOW are slowed */
    bool kernel;       /* nothing planted, one case: any of the tiny ones that bench times */
    bool extra;        /* planted as extra work; else as a delay */
    int percent;       /* 0: nothing is planted; else one that planted.c has */
    size_t pairs_most; /* of a suspect; 0: the gate's own */
    double seconds;    /* allowed for a case; 0: as many pairs as may be needed */
    uint64_t seed;
    /* What came of it. */
    char first[64]; /* the first case */
    double spent;   /* seconds, all cases */
    double load;    /* processes that were running on the machine, the average of the last minute */
    size_t suspects;
    size_t pairs;  /* of all cases, screening included */
    size_t slower; /* cases called so */
    size_t right;  /* of them, those that are */
    double slowdown; /* the first case's (a slowed one, if any is); with its interval and p */
    double low;
    double high;
    double p;
    double noise; /* standard deviation of the first case's pairs' log ratios */
} assay_trial;

/* Runs both stages with assay_gate_run's options. plugin: the planted kernels. */
assay_status assay_trial_run(assay_trial *trial, const char *plugin, assay_error *error);

#endif
