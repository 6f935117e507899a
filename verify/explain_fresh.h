/* Explanations of rows that no bundle has (fresh.h): vectors of which two are equal and one is
 * zero, one the negative of another, or rows captured from prompts of other tokens; in a short
 * prompt with placeholders at both its ends and between; sampled, the first vector's with
 * many new tokens. */
#ifndef VERIFY_EXPLAIN_FRESH_H
#define VERIFY_EXPLAIN_FRESH_H

#include "verify/explain_judge.h"
#include "verify/generate_again.h"

/* The soft tokens and logits of an explanation's chain. */
typedef struct assay_explain_truth {
    assay_explain_chain chain;
    assay_chain_case soft, logits;
} assay_explain_truth;

/* A row: the first of a case's vectors or the last, so many times. */
typedef struct assay_vector_of {
    bool last;
    double times;
} assay_vector_of;

/* rows of io: of given vectors; or at places (prompt, position) of drawn prompts (fresh.h). */
assay_status assay_explain_take_vectors(const assay_explain_io *from,
                                        const assay_vector_of vector[], int64_t rows,
                                        assay_arena *arena, assay_explain_io *io,
                                        assay_error *error);
assay_status assay_explain_take_rows(const assay_explain_case *given, const int64_t at[][2],
                                     int64_t rows, uint64_t seed, assay_arena *arena,
                                     assay_explain_io *io, assay_error *error);

/* The tokens that the oracle takes become the forced ones. */
assay_status assay_explain_take_tokens(assay_explain_case *read, assay_arena *arena,
                                       assay_error *error);
/* read and truth must not move. */
assay_status assay_explain_truth_make(const assay_case_context *context, const char *how,
                                      const assay_explain_case *read, assay_arena *arena,
                                      assay_explain_truth *truth, assay_error *error);

typedef struct assay_fresh_explanation {
    bool wanted;
    assay_explain_case read; /* the case's, with rows of its own; forced: the oracle's tokens */
    assay_explain_truth truth;
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
