/* The chain behind `explain` cases: rows captured or given, the adapter (output 0, the soft
 * tokens), the explainer's logits with the expected tokens forced (output 1). */
#ifndef VERIFY_CHAIN_EXPLAIN_H
#define VERIFY_CHAIN_EXPLAIN_H

#include "verify/explain_case.h"

enum { ASSAY_EXPLAIN_SOFT = 0, ASSAY_EXPLAIN_LOGITS = 1 };

typedef struct assay_explain_chain {
    assay_chain chain; /* its context is this struct, so it must not move */
    const assay_explain_case *read;
    assay_chain_output output[2];
} assay_explain_chain;

/* read must outlive the chain; what else it needs lives in the arena. */
assay_status assay_explain_chain_make(const assay_case_context *context,
                                      const assay_explain_case *read, assay_arena *arena,
                                      assay_explain_chain *chain, assay_error *error);

/* The chain of any explanation; key names it where its scales are kept. */
void assay_explain_chain_set(const assay_explain_case *read, const char *key, uint64_t seed,
                             assay_explain_chain *chain);

#endif
