/* Generations that no bundle has (fresh.h). By drawn models: long rows that are sampled, so that
 * what is drawn is what is fed back; prompts of other tokens; few tokens of many. By the case's
 * model: steering at the places where the case does not steer. */
#ifndef VERIFY_GENERATE_FRESH_H
#define VERIFY_GENERATE_FRESH_H

#include "verify/chain_generate.h"
#include "verify/drawn_model.h"
#include "verify/generate_again.h"

enum { ASSAY_FRESH_MOST = 4 };

typedef struct assay_fresh_generation {
    const char *how;
    const char *folder; /* of the drawn model; NULL: the case's own */
    int64_t first;      /* begin_of_text */
    assay_generate_params params;
    bool logits; /* asked for where nothing is forced, too */
    bool wide;   /* asked once more in a batch of nearly twice as many prompts */
    assay_generate_io io; /* forced: the oracle's tokens, -1 where a row is not to go on */
    assay_generate_chain chain;
    assay_chain_case chain_case;
} assay_fresh_generation;

/* The fresh generations of a case, none for most. */
typedef struct assay_fresh_set {
    assay_fresh_generation one[ASSAY_FRESH_MOST];
    int count;
    assay_drawn_model deep, flat, wide;
} assay_fresh_set;

/* They must not move, and live as long as the arena; the models are to be released, after an error
 * too. given: the case's truth of its logits. */
assay_status assay_fresh_make(const assay_case_context *context,
                              const assay_generate_params *params, const assay_generate_io *io,
                              const double *given, assay_arena *arena, assay_fresh_set *fresh,
                              assay_error *error);
void assay_fresh_release(assay_fresh_set *fresh);

/* Sampling from few tokens of a case's logits `given`, which a coarse contract can tell apart.
 * forced: the case's tokens. */
assay_status assay_fresh_sampling(const assay_case_context *context,
                                  const assay_generate_params *params, const assay_tensor *forced,
                                  const double *given, assay_arena *arena,
                                  assay_sample_params *sampling, assay_error *error);

/* Runs freely, then with the oracle's tokens forced. again, subject, table and fused are asked's;
 * the rest is the fresh generation's. */
assay_status assay_fresh_judge(assay_fresh_generation *fresh, const assay_asked_generation *asked);

#endif
