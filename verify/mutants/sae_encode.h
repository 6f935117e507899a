#ifndef VERIFY_MUTANTS_SAE_ENCODE_H
#define VERIFY_MUTANTS_SAE_ENCODE_H

#include "verify/mutants/mutant.h"

/* A wrong set of latents shows as the set itself or as the values listed for it. */
#define ON_CODES (ON_ACTIVE_SET | ON_NUMBER | ON_STRUCTURE)

#define SAE_ENCODE_TWINS(X) X(sae_encode, f32) X(sae_encode, bf16)

#define SAE_ENCODE_MUTANTS(X)                                                                      \
    X(sae_encode, f32, decode_bias, ON_CODES, "sae-encode-relu-5x33x67*",                          \
      "the decoder's bias is subtracted from x")                                                   \
    X(sae_encode, f32, no_encode_bias, ON_CODES, "sae-encode-relu-5x33x67*",                       \
      "the encoder's bias is left out")                                                            \
    X(sae_encode, f32, bias_scaled, ON_CODES, "sae-encode-relu-vectors*",                          \
      "the encoder's bias is scaled too")                                                          \
    X(sae_encode, f32, no_scale, ON_CODES, "sae-encode-relu-vectors*",                             \
      "the latents' scale is left out")                                                            \
    X(sae_encode, f32, no_pre_bias, ON_CODES, "sae-encode-relu-vectors*",                          \
      "the bias before the encoder is left out")                                                   \
    X(sae_encode, f32, threshold_scaled, ON_CODES, "sae-encode-jumprelu-vectors-6x127*",           \
      "the threshold is scaled a second time")                                                     \
    X(sae_encode, f32, no_threshold, ON_CODES, "sae-encode-jumprelu-5x33x67*",                     \
      "the threshold is taken for 0")                                                              \
    X(sae_encode, f32, threshold_bf16, ON_CODES, "sae-encode-jumprelu-between*",                   \
      "the threshold is rounded to bf16")                                                          \
    X(sae_encode, f32, not_strict, ON_CODES, "sae-encode-jumprelu-met*",                           \
      "a latent that equals its threshold is active")                                              \
    X(sae_encode, f32, zero_met, ON_CODES, "sae-encode-jumprelu-met-zero*",                        \
      "a latent that equals its threshold is active where both are 0")                             \
    X(sae_encode, f32, zero_active, ON_CODES, "sae-encode-relu-exact*",                            \
      "a pre-activation of zero is active")                                                        \
    X(sae_encode, f32, no_gate, ON_CODES, "sae-encode-jumprelu-vectors-6x127*",                    \
      "the decoder's norm is left out of the comparison")                                          \
    X(sae_encode, f32, gate_twice, ON_CODES, "sae-encode-jumprelu-vectors-6x127*",                 \
      "the decoder's norm is taken from rescaled weights: it enters twice")                        \
    X(sae_encode, f32, less_threshold, ON_CODES, "sae-encode-jumprelu-5x33x67*",                   \
      "the value listed is pre - threshold")                                                       \
    X(sae_encode, f32, gated_value, ON_CODES, "sae-encode-jumprelu-vectors-6x127*",                \
      "the value listed is the score")                                                             \
    X(sae_encode, f32, topk_unweighted, ON_CODES, "sae-encode-topk-gate*",                         \
      "TopK ranks unweighted activations")                                                         \
    X(sae_encode, f32, topk_magnitude, ON_CODES, "sae-encode-topk-few-positive*",                  \
      "TopK ranks by magnitude")                                                                   \
    X(sae_encode, f32, topk_forced, ON_CODES, "sae-encode-topk-few-positive*",                     \
      "k latents are listed even where fewer are positive")                                        \
    X(sae_encode, f32, topk_less, ON_CODES, "sae-encode-topk-5x33x67*", "k - 1 latents")           \
    X(sae_encode, f32, topk_more, ON_CODES, "sae-encode-topk-5x33x67*", "k + 1 latents")           \
    X(sae_encode, f32, tie_highest, ON_CODES, "sae-encode-topk-ties*",                             \
      "of equal scores the highest index is chosen")                                               \
    X(sae_encode, f32, biased_deviation, ON_CODES, "sae-encode-topk-layer-norm-5x64x257*",         \
      "the row's deviation divides by d instead of d-1")                                           \
    X(sae_encode, f32, not_normed, ON_CODES, "sae-encode-topk-layer-norm-5x64x257*",               \
      "rows are not normalised")                                                                   \
    X(sae_encode, f32, capacity_64, ON_CODES | ON_WRITTEN, "sae-encode-relu-17x65x1021*",          \
      "a row is cut off silently after 64 latents")                                                \
    X(sae_encode, f32, capacity_1024, ON_CODES | ON_WRITTEN, "sae-encode-relu-wide*",              \
      "a row is cut off silently after 1024 latents")                                              \
    X(sae_encode, f32, capacity_ignored, ON_MEMORY | ON_CODES | ON_WRITTEN,                        \
      "sae-encode-relu-17x65x1021*", "entries are written past the capacity that was given")       \
    X(sae_encode, f32, index_16, ON_CODES, "sae-encode-relu-wide*", "latents have 16 bits")        \
    X(sae_encode, f32, nan_dropped, ON_CODES, "sae-encode-relu-7x64x127-nan",                      \
      "a NaN fails its comparison and is not listed")                                              \
    X(sae_encode, f32, zero_norm_nan, ON_CODES, "sae-encode-jumprelu-zero-norm-7x64x127-nan",      \
      "a latent of zero norm fires with NaN")                                                      \
    X(sae_encode, f32, descending, ON_STRUCTURE, "sae-encode-relu-5x33x67*",                       \
      "a row's latents descend")                                                                   \
    X(sae_encode, f32, duplicate, ON_CODES, "sae-encode-relu-5x33x67*",                            \
      "a row's first latent is listed twice")                                                      \
    X(sae_encode, f32, offsets_shifted, ON_CODES | ON_WRITTEN, "sae-encode-relu-5x33x67*",         \
      "row_offsets hold the rows' ends, so the first is not 0")                                    \
    X(sae_encode, f32, offsets_counts, ON_CODES, "sae-encode-relu-5x33x67*",                       \
      "row_offsets hold counts instead of their sums")                                             \
    X(sae_encode, f32, last_latent, ON_CODES, "sae-encode-relu-17x65x1021*",                       \
      "the last latent never fires")                                                               \
    X(sae_encode, f32, dense_zeros, ON_WRITTEN | ON_CODES,                                         \
      "sae-encode-relu-5x33x67*", "zeros of the dense form are not written")                       \
    X(sae_encode, f32, multiply_bf16, ON_CODES, "sae-encode-relu-16x64x256*",                      \
      "claims f32 products, rounds x to bf16")                                                     \
    X(sae_encode, f32, f16_flushed, ON_CODES, "sae-encode-*-faint-f16",                            \
      "subnormal weights stored in f16 are read as zeros, undeclared")                             \
    X(sae_encode, f32, accumulate_f16, ON_CODES, "sae-encode-relu-16x64x256*",                     \
      "claims an f32 accumulator, sums in f16")                                                    \
    X(sae_encode, f32, int8_batch, ON_CODES | ON_NEIGHBOURS | ON_BATCH,                            \
      "sae-encode-relu-6x128x255-bos", "x is quantised to 8 bits with one scale for the batch")    \
    X(sae_encode, f32, last_row, ON_CODES | ON_WRITTEN, "sae-encode-relu-5x33x67*",                \
      "the last row holds the latents of the one before")                                          \
    X(sae_encode, f32, row_limit, ON_CODES | ON_WRITTEN, "sae-encode-jumprelu-66001*",             \
      "no latent fires in rows from 65536 on")                                                     \
    X(sae_encode, f32, whole_batch, ON_CODES, "sae-encode-relu-128x64x256*",                       \
      "where batches are whole tiles of 64 rows, latent 0 never fires")                            \
    X(sae_encode, f32, positive_only, ON_CODES, "sae-encode-jumprelu-below-zero*",                 \
      "a latent above a negative threshold must be positive to fire")                              \
    X(sae_encode, f32, topk_512, ON_CODES, "sae-encode-topk-most*", "k is 512 at most")            \
    X(sae_encode, f32, dense_needed, ON_CODES | ON_LATENTS, "sae-encode-relu-5x33x67*",            \
      "nothing is listed where no dense output is given")                                          \
    X(sae_encode, f32, offsets_far, ON_CODES | ON_REPEAT | ON_ROWS, "sae-encode-relu-5x33x67*",    \
      "every second call adds 2^40 to all row_offsets")                                            \
    X(sae_encode, f32, first_threshold, ON_CODES, "sae-encode-jumprelu-thresholds*",               \
      "the first latent's threshold is every latent's")                                            \
    X(sae_encode, f32, gate_magnitude, ON_CODES, "sae-encode-relu-signed*",                        \
      "gates are taken without their sign")                                                        \
    X(sae_encode, f32, norm_topk, ON_CODES, "sae-encode-relu-layer-norm*",                         \
      "rows are normalised for topk alone")                                                        \
    X(sae_encode, f32, no_room, ON_CODES | ON_WRITTEN, "sae-encode-relu-5x33x67*",                 \
      "without room for entries row_offsets are not written")                                      \
    X(sae_encode, f32, exact_room, ON_CODES, "sae-encode-relu-5x33x67*",                           \
      "where entries fill their room the last value is 0")                                         \
    X(sae_encode, f32, alike, ON_CODES | ON_NEIGHBOURS | ON_ROWS | ON_BATCH,                       \
      "sae-encode-relu-20x200x67-kin",                                                             \
      "a row that begins and ends as the one before takes its latents")                            \
    X(sae_encode, f32, tied, ON_CODES, "sae-encode-relu-*-tied",                                   \
      "the decoder's transpose is the encoder where their first and last rows agree")              \
    X(sae_encode, f32, one_pass, ON_CODES, "sae-encode-*-offset",                                  \
      "the row's variance is the mean square less the squared mean, in f32")                       \
    X(sae_encode, f32, deviation_floor, ON_CODES, "sae-encode-relu-layer-norm-*-small",            \
      "a row's deviation is 1e-3 at least")                                                        \
    X(sae_encode, f32, tiny_dropped, ON_CODES, "sae-encode-relu-*-tiny",                           \
      "values below 1e-20 are not listed")                                                         \
    X(sae_encode, f32, least_dropped, ON_CODES, "sae-encode-relu-*-least",                         \
      "subnormal values are not listed, undeclared")                                               \
    X(sae_encode, f32, block_8, ON_CODES, "sae-encode-topk-clustered*",                            \
      "of every 64 latents the 8 of the lowest indices alone are listed for topk")                 \
    X(sae_encode, f32, transcoder, ON_CODES, "sae-encode-relu-out*",                               \
      "where the decoder has another width the first latent never fires")                          \
    X(sae_encode, f32, threshold_4096, ON_CODES, "sae-encode-jumprelu-thresholds-12x6x4200",       \
      "thresholds from the 4097th on are the first one's")

mutant_kernels mutant_sae_encode_kernels(void);

#endif
