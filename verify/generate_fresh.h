/* Generations that no bundle has a truth of, beside the first case of theirs: the oracle takes the
 * tokens, and a chain of their own gives the budgets. A long one that samples, so that what is
 * drawn is what is fed back; steering at the places that the case does not steer. Models of more
 * than ASSAY_FRESH_WEIGHTS weights have none: their chains would take hours. */
#ifndef VERIFY_GENERATE_FRESH_H
#define VERIFY_GENERATE_FRESH_H

#include "verify/chain_generate.h"
#include "verify/generate_again.h"

enum { ASSAY_FRESH_MOST = 2, ASSAY_FRESH_WEIGHTS = 1 << 23 };

typedef struct assay_fresh_generation {
    const char *how;
    assay_generate_params params;
    assay_generate_io io; /* forced: the oracle's tokens */
    assay_generate_chain chain;
    assay_chain_case chain_case;
} assay_fresh_generation;

/* The fresh generations of a case, none for most: count of them. They must not move, and live as
 * long as the arena. given: the case's truth of its logits. */
assay_status assay_fresh_make(const assay_case_context *context,
                              const assay_generate_params *params, const assay_generate_io *io,
                              const double *given, assay_arena *arena,
                              assay_fresh_generation fresh[ASSAY_FRESH_MOST], int *count,
                              assay_error *error);

/* Runs freely, then with the oracle's tokens forced. again, subject, table and fused are asked's;
 * the rest is the fresh generation's. */
assay_status assay_fresh_judge(assay_fresh_generation *fresh, const assay_asked_generation *asked);

#endif
