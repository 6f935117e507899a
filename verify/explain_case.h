/* An `explain` case of a bundle, read into the explain stage's operands. */
#ifndef VERIFY_EXPLAIN_CASE_H
#define VERIFY_EXPLAIN_CASE_H

#include "verify/cases.h"
#include "verify/explain/host.h"

enum { ASSAY_EXPLAIN_EOS_MAX = 64 };

typedef struct assay_explain_case {
    assay_explain_params params;
    assay_explain_io io; /* inputs; forced is the expected tokens */
    assay_prompt prompt;
    assay_style style;
    const assay_tokenizer *tokenizer; /* the explainer's */
    int64_t rows, width, steps, vocab;
    int64_t eos[ASSAY_EXPLAIN_EOS_MAX];
    assay_tensor soft; /* expected [rows, width] */
} assay_explain_case;

assay_status assay_explain_case_read(const assay_case_context *context, assay_arena *arena,
                                     assay_explain_case *read, assay_error *error);
/* Output tensors of io for so many rows: soft tokens, new tokens, and the logits where they are
 * asked for. */
assay_status assay_explain_case_outputs(const assay_explain_case *read, int64_t rows,
                                        assay_dtype type, bool logits, assay_arena *arena,
                                        assay_explain_io *io, assay_error *error);
void assay_explain_case_free(assay_explain_case *read);

#endif
