/* The chain behind `generate` and `steered_generate` cases: logits with the expected tokens
 * forced. */
#ifndef VERIFY_CHAIN_GENERATE_H
#define VERIFY_CHAIN_GENERATE_H

#include "verify/cases.h"

typedef struct assay_generate_chain {
    assay_chain chain; /* its context is this struct, so it must not move */
    const assay_generate_params *params;
    assay_generate_io io; /* inputs; forced is the expected tokens */
    assay_chain_output output; /* logits [batch * steps, vocab] */
} assay_generate_chain;

/* params must outlive the chain; what else it needs lives in the arena. */
assay_status assay_generate_chain_make(const assay_case_context *context,
                                       const assay_generate_params *params,
                                       const assay_generate_io *io, assay_arena *arena,
                                       assay_generate_chain *chain, assay_error *error);

/* The chain of any generation; key names it where its scales are kept. */
void assay_generate_chain_set(const assay_generate_params *params, const assay_generate_io *io,
                              const char *key, uint64_t seed, assay_generate_chain *chain);

#endif
