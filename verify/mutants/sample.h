#ifndef VERIFY_MUTANTS_SAMPLE_H
#define VERIFY_MUTANTS_SAMPLE_H

#include "verify/mutants/mutant.h"

#define SAMPLE_TWINS(X) X(sample, f32) X(sample, bf16)

/* A wrong distribution, or the token drawn from it. */
#define ON_DRAW (ON_DISTRIBUTION | ON_TOKENS)

#define SAMPLE_MUTANTS(X)                                                                          \
    X(sample, f32, tie_highest, ON_DRAW, "sample-greedy-5x1024-ties",                              \
      "of equal logits the highest index is taken")                                                \
    X(sample, f32, nan_skipped, ON_DRAW, "sample-greedy-7x131-nan",                                \
      "a NaN loses its comparison")                                                                \
    X(sample, f32, last_token, ON_DRAW, "sample-greedy-129x5*",                                    \
      "the last token is never looked at")                                                         \
    X(sample, f32, no_temperature, ON_DRAW, "sample-warm*", "the temperature is ignored")          \
    X(sample, f32, multiplied, ON_DRAW, "sample-warm*", "logits are multiplied by it")             \
    X(sample, f32, hidden_top_k, ON_DRAW, "sample-plain*",                                         \
      "top_k 50 where none was asked for, as a hub's default gives it")                            \
    X(sample, f32, hidden_top_p, ON_DRAW, "sample-plain*", "top_p 0.9 where none was asked for")   \
    X(sample, f32, top_k_less, ON_DRAW, "sample-topk-7x1031*", "k - 1 tokens stay")                \
    X(sample, f32, top_k_more, ON_DRAW, "sample-topk-7x1031*", "k + 1 tokens stay")                \
    X(sample, f32, top_k_strict, ON_DRAW, "sample-ties-topk*", "equals of the k-th are dropped")   \
    X(sample, f32, top_p_less, ON_DRAW, "sample-topp-7x1031*",                                     \
      "the token that reaches top_p is dropped")                                                   \
    X(sample, f32, top_p_more, ON_DRAW, "sample-topp-7x1031*",                                     \
      "one token more than reaches top_p stays")                                                   \
    X(sample, f32, top_p_met, ON_DRAW, "sample-topp-met*",                                         \
      "where top_p is met exactly, one token more stays")                                          \
    X(sample, f32, top_p_zero, ON_DRAW, "sample-topp-zero*", "top_p 0 is taken for none")          \
    X(sample, f32, p_before_k, ON_DRAW, "sample-published*", "top_p is applied before top_k")      \
    X(sample, f32, seed_ignored, ON_DRAW, "sample-warm*", "every seed draws alike")                \
    X(sample, f32, counters_swapped, ON_DRAW, "sample-warm*",                                      \
      "step and stream change places in the generator's counter")                                  \
    X(sample, f32, step_ignored, ON_DRAW, "sample-warm*", "every step draws alike")                \
    X(sample, f32, row_stream, ON_DRAW | ON_ROWS | ON_BATCH, "sample-warm*",                       \
      "the row's index stands for its stream")                                                     \
    X(sample, f32, stream_32, ON_DRAW, "sample-warm*", "streams have 32 bits")                     \
    X(sample, f32, step_32, ON_DRAW, "sample-far*", "steps have 32 bits")                          \
    X(sample, f32, seed_32, ON_DRAW, "sample-warm*", "the seed has 32 bits")                       \
    X(sample, f32, descending, ON_DRAW, "sample-uniform*",                                         \
      "the cumulative sum runs by descending probability")                                         \
    X(sample, f32, uniform_ignored, ON_DRAW, "sample-uniform*",                                    \
      "the uniform number given is ignored")                                                       \
    X(sample, f32, not_renormalised, ON_DRAW, "sample-topp-7x1031*",                               \
      "what is left after top_p is not normalised again")                                          \
    X(sample, f32, finite_start, ON_DRAW, "sample-greedy-9x131-minus-inf",                         \
      "the search for the greatest begins with the least finite number at the last token")         \
    X(sample, f32, masked_leak, ON_DRAW, "sample-topp-minus-inf",                                  \
      "a masked token keeps a thousandth where there is top_p")                                    \
    X(sample, f32, token_16, ON_DRAW, "sample-greedy-3x70001*", "tokens have 16 bits")             \
    X(sample, f32, row_limit, ON_DRAW | ON_WRITTEN, "sample-greedy-66001*",                        \
      "rows from 65536 on get token 0")                                                            \
    X(sample, f32, warm_row_limit, ON_DRAW | ON_WRITTEN, "sample-plain-66001*",                    \
      "rows from 65536 on draw token 0")                                                           \
    X(sample, f32, top_k_1024, ON_DRAW, "sample-topk-1500*", "a top_k above 1024 is 1024")         \
    X(sample, f32, top_k_one, ON_DRAW, "sample-topk-one-17x257-ties",                              \
      "of the equals that top_k 1 leaves the first alone stays")                                   \
    X(sample, f32, silent_whole, ON_DRAW, "sample-topp-7x1031*",                                   \
      "top_p is left out where no probability is asked for")                                       \
    X(sample, f32, silent_whole_k, ON_DRAW, "sample-topk-7x1031*",                                 \
      "top_k is left out where no probability is asked for")                                       \
    X(sample, f32, near_one, ON_DRAW, "sample-near-one*", "a temperature within 0.05 of 1 is 1")   \
    X(sample, f32, hot_2, ON_DRAW, "sample-hotter*", "a temperature above 2 is 2")                 \
    X(sample, f32, top_p_half, ON_DRAW, "sample-sweep-topp", "a top_p below 0.5 is 0.5")           \
    X(sample, f32, seed_zero, ON_DRAW, "sample-seed-0*", "seed 0 is taken for 1")                  \
    X(sample, f32, u_at_0, ON_DRAW, "sample-uniform-step-4*",                                      \
      "a uniform number counts at step 0 alone")                                                   \
    X(sample, f32, stream_once, ON_DRAW | ON_ROWS, "sample-shared*",                               \
      "a row takes the token of the one before where that is of its stream")                       \
    X(sample, f32, block_16, ON_DRAW, "sample-topk-clustered*",                                    \
      "of every 512 tokens the greatest 16 alone are looked at for top_k")                         \
    X(sample, f32, nucleus_8192, ON_DRAW, "sample-nucleus-3x12007",                                \
      "the nucleus is sought among the greatest 8192 tokens")                                      \
    X(sample, f32, greedy_bf16, ON_DRAW, "sample-greedy-17x8209-near",                             \
      "greatest logits are compared in bf16")                                                      \
    X(sample, f32, one_token, ON_DRAW, "sample-plain-9x1", "of one token none is drawn")

mutant_kernels mutant_sample_kernels(void);

#endif
