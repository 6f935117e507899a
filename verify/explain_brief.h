/* Explanations of one new token in a prompt of a few, so that much can be asked of them: other
 * adapters on given vectors, some of them great, with a mean; other hooks of captured rows; a
 * steered explainer; many rows; another prompt in a second call. */
#ifndef VERIFY_EXPLAIN_BRIEF_H
#define VERIFY_EXPLAIN_BRIEF_H

#include "verify/explain_fresh.h"

enum { ASSAY_BRIEF_MOST = 4 };

typedef struct assay_brief_explanation {
    const char *how;
    bool many;   /* of many rows, all but a few of them repeated */
    bool second; /* asked of what the one before is prepared as */
    assay_explain_case read; /* forced: the oracle's token */
    assay_explain_truth truth;
} assay_brief_explanation;

/* Those of a case, none for most: count of them. They must not move and live as long as the judge's
 * arena. */
assay_status assay_brief_make(const assay_explain_judge *judge,
                              assay_brief_explanation brief[ASSAY_BRIEF_MOST], int *count,
                              assay_error *error);

/* Leaves the subject prepared in this way. */
assay_status assay_brief_judge(assay_brief_explanation *brief, const assay_judged *judged,
                               const assay_table *table, const assay_kernel *fused,
                               const assay_subject *subject);

#endif
