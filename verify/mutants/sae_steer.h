#ifndef VERIFY_MUTANTS_SAE_STEER_H
#define VERIFY_MUTANTS_SAE_STEER_H

#include "verify/mutants/mutant.h"

#define SAE_STEER_TWINS(X) X(sae_steer, f32) X(sae_steer, bf16)

#define SAE_STEER_MUTANTS(X)                                                                       \
    X(sae_steer, f32, no_error, ON_NUMBER, "sae-steer-relu-set-9x65x129*",                         \
      "the reconstruction's error is not written back: y = decode(f')")                            \
    X(sae_steer, f32, error_edited, ON_NUMBER, "sae-steer-relu-set-9x65x129*",                     \
      "the error is computed from the edited features, so nothing changes")                        \
    X(sae_steer, f32, first_row, ON_NUMBER, "sae-steer-relu-set-9x65x129*",                        \
      "only the first row is steered")                                                             \
    X(sae_steer, f32, axes_swapped, ON_NUMBER, "sae-steer-relu-set-9x65x129*",                     \
      "the row of the latent's number is steered instead of the latent")                           \
    X(sae_steer, f32, no_scale, ON_NUMBER, "sae-steer-jumprelu-scale-9x64x128*",                   \
      "the latent's scale is left out")                                                            \
    X(sae_steer, f32, no_deviation, ON_NUMBER, "sae-steer-topk-layer-norm-add*",                   \
      "the row's deviation is left out")                                                           \
    X(sae_steer, f32, set_adds, ON_NUMBER, "sae-steer-relu-set-9x65x129*",                         \
      "set adds the amount to what is there")                                                      \
    X(sae_steer, f32, add_sets, ON_NUMBER, "sae-steer-relu-add-9x65x129*",                         \
      "add sets the amount")                                                                       \
    X(sae_steer, f32, scale_adds, ON_NUMBER, "sae-steer-relu-scale-9x65x129*",                     \
      "scale adds the amount's multiple without taking the feature away")                          \
    X(sae_steer, f32, ablate_nothing, ON_NUMBER, "sae-steer-relu-ablate-9x65x129*",                \
      "ablate leaves x as it is")                                                                  \
    X(sae_steer, f32, latent_plus_one, ON_NUMBER, "sae-steer-relu-set-9x65x129*",                  \
      "the next latent is edited")                                                                 \
    X(sae_steer, f32, index_16, ON_NUMBER, "sae-steer-relu-wide*", "latents have 16 bits")         \
    X(sae_steer, f32, no_topk, ON_NUMBER, "sae-steer-topk-few-ablate*",                            \
      "a latent that is not among the k counts as active")                                         \
    X(sae_steer, f32, no_threshold, ON_NUMBER, "sae-steer-jumprelu-ablate*",                       \
      "the threshold is taken for 0")                                                              \
    X(sae_steer, f32, runs_twice, ON_IN_PLACE, "sae-steer-relu-add-9x65x129*",                     \
      "steers, and steers again: twice where y is x")                                              \
    X(sae_steer, f32, negative, ON_NUMBER, "sae-steer-relu-add-9x65x129*", "the sign is wrong")    \
    X(sae_steer, f32, row_limit, ON_NUMBER, "sae-steer-relu-set-66001*",                           \
      "rows from 65536 on are not steered")                                                        \
    X(sae_steer, f32, set_scale_twice, ON_NUMBER, "sae-steer-jumprelu-vectors-set*",               \
      "set applies the latent's scale twice")                                                      \
    X(sae_steer, f32, add_magnitude, ON_NUMBER, "sae-steer-jumprelu-vectors-add*",                 \
      "add takes the amount without its sign")                                                     \
    X(sae_steer, f32, not_strict, ON_EXACT, "sae-steer-met",                                       \
      "a latent whose score is its threshold counts as active")                                    \
    X(sae_steer, bf16, edge_half, ON_NUMBER, "sae-steer-jumprelu-edge*",                           \
      "a latent within a bf16 step of its threshold is taken away by half")                        \
    X(sae_steer, f32, tie_highest, ON_EXACT, "sae-steer-topk-ties",                                \
      "of equal scores those of the highest indices are among the k")                              \
    X(sae_steer, f32, nan_kept, ON_NUMBER, "sae-steer-relu-ablate-7x33x63-nan",                    \
      "a row whose feature is NaN is left as it is")                                               \
    X(sae_steer, f32, norm_topk, ON_NUMBER, "sae-steer-relu-layer-norm*",                          \
      "the row is normalised for topk alone")                                                      \
    X(sae_steer, f32, decoder_type, ON_NUMBER, "sae-steer-relu-mixed*",                            \
      "the decoder is read in the encoder's type")                                                 \
    X(sae_steer, f32, add_zero, ON_NUMBER, "sae-steer-relu-add-*-amount-0", "adding 0 ablates")    \
    X(sae_steer, f32, set_zero, ON_NUMBER, "sae-steer-relu-set-*-amount-0",                        \
      "setting to 0 does nothing")                                                                 \
    X(sae_steer, f32, scale_one, ON_NUMBER, "sae-steer-relu-scale-*-amount-1",                     \
      "scaling by 1 ablates")

mutant_kernels mutant_sae_steer_kernels(void);

#endif
