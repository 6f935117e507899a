/* What an explanation is judged by, stage by stage. */
#ifndef VERIFY_EXPLAIN_JUDGE_H
#define VERIFY_EXPLAIN_JUDGE_H

#include "verify/chain_explain.h"
#include "verify/stage_judge.h"

typedef struct assay_explain_judge {
    const assay_table *own; /* of the implementation at hand */
    const assay_case_context *context;
    const assay_explain_case *read;
    assay_explain_chain chain;
    assay_chain_case soft, logits; /* of one arena */
} assay_explain_judge;


/* Each part merges into judged->result a verdict that names the stage at fault: the soft tokens,
 * the logits that the expected tokens lead to, the free-running tokens (int64 [rows, steps]) by
 * their margins with the labels that they make. */
assay_status assay_explain_judge_soft(assay_explain_judge *judge, const assay_judged *judged,
                                      const assay_table *table, const assay_subject *subject,
                                      const assay_tensor *soft);
assay_status assay_explain_judge_logits(const assay_explain_judge *judge,
                                        const assay_judged *judged, const assay_table *table,
                                        const assay_subject *subject, const assay_tensor *logits,
                                        const assay_budget *budget);
assay_status assay_explain_judge_tokens(const assay_explain_judge *judge,
                                        const assay_judged *judged, const int64_t *got,
                                        const assay_budget *budget);

#endif
