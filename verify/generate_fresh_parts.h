/* How fresh generations are made: what generate_fresh.c puts together. */
#ifndef VERIFY_GENERATE_FRESH_PARTS_H
#define VERIFY_GENERATE_FRESH_PARTS_H

#include "verify/generate_fresh.h"

/* The tokens that the oracle generates become the forced ones. */
assay_status assay_fresh_take_tokens(assay_fresh_generation *fresh, assay_arena *arena,
                                     assay_error *error);
/* The chain, with the forced tokens of fresh->io. */
assay_status assay_fresh_finish(const assay_case_context *context, assay_arena *arena,
                                assay_fresh_generation *fresh, assay_error *error);

/* Prompts that no bundle has, most with soft tokens, sampled. Many ids end a row, ids that only
 * prompts hold first: the first token of one row does and the second of another. One row is not to
 * go on at all; another is made to go on with other tokens where it would end. */
assay_status assay_fresh_make_drawn(const assay_case_context *context, assay_arena *arena,
                                    assay_fresh_generation *fresh, assay_error *error);

/* A short prompt with many new tokens, a long one, and the short one once more, which its stream
 * tells apart; drawn tokens, sampled. Nothing ends a row. Of the latter two only the first new
 * tokens have a truth. */
assay_status assay_fresh_make_long(const assay_case_context *context, assay_arena *arena,
                                   assay_fresh_generation *fresh, assay_error *error);

/* Two short prompts of the vocabulary's greatest ids, two new tokens, greedy. */
assay_status assay_fresh_make_few(const assay_case_context *context, assay_arena *arena,
                                  assay_fresh_generation *fresh, assay_error *error);

/* Steered at every place but the case's own, each in its own way: with many new tokens, sampled,
 * by a TopK SAE, by another amount. params: the case's; sampling: as sampled ones take it. */
assay_status assay_fresh_make_steered(const assay_case_context *context,
                                      const assay_generate_params *params,
                                      const assay_generate_io *io,
                                      const assay_sample_params *sampling, assay_arena *arena,
                                      assay_fresh_generation fresh[ASSAY_FRESH_MOST], int *count,
                                      assay_error *error);

#endif
