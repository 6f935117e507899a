/* The chain behind `capture` and `logits` cases: a model over a ragged batch, looked at wherever a
 * case of the bundle wants it. Cases that differ only in hook, positions or expectation are outputs
 * of one chain; it runs once for all of them. */
#ifndef VERIFY_CHAIN_CAPTURE_H
#define VERIFY_CHAIN_CAPTURE_H

#include "verify/cases.h"

typedef struct assay_capture_tap {
    bool logits;     /* of every row; hook does not count then */
    assay_hook hook;
    int64_t *pick;   /* rows that are wanted; NULL: all */
    int64_t rows;
} assay_capture_tap;

typedef struct assay_capture_chain {
    assay_chain chain; /* its context is this struct, so it must not move */
    assay_model model;
    assay_tensor tokens, lengths;
    int64_t rows; /* valid tokens of all prompts */
    assay_capture_tap *tap; /* [chain.output_count] */
    size_t own;             /* the output of the case it was made for */
} assay_capture_chain;

/* The chain of context's case, a capture or logits case, and of all others (among those selected)
 * with the same model and prompts. All it needs lives in the arena or is the model's. */
assay_status assay_capture_chain_make(const assay_case_context *context,
                                      const assay_model *model, const assay_tensor *tokens,
                                      const assay_tensor *lengths, assay_arena *arena,
                                      assay_capture_chain *chain, assay_error *error);

/* The chain of any capture, its one output all rows at params->hook; key names it where its scales
 * are kept. */
assay_status assay_capture_chain_set(const assay_capture_params *params,
                                     const assay_tensor *tokens, const assay_tensor *lengths,
                                     const char *key, uint64_t seed, assay_arena *arena,
                                     assay_capture_chain *chain, assay_error *error);

/* The last place of the layers that any tap needs, and whether the final norm and lm_head are. */
assay_hook assay_capture_deepest(const assay_capture_chain *chain, bool *normed, bool *logits);

/* The rows, ascending, that taps beyond the attention of the layer where the layers end look at:
 * no other row has to be computed from there on. *row is NULL where one of them looks at all. */
assay_status assay_capture_late(const assay_capture_chain *chain, assay_hook stop,
                                assay_arena *arena, const int64_t **row, int64_t *count,
                                assay_error *error);

#endif
