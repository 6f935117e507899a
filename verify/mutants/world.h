/* Whole backends with one fault, for `assay selftest world`: scalar's kernels, one of them replaced
 * by a mutant, or the capture fused and wrong. What each does to explanations is measured; each is
 * shown to the verifier too.
 *
 *   X(name, op, mutant, what)   the table is w_<name>, its wrong kernel m_<op>_<mutant>'s
 *
 * w_right has no fault. */
#ifndef VERIFY_MUTANTS_WORLD_H
#define VERIFY_MUTANTS_WORLD_H

#include "verify/mutants/mutant.h"

#define WORLD_RIGHT "w_right"

#define WORLD_FAULTS(X)                                                                            \
    X(hook_early, capture, layer_early, "the hook is one layer early")                             \
    X(hook_late, capture, layer_late, "the hook is one layer late")                                \
    X(hook_middle, capture, mid_residual,                                                          \
      "the hook is between attention and MLP of its layer")                                        \
    X(encoder_bias, sae_encode, no_encode_bias, "the encoder's bias is left out")                  \
    X(input_bias, sae_encode, decode_bias, "the decoder's bias is subtracted before encoding")     \
    X(threshold, sae_encode, no_threshold, "JumpReLU's threshold is taken for 0")                  \
    X(encoder_scale, sae_encode, no_scale, "decoder norms have no part in a latent's value")       \
    X(decoder_bias, sae_decode, no_bias, "the decoder's bias is left out")                         \
    X(decoder_column, sae_decode, latent_plus_one, "each latent takes its neighbour's column")     \
    X(adapter_bias, adapter, no_bias, "the adapter's bias is left out")                            \
    X(adapter_norm, adapter, never_normalised, "the adapter does not normalise its input")         \
    X(adapter_scale, adapter, no_exp, "the adapter scales by log_scale itself")                    \
    X(adapter_mean, adapter, mean_kept, "a contrastive adapter does not subtract its mean")        \
    X(rope_pairs, rope, interleaved, "rotation in interleaved pairs")                              \
    X(rope_sign, rope, sine_sign, "rotation the other way")                                        \
    X(rope_base, rope, theta, "rope's base is 500,000 where it is 10,000")                         \
    X(kv_heads, attention, head_modulo, "query head h reads KV head h mod kv_heads")               \
    X(attention_scale, attention, scale_128, "scores are divided by the root of twice head_dim")   \
    X(attention_mask, attention, future, "a token sees the one after it")                          \
    X(norm_weight, rmsnorm, weight_plus_one, "norms multiply by 1 + weight")                       \
    X(gate_up, swiglu, swapped, "gate and up projections change places")                           \
    X(soft_token, embed, one_soft, "only the first soft token is placed")

/* The tables' kernels, all of them. */
mutant_kernels mutant_world_kernels(void);

#endif
