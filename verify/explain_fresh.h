/* Explanations of rows that no bundle has (fresh.h): vectors of which two are equal and one is
 * zero, or rows captured from prompts of other tokens; in a short prompt with placeholders at both
 * its ends and between; sampled. */
#ifndef VERIFY_EXPLAIN_FRESH_H
#define VERIFY_EXPLAIN_FRESH_H

#include "verify/explain_judge.h"
#include "verify/generate_again.h"

typedef struct assay_fresh_explanation {
    bool wanted;
    assay_explain_case read; /* the case's, with rows of its own; forced: the oracle's tokens */
    assay_explain_chain chain;
    assay_chain_case soft, logits;
} assay_fresh_explanation;

/* judge: the case's, with its truth. fresh must not move and lives as long as the judge's arena. */
assay_status assay_fresh_explanation_make(const assay_explain_judge *judge,
                                          assay_fresh_explanation *fresh, assay_error *error);

/* Runs freely, then with the oracle's tokens forced; leaves the subject prepared in this way. */
assay_status assay_fresh_explanation_judge(assay_fresh_explanation *fresh,
                                           const assay_judged *judged, const assay_table *table,
                                           const assay_kernel *fused,
                                           const assay_subject *subject);

#endif
