/* Stage calls that no bundle has a truth of, beside the first case of a kind: the oracle takes the
 * tokens, and a chain of their own gives truth and budgets. */
#ifndef VERIFY_FRESH_H
#define VERIFY_FRESH_H

#include "verify/cases.h"
#include "verify/chain_case.h"
#include "verify/drawn_model.h"

enum {
    ASSAY_FRESH_WEIGHTS = 1 << 23, /* models of more have none: their chains would take hours */
    ASSAY_FRESH_PROMPTS = 9,
    ASSAY_FRESH_LENGTH = 11 /* of the longest */
};

/* Whether the case is the bundle's first in float64 of its op with that params[key] (one text
 * differs from another, all else only from nothing); never in a quick run. */
bool assay_fresh_wanted(const assay_case_context *context, const char *key);
/* Whether the model is small enough for chains of its own. */
bool assay_fresh_small(const assay_model *model);

/* A model drawn for the case (drawn_model.h). */
assay_status assay_fresh_model(const assay_case_context *context, assay_drawn_kind kind,
                               assay_drawn_model *drawn, assay_error *error);

/* Names a chain of the case's: how it is asked, and the seed, from which its inputs are. In the
 * arena. */
assay_status assay_fresh_key(const assay_case_context *context, const char *how,
                             assay_arena *arena, const char **key, assay_error *error);

/* An output of a chain of the case's as what is judged, with the oracle's truth of it. */
assay_status assay_fresh_case(const assay_case_context *context, const assay_chain *chain,
                              size_t output, assay_arena *arena, assay_chain_case *chain_case,
                              assay_error *error);

/* Prompts for what is taken for padding, for an end or for what was there before: two that are
 * equal, one that begins as they do and one that is the beginning of that; a single token, the
 * vocabulary's last; token 0, the last token and `first` (a bundle's prompts begin with it) at both
 * ends and between; one token all along. The rest is drawn, without `first` in front. Padded with
 * -1, which is no token. tokens [ASSAY_FRESH_PROMPTS, ASSAY_FRESH_LENGTH + 1], lengths i64. */
assay_status assay_fresh_prompts(int64_t vocab, int64_t first, uint64_t seed, assay_arena *arena,
                                 assay_tensor *tokens, assay_tensor *lengths, assay_error *error);

#endif
