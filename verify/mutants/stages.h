#ifndef VERIFY_MUTANTS_STAGES_H
#define VERIFY_MUTANTS_STAGES_H

#include "verify/mutants/mutant.h"

/* Stages: fused kernels that call the ordinary composition with one thing changed. What an op of
 * the chain does wrong shows as numbers that leave the chain's budget. */
#define ON_CHAIN (ON_VALUE | ON_TOKENS)
/* A draw, from wrong logits too where it is sampled; where the token is then fed back, what follows
 * as well. */
#define ON_DRAWN (ON_CHAIN | ON_DISTRIBUTION)

#define CAPTURE_TWINS(X) X(capture, f32) X(capture, bf16)

#define CAPTURE_MUTANTS(X)                                                                         \
    X(capture, f32, layer_late, ON_CHAIN, "capture-*l1-output", "the hook is one layer late")      \
    X(capture, f32, layer_early, ON_CHAIN, "capture-*l1-output", "the hook is one layer early")    \
    X(capture, f32, input_for_output, ON_CHAIN, "capture-*l1-output",                              \
      "a layer's input is taken for its output")                                                   \
    X(capture, f32, output_for_input, ON_CHAIN, "capture-l2-input",                                \
      "a layer's output is taken for its input")                                                   \
    X(capture, f32, after_final_norm, ON_CHAIN, "capture-*l2-output",                              \
      "the last layer's output is taken after the final norm")                                     \
    X(capture, f32, mid_residual, ON_CHAIN, "capture-*l1-output",                                  \
      "the residual stream is taken between attention and MLP")                                    \
    X(capture, f32, attn_for_mlp, ON_CHAIN, "capture-*l1-mlp-out",                                 \
      "the attention's output is taken for the MLP's")                                             \
    X(capture, f32, rope_factor_8, ON_CHAIN, "capture-l2-input",                                   \
      "rope factor 8 is used for a model that has 32")                                             \
    X(capture, f32, rope_scaled, ON_CHAIN, "capture-explainer-l1-output",                          \
      "rope scaling is applied to a model that has none")                                          \
    X(capture, f32, rope_unscaled, ON_CHAIN, "capture-*l1-output",                                 \
      "rope scaling is not applied")                                                               \
    X(capture, f32, interleaved, ON_CHAIN, "capture-*l1-output",                                   \
      "interleaved rotation on half-split weights")                                                \
    X(capture, f32, scale_128, ON_CHAIN, "capture-*l1-output", "scores are scaled by 1/sqrt(128)") \
    X(capture, f32, padding, ON_CHAIN, "capture-*l1-output",                                       \
      "rows are padded on the left, and the padding is attended")                                  \
    X(capture, f32, lengths_ignored, ON_CHAIN, "capture-*l1-output",                               \
      "rows are taken from the padded batch")                                                      \
    X(capture, f32, norms_swapped, ON_CHAIN, "capture-*l1-output",                                 \
      "the two norms of a layer change places")                                                    \
    X(capture, f32, gate_up_swapped, ON_CHAIN, "capture-*l1-output",                               \
      "gate and up projections change places")                                                     \
    X(capture, bf16, weight_plus_one, ON_CHAIN, "capture-*l1-output",                              \
      "norms multiply by 1 + weight, as another family of models does")                            \
    X(capture, f32, positions_sorted, ON_CHAIN, "capture-*l1-output",                              \
      "rows come in ascending order of their positions")                                           \
    X(capture, f32, position_twice, ON_CHAIN, "capture-*l1-output",                                \
      "a position asked for twice is given once")                                                  \
    X(capture, f32, position_zero, ON_CHAIN, "capture-*l1-output",                                 \
      "position 0 of a prompt that is not the first gives zeros")                                  \
    X(capture, f32, length_one, ON_CHAIN, "capture-*l1-output",                                    \
      "a prompt of one token gives zeros")                                                         \
    X(capture, f32, batch_8, ON_CHAIN, "capture-*l1-output",                                       \
      "prompts after the eighth end with the first one's first row")                               \
    X(capture, f32, threads_3, ON_CHAIN, "capture-*l1-output",                                     \
      "with three threads or more the last row is lost")                                           \
    X(capture, f32, padding_refused, ON_STATUS, "capture-*l1-output",                              \
      "padding that is no token is refused")                                                       \
    X(capture, f32, prefix_kept, ON_CHAIN, "capture-*",                                            \
      "after four equal first tokens a prompt takes the row of the prompt before")                 \
    X(capture, f32, token_zero, ON_CHAIN, "capture-*", "token 0 is taken for padding: zeros")      \
    X(capture, f32, last_token, ON_CHAIN, "capture-*", "the vocabulary's last token gives zeros")  \
    X(capture, f32, first_again, ON_CHAIN, "capture-*",                                            \
      "a prompt's first token, where it comes again, gives zeros")                                 \
    X(capture, f32, repeated, ON_CHAIN, "capture-*",                                               \
      "a token for the third time in succession gives zeros")                                      \
    X(capture, f32, batch_16, ON_CHAIN, "capture-*",                                               \
      "prompts after the sixteenth end with the first one's first row")                            \
    X(capture, f32, single_position, ON_CHAIN, "capture-*",                                        \
      "one position of one prompt alone gives zeros")                                              \
    X(capture, f32, positions_32, ON_CHAIN, "capture-*",                                           \
      "from the 33rd position asked for on rows are those of 32 before")

#define GENERATE_TWINS(X) X(generate, f32)

#define GENERATE_MUTANTS(X)                                                                        \
    X(generate, f32, one_eos, ON_CHAIN, "generate", "stops at the first of several eos ids only")  \
    X(generate, f32, no_eos, ON_CHAIN, "generate", "does not stop at all")                         \
    X(generate, f32, eos_dropped, ON_CHAIN, "generate", "the eos that ends a row is left out")     \
    X(generate, f32, last_step, ON_CHAIN, "generate-no-eos", "the last step is left out")          \
    X(generate, f32, retired_cache, ON_CHAIN, "generate",                                          \
      "a row reads the cache slot of one that has retired")                                        \
    X(generate, f32, decode_position, ON_CHAIN, "generate*",                                       \
      "positions of generated tokens are one too great")                                           \
    X(generate, f32, last_index, ON_CHAIN, "generate",                                             \
      "the last index of the right-padded batch is taken for the last token")                      \
    X(generate, f32, any_token, ON_STATUS, "generate",                                             \
      "a prompt's token outside the vocabulary is taken for another one, not refused")             \
    X(generate, f32, tied_head, ON_CHAIN, "generate", "the embedding serves as an untied head")    \
    X(generate, f32, random_head, ON_CHAIN, "generate",                                            \
      "a tied head is taken for untied and is what initialisation left")                           \
    X(generate, f32, logits_after_end, ON_CHAIN | ON_EXACT, "generate",                            \
      "logits after a row's end are not 0")                                                        \
    X(generate, f32, soft_late, ON_DRAWN, "generate", "soft tokens land one position late")        \
    X(generate, f32, soft_one, ON_DRAWN, "generate", "only the first soft token is placed")        \
    X(generate, f32, soft_reversed, ON_DRAWN, "generate", "soft tokens are placed in reverse")     \
    X(generate, f32, steer_prompt, ON_CHAIN, "steered-add", "only the prompt is steered")          \
    X(generate, f32, steer_all, ON_CHAIN, "steered-set",                                           \
      "generated positions are steered where only the prompt was to be")                           \
    X(generate, f32, steer_late, ON_CHAIN, "steered-set", "steers one layer late")                 \
    X(generate, f32, steer_off, ON_CHAIN, "steered-set", "does not steer")                         \
    X(generate, f32, prompt_sliced, ON_CHAIN, "generate-no-eos",                                   \
      "as many tokens as the prompt has are cut off the new ones")                                 \
    X(generate, f32, forced_ignored, ON_CHAIN, "generate*", "forced tokens are ignored")           \
    X(generate, f32, step_one, ON_DRAWN, "generate*", "the steps of draws count from 1")           \
    X(generate, f32, same_draw, ON_DRAWN, "generate*", "every step draws with the first's number") \
    X(generate, f32, stream_rank, ON_DRAWN, "generate*",                                           \
      "a row draws with its place among those that go on")                                         \
    X(generate, f32, no_top_p, ON_DRAWN, "generate*", "top_p is not applied")                      \
    X(generate, f32, no_top_k, ON_DRAWN, "generate*", "top_k is not applied")                      \
    X(generate, f32, no_temperature, ON_DRAWN, "generate*", "every temperature is taken for 1")    \
    X(generate, f32, greedy, ON_DRAWN, "generate*", "never samples")                               \
    X(generate, f32, feeds_greedy, ON_DRAWN, "generate",                                           \
      "not what was drawn is fed back, but the most likely token")                                 \
    X(generate, f32, stop_ignored, ON_CHAIN, "generate*", "stop is never asked")                   \
    X(generate, f32, stop_dropped, ON_CHAIN, "generate*",                                          \
      "where rows may be stopped, the token that ends one is left out")                            \
    X(generate, f32, one_token, ON_CHAIN, "generate*", "of one new token at most none comes")      \
    X(generate, f32, batch_8, ON_CHAIN, "generate*",                                               \
      "prompts after the eighth get the first one's tokens")                                       \
    X(generate, f32, steps_32, ON_DRAWN, "generate", "ends after 32 new tokens")                   \
    X(generate, f32, soft_sorted, ON_DRAWN, "generate",                                            \
      "soft tokens are taken to be in the order of their prompts")                                 \
    X(generate, f32, steer_hooks, ON_DRAWN, "steered-*", "does not steer at embed and attn_out")   \
    X(generate, f32, steer_mlp_out, ON_CHAIN, "steered-*", "does not steer at mlp_out")            \
    X(generate, f32, steer_batch, ON_CHAIN, "steered-*",                                           \
      "in batches of more than four all positions are steered")                                    \
    X(generate, f32, eos_first, ON_DRAWN, "generate", "an eos as a row's first token is left out") \
    X(generate, f32, soft_front, ON_DRAWN, "generate",                                             \
      "a soft token at position 0 of a prompt is left out")                                        \
    X(generate, f32, equal_prompts, ON_DRAWN, "generate",                                          \
      "a prompt that equals the first gets its tokens, with another stream too")                   \
    X(generate, f32, ended_goes_on, ON_DRAWN, "generate",                                          \
      "a row that is not to go on at all gets a token")                                            \
    X(generate, f32, eos_in_prompt, ON_DRAWN, "generate", "an eos in a prompt ends its row")       \
    X(generate, f32, eos_8, ON_DRAWN, "generate", "of more than eight eos ids the rest is lost")   \
    X(generate, f32, sampled_ends, ON_DRAWN, "generate",                                           \
      "a row whose tokens are forced ends where an eos would have been sampled")                   \
    X(generate, f32, soft_16, ON_DRAWN, "generate", "soft tokens after the sixteenth are lost")    \
    X(generate, f32, steps_48, ON_DRAWN, "generate", "ends after 48 new tokens")                   \
    X(generate, f32, cache_128, ON_DRAWN, "generate",                                              \
      "new tokens from position 128 on are the one before")                                        \
    X(generate, f32, batch_16, ON_DRAWN, "generate",                                               \
      "prompts after the sixteenth get the first one's tokens")                                    \
    X(generate, f32, cold_greedy, ON_DRAWN, "generate*", "temperatures below 0.3 are taken for 0") \
    X(generate, f32, logits_cooled, ON_DRAWN, "generate",                                          \
      "logits are divided by the temperature where nothing is forced")                             \
    X(generate, f32, steer_sampled, ON_DRAWN, "steered-*", "does not steer where it samples")      \
    X(generate, f32, steer_topk, ON_DRAWN, "steered-*", "does not steer by a TopK SAE")            \
    X(generate, f32, steer_long, ON_DRAWN, "steered-*",                                            \
      "with more than eight new tokens only the prompt is steered")                                \
    X(generate, f32, steer_scaled, ON_CHAIN, "steered-*", "does not scale by a TopK SAE")          \
    X(generate, f32, soft_adjacent, ON_DRAWN, "generate",                                          \
      "of two soft tokens next to each other the second is lost")                                  \
    X(generate, f32, soft_last, ON_DRAWN, "generate",                                              \
      "a soft token at the end of its prompt is lost")

#define EXPLAIN_TWINS(X) X(explain, f32)

#define EXPLAIN_MUTANTS(X)                                                                         \
    X(explain, f32, no_adapter, ON_CHAIN, "explain-*", "vectors are placed as they are")           \
    X(explain, f32, one_placeholder, ON_DRAWN, "explain-features",                                 \
      "only the first placeholder is replaced")                                                    \
    X(explain, f32, normalise_flipped, ON_CHAIN, "explain-*",                                      \
      "normalises where it should not, or does not where it should")                               \
    X(explain, f32, mean_kept, ON_CHAIN, "explain-*", "the mean is not subtracted")                \
    X(explain, f32, position_late, ON_CHAIN, "explain-text", "the position before is explained")   \
    X(explain, f32, hook_late, ON_CHAIN, "explain-text", "the hook is one layer late")             \
    X(explain, f32, rows_rotated, ON_CHAIN, "explain-features",                                    \
      "every prompt gets the next feature's vector")                                               \
    X(explain, f32, subject_explains, ON_CHAIN, "explain-*",                                       \
      "the subject's own model explains instead of the explainer")                                 \
    X(explain, f32, one_eos, ON_CHAIN, "explain-*", "stops at the first of several eos ids only")  \
    X(explain, f32, rows_8, ON_CHAIN, "explain-features",                                          \
      "vectors after the eighth get another's soft token")                                         \
    X(explain, f32, stop_ignored, ON_CHAIN, "explain-*", "stop is never asked")                    \
    X(explain, f32, greedy, ON_DRAWN, "explain-*", "never samples")                                \
    X(explain, f32, two_placeholders, ON_DRAWN, "explain-*",                                       \
      "only the first two placeholders are replaced")                                              \
    X(explain, f32, zero_vector, ON_CHAIN, "explain-features",                                     \
      "a vector of zeros gives a soft token of zeros, without the bias")                           \
    X(explain, f32, equal_vectors, ON_DRAWN, "explain-features",                                   \
      "a vector equal to the one before gets its tokens, with another stream too")                 \
    X(explain, f32, third_row, ON_CHAIN, "explain-text*",                                          \
      "from the third captured row on the soft token is the second's")                             \
    X(explain, f32, steps_16, ON_DRAWN, "explain-features", "ends after 16 new tokens")            \
    X(explain, f32, rows_16, ON_CHAIN, "explain-features",                                         \
      "vectors after the sixteenth get another's soft token")                                      \
    X(explain, f32, scale_lost, ON_CHAIN, "explain-features", "scale only is taken for identity")  \
    X(explain, f32, steer_off, ON_CHAIN, "explain-features", "the explainer is not steered")       \
    X(explain, f32, hook_output, ON_CHAIN, "explain-text*",                                        \
      "attn_out and mlp_out are taken for output")                                                 \
    X(explain, f32, prompt_kept, ON_DRAWN | ON_STATUS, "explain-features",                         \
      "a prompt as long as the one before is taken for it")

mutant_kernels mutant_capture_kernels(void);
mutant_kernels mutant_generate_kernels(void);
mutant_kernels mutant_explain_kernels(void);

/* The ordinary table of a contract, and one of its steps replaced by a mutant's kernel. */
assay_table mutant_table(assay_dtype type);
void mutant_replace(assay_table *table, mutant_kernels kernels, const char *name);
/* A sampler with one of generate's faults of sampling, named as there; NULL: it is none of them.
 * It serves one generation at a time. */
const assay_kernel *mutant_sampler(const char *fault);
/* A generation that runs freely, feeds back the greedy tokens and hands over what is drawn. */
assay_status mutant_feed_greedy(const assay_table *table, const assay_exec *exec,
                                const assay_generate_params *params, const assay_generate_io *io);
/* Inverse frequencies as if the model's scaling factor were another; 1: no scaling. Returns memory
 * of head_dim/2 elements that the caller frees. */
double *mutant_frequencies(const assay_model *model, double factor);
/* Whether one of capture's faults of what stands in prompts, named as there, takes row t of prompt
 * b for what it is not. */
bool mutant_mistakes(const char *fault, const assay_capture_io *io, int64_t vocab, int64_t b,
                     int64_t t);
/* Faults of how many rows are asked for at once: changes what a right capture gave. */
void mutant_change_captured(const char *fault, const assay_capture_io *io);
/* The same of generate's and explain's: changes what a right run gave. */
void mutant_change_tokens(const char *fault, const assay_generate_params *params,
                          const assay_generate_io *io);
void mutant_change_soft(const char *fault, const assay_explain_io *io);
/* Whether the model's frequencies were scaled. */
bool mutant_rope_is_scaled(const assay_model *model);

#endif
