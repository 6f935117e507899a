/* Which stage of an explanation is at fault: stages of the implementation under test are swapped
 * for the oracle's, and the first that leaves its budget by itself is named. */
#ifndef VERIFY_EXPLAIN_BLAME_H
#define VERIFY_EXPLAIN_BLAME_H

#include "verify/chain_explain.h"
#include "verify/judged.h"

typedef struct assay_explain_blame {
    assay_session *session;      /* holds the prepared explain subject */
    const assay_subject *subject;
    const assay_table *table;    /* of the implementation: what it has */
    const assay_explain_case *read;
    const double *soft_truth;    /* the oracle's soft tokens [rows, width] */
    assay_dtype type;            /* of the implementation's activations */
    assay_arena *arena;
    assay_error *error;
} assay_explain_blame;

/* The soft tokens are wrong: with the oracle's captured rows in place of its own, are they still?
 * "capture" or "adapter". */
assay_status assay_blame_soft(const assay_explain_blame *blame, const double *expected,
                              const assay_budget *budget, const char **stage);
/* The logits are wrong though the soft tokens are not: with the oracle's soft tokens, are they
 * still? "explainer", or "adapter" when it is the small error of its soft tokens that leads there.
 * The session then holds another subject. */
assay_status assay_blame_logits(const assay_explain_blame *blame, const double *expected,
                                const assay_budget *budget, const char **stage);

#endif
