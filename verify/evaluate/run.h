/* Every implementation run through a world, several at once. */
#ifndef VERIFY_EVALUATE_RUN_H
#define VERIFY_EVALUATE_RUN_H

#include "verify/evaluate/options.h"
#include "verify/evaluate/report.h"

typedef struct assay_evaluate_run {
    const assay_world *world;
    const assay_campaign *campaign; /* holds the implementations */
    const assay_evaluate_options *options;
    bool progress;         /* a line on standard error that says how far it is */
    assay_observed truth;  /* out: what float64 makes of the world */
    assay_evaluations all; /* out: implementation by implementation, SAE by SAE */
} assay_evaluate_run;

/* Whether a table runs the whole pipeline; an error says what it lacks. */
assay_status assay_evaluate_supports(const assay_table *table, assay_error *error);

/* What a kernel does wrong is in its evaluation; an error is the harness's own trouble, or a world
 * whose figures are not the reference's. The caller frees truth and all.item either way. */
assay_status assay_evaluate_all(assay_evaluate_run *run, assay_error *error);

#endif
