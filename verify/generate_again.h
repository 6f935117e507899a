/* A generation asked in other ways for what its case has a truth of: another batch, one new token,
 * rows that are stopped, forced or not, and sampling with the case's tokens forced. */
#ifndef VERIFY_GENERATE_AGAIN_H
#define VERIFY_GENERATE_AGAIN_H

#include "verify/again.h"
#include "verify/stage_judge.h"

typedef struct assay_asked_generation {
    assay_again again;
    const assay_subject *subject; /* of the case, prepared; its params are a generation's */
    const assay_generate_params *params;
    const assay_generate_io *io;  /* inputs; forced is the expected tokens */
    const assay_table *table;     /* the contracts of its steps */
    const assay_kernel *fused;    /* NULL: composed */
    bool moved;                   /* as in assay_compare_tokens */
    uint64_t draws, open; /* judged, and of these the ones that the contract leaves open */
} assay_asked_generation;

/* Leaves the subject prepared in another way. */
assay_status assay_generate_again(assay_asked_generation *asked);

/* Room for tokens [batch, steps] and, where wanted, logits [batch, steps, vocab]. */
assay_status assay_generate_outputs(const assay_asked_generation *asked, int64_t batch,
                                    int64_t steps, bool logits, assay_generate_io *io);

/* Row `row` of tokens against the first `steps` expected ones of the case's row b. */
void assay_generate_compare_row(const assay_asked_generation *asked, const assay_tensor *tokens,
                                int64_t row, const int64_t *expected, int64_t b, int64_t steps);

/* The logits of a run that nothing was forced on: the truth's as long as the tokens before are the
 * expected ones. Beyond there is no truth, but for a row that has ended as expected. */
assay_status assay_generate_compare_free(const assay_asked_generation *asked,
                                         const assay_generate_io *io);

/* Whether a row ends with the token. */
bool assay_generate_ends(const assay_generate_params *params, int64_t token);

/* The subject with other params and threads, prepared. */
assay_status assay_generate_prepare_anew(const assay_asked_generation *asked,
                                         const assay_generate_params *params,
                                         const assay_script *script, bool *ran);

/* Rows are stopped, each after another number of its expected tokens; all but those of one token,
 * by a token that is forced and is not what they take; the first after 40 forced tokens, where
 * there are more. */
assay_status assay_generate_stopped(assay_asked_generation *asked);
assay_status assay_generate_stopped_forced(assay_asked_generation *asked);
assay_status assay_generate_stopped_late(assay_asked_generation *asked);

/* Stops each row after another number of its expected tokens, and what is then expected. */
assay_status assay_generate_script(const assay_asked_generation *asked, assay_script *script,
                                   assay_tensor *expected);

/* Three ways of sampling whose temperatures suit the case's logits: cold and alone, with top_k,
 * with both top_k and top_p. */
enum { ASSAY_SAMPLINGS = 3 };
assay_status assay_generate_sampling(const assay_asked_generation *asked, int number,
                                     assay_sample_params *sampling);

/* A run that sampled: with tokens forced and logits, these are the case's whatever was drawn, and
 * each drawn token is judged by the very logits it was drawn from; else by the truth's, until one
 * is not the expected one, beyond which there is no truth. */
assay_status assay_generate_judge_sampled(assay_asked_generation *asked,
                                          const assay_sample_params *sampling,
                                          const assay_generate_io *io);
/* VOID when none of so many draws is decided. Fewer may all be open by chance, and the case has
 * shown other things. */
enum { ASSAY_DRAWS_LEAST = 24 };
void assay_generate_end_sampled(const assay_asked_generation *asked);

/* Sampling, by all of this. */
assay_status assay_generate_sampled(assay_asked_generation *asked);

#endif
