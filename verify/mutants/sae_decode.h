#ifndef VERIFY_MUTANTS_SAE_DECODE_H
#define VERIFY_MUTANTS_SAE_DECODE_H

#include "verify/mutants/mutant.h"

#define SAE_DECODE_TWINS(X) X(sae_decode, f32) X(sae_decode, bf16)

#define SAE_DECODE_MUTANTS(X)                                                                      \
    X(sae_decode, f32, no_bias, ON_NUMBER, "sae-decode-relu-5x33x67*",                             \
      "the decoder's bias is missing")                                                             \
    X(sae_decode, f32, f16_flushed, ON_NUMBER, "sae-decode-*-faint-f16",                           \
      "subnormal weights stored in f16 are read as zeros, undeclared")                             \
    X(sae_decode, f32, bias_twice, ON_NUMBER, "sae-decode-relu-5x33x67*",                          \
      "the decoder's bias is added twice")                                                         \
    X(sae_decode, f32, transposed, ON_NUMBER, "sae-decode-relu-5x33x67*",                          \
      "the decoder is read as [d_sae, d_out]")                                                     \
    X(sae_decode, f32, latent_plus_one, ON_NUMBER, "sae-decode-relu-5x33x67*",                     \
      "columns are taken one too far")                                                             \
    X(sae_decode, f32, no_scale, ON_NUMBER, "sae-decode-topk-layer-norm-5x64x257-normal",          \
      "the latents' scale is left out")                                                            \
    X(sae_decode, f32, scale_twice, ON_NUMBER, "sae-decode-topk-layer-norm-5x64x257-normal",       \
      "the latents' scale enters twice")                                                           \
    X(sae_decode, f32, last_entry, ON_NUMBER, "sae-decode-relu-5x33x67*",                          \
      "a row's last entry is left out")                                                            \
    X(sae_decode, f32, index_16, ON_NUMBER, "sae-decode-relu-wide*", "latents have 16 bits")       \
    X(sae_decode, f32, value_bf16, ON_NUMBER, "sae-decode-relu-edges*",                            \
      "claims f32 products, rounds values to bf16")                                                \
    X(sae_decode, f32, accumulate_bf16, ON_NUMBER, "sae-decode-relu-edges*",                       \
      "claims an f32 accumulator, sums in bf16")                                                   \
    X(sae_decode, f32, capacity_64, ON_NUMBER, "sae-decode-relu-edges*",                           \
      "entries after a row's 64th are left out")                                                   \
    X(sae_decode, f32, no_mean, ON_NUMBER, "sae-decode-topk-layer-norm-5x64x257-normal",           \
      "the row's mean is not added back")                                                          \
    X(sae_decode, f32, no_deviation, ON_NUMBER, "sae-decode-topk-layer-norm-5x64x257-normal",      \
      "the row's deviation is not multiplied back")                                                \
    X(sae_decode, f32, dead_column, ON_NUMBER, "sae-decode-jumprelu-vectors-16x64x256*",           \
      "the column of a latent of zero norm is multiplied by zero, not left out")                   \
    X(sae_decode, f32, row_before, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS,                            \
      "sae-decode-relu-5x33x67*", "a row begins one entry early")                                  \
    X(sae_decode, bf16, out_truncate, ON_NUMBER, "sae-decode-relu-edges*",                         \
      "the output is truncated to bf16")                                                           \
    X(sae_decode, f32, row_limit, ON_WRITTEN, "sae-decode-relu-66001*",                            \
      "rows from 65536 on are never written")                                                      \
    X(sae_decode, f32, whole_batch, ON_NUMBER, "sae-decode-relu-128x64x256*",                      \
      "where batches are whole tiles of 64 rows, a row loses its last entry")                      \
    X(sae_decode, f32, negative_dropped, ON_NUMBER, "sae-decode-jumprelu-below-zero*",             \
      "negative values are left out")                                                              \
    X(sae_decode, f32, zeros_skipped, ON_NUMBER, "sae-decode-relu-zero-outputs*",                  \
      "weights of zero are skipped, whatever they are multiplied by")                              \
    X(sae_decode, f32, capacity_512, ON_NUMBER, "sae-decode-relu-many*",                           \
      "entries after a row's 512th are left out")                                                  \
    X(sae_decode, f32, merged, ON_NUMBER, "sae-decode-relu-one*",                                  \
      "an entry of the latent that the entry before has is left out, be it another row's")         \
    X(sae_decode, f32, rows_7, ON_NUMBER, "sae-decode-sweep*",                                     \
      "of 7, 15, 23 ... rows the last is the bias alone")                                          \
    X(sae_decode, f32, empty_rows, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH,                 \
      "sae-decode-relu-gap*",                                                                      \
      "a row without entries repeats the one before")                                              \
    X(sae_decode, f32, zero_value, ON_NUMBER, "sae-decode-jumprelu-zero-values-inf*",              \
      "entries of value 0 are left out: 0 * Inf is lost")                                          \
    X(sae_decode, f32, norm_topk, ON_NUMBER, "sae-decode-relu-layer-norm*",                        \
      "the norm is undone for topk alone")                                                         \
    X(sae_decode, f32, end_of_room, ON_MEMORY | ON_NUMBER | ON_BATCH | ON_REPEAT,                  \
      "sae-decode-relu-5x33x67*", "the last row ends where the room for entries does")             \
    X(sae_decode, f32, equal_counts, ON_NUMBER, "sae-decode-relu-9x33x67-uneven",                  \
      "rows have as many entries as the first where that makes the number of all")                 \
    X(sae_decode, f32, small_dropped, ON_NUMBER, "sae-decode-relu-9x33x67-spread",                 \
      "values below 1e-5 of their row's first one are left out")                                   \
    X(sae_decode, f32, out_width, ON_NUMBER, "sae-decode-relu-out*",                               \
      "where the output has another width than the input its last number is the bias")             \
    X(sae_decode, f32, wide_last, ON_NUMBER, "sae-decode-relu-17x2048x300",                        \
      "of 16 rows or more of 1024 outputs the last number is the bias")                            \
    X(sae_decode, f32, alike, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH,                      \
      "sae-decode-relu-*-kin",                                                                     \
      "a row with the first and last entries of the one before repeats it")

mutant_kernels mutant_sae_decode_kernels(void);

#endif
