#ifndef VERIFY_MUTANTS_ATTENTION_H
#define VERIFY_MUTANTS_ATTENTION_H

#include "verify/mutants/mutant.h"

#define ATTENTION_TWINS(X) X(attention, f32) X(attention, bf16)

#define ATTENTION_MUTANTS(X)                                                                       \
    X(attention, f32, scale_128, ON_NUMBER, "attention-prefill-4x2x64*",                           \
      "scores are divided by the root of twice head_dim: 1/sqrt(128) at 64")                       \
    X(attention, f32, no_scale, ON_NUMBER, "attention-prefill-4x2x64*", "scores are not scaled")   \
    X(attention, f32, future, ON_NUMBER, "attention-prefill-4x2x64*",                              \
      "a row sees the position after its own")                                                     \
    X(attention, f32, not_self, ON_NUMBER, "attention-prefill-4x2x64*",                            \
      "a row does not see its own position")                                                       \
    X(attention, f32, padding, ON_NUMBER, "attention-decode-8x2x64*",                              \
      "the whole cache is attended, padding included")                                             \
    X(attention, f32, first_lost, ON_NUMBER, "attention-prefill-4x2x64*",                          \
      "position 0 is not attended")                                                                \
    X(attention, f32, head_modulo, ON_NUMBER, "attention-prefill-4x2x64*",                         \
      "query head h reads kv head h mod kv_heads")                                                 \
    X(attention, f32, head_zero, ON_NUMBER, "attention-prefill-4x2x64*",                           \
      "all query heads read kv head 0")                                                            \
    X(attention, f32, no_max, ON_NUMBER, "attention-*-bos",                                        \
      "the softmax does not subtract the greatest score")                                          \
    X(attention, f32, batch_max, ON_NUMBER | ON_NEIGHBOURS | ON_BATCH,                             \
      "attention-ragged-8x2x64*",                                                                  \
      "the softmax subtracts the greatest score of the whole batch")                               \
    X(attention, f32, weights_bf16, ON_NUMBER, "attention-prefill-4x2x64*",                        \
      "claims f32, rounds softmax weights to bf16")                                                \
    X(attention, f32, query_bf16, ON_NUMBER, "attention-prefill-4x2x64*",                          \
      "claims f32 products, rounds the query to bf16")                                             \
    X(attention, f32, nan_masked, ON_NUMBER, "attention-*-nan",                                    \
      "a NaN score counts as minus infinity")                                                      \
    X(attention, f32, k_not_stored, ON_CACHE | ON_NUMBER, "attention-prefill-4x2x64*",             \
      "k is used but not stored in its cache")                                                     \
    X(attention, f32, v_late, ON_CACHE | ON_NUMBER, "attention-prefill-4x2x64*",                   \
      "v is stored one position late")                                                             \
    X(attention, f32, cache_overrun, ON_CACHE | ON_NUMBER | ON_MEMORY,                             \
      "attention-decode-4x4x16*", "the cache row after the last one stored is zeroed")             \
    X(attention, f32, other_sequence, ON_NUMBER | ON_NEIGHBOURS | ON_BATCH,                        \
      "attention-ragged-8x2x64*", "all rows read the cache of sequence 0")                         \
    X(attention, f32, short_sum, ON_NUMBER, "attention-prefill-4x2x64*",                           \
      "the softmax's sum leaves out the last weight")                                              \
    X(attention, f32, clears_first, ON_IN_PLACE, "attention-prefill-4x2x64*",                      \
      "a row of y is zeroed before its query is read: wrong where y is q")                         \
    X(attention, bf16, sum_bf16, ON_NUMBER, "attention-prefill-3x3x7*",                            \
      "values are summed in bf16")                                                                 \
    X(attention, f32, rows_256, ON_WRITTEN, "attention-prefill-2x1x8-300*",                        \
      "rows from 256 on are never written")                                                        \
    X(attention, f32, position_16, ON_NUMBER, "attention-decode-1x1x4-p66000*",                    \
      "positions before the last 65536 are not attended")                                          \
    X(attention, f32, sequence_32, ON_NUMBER, "attention-decode-2x1x8-forty*",                     \
      "sequences from 32 on read the caches of those from 0 on")                                   \
    X(attention, f32, heads_32, ON_WRITTEN, "attention-ragged-64x8x16*",                           \
      "heads after the 32nd are never written")                                                    \
    X(attention, f32, dim_128, ON_NUMBER, "attention-ragged-2x1x256*",                             \
      "of each head 128 numbers of q and k are multiplied")                                        \
    X(attention, f32, dim_whole, ON_NUMBER, "attention-ragged-3x1x80*",                            \
      "of a head of more than 32, whole groups of 32 are multiplied")                              \
    X(attention, f32, group_7, ON_NUMBER, "attention-sweep-heads",                                 \
      "in groups of 5, 7, 9 ... heads the last one reads the next kv head")                        \
    X(attention, f32, capacity_4, ON_CACHE | ON_NUMBER | ON_MEMORY,                                \
      "attention-ragged-4x2x16-spare",                                                             \
      "the caches are taken to hold max_position + 4 rows a sequence")                             \
    X(attention, f32, equal_prompts, ON_NUMBER, "attention-prefill-2x1x16-equal",                  \
      "of neighbours of equal length the second one's last row does not see itself")               \
    X(attention, f32, chunk_32, ON_NUMBER, "attention-chunk-2x1x8-70",                             \
      "the last of 32 or more rows over as many cached ones does not see itself")                  \
    X(attention, f32, keys_known, ON_NUMBER | ON_REPEAT | ON_DECODE, "attention-ragged-8x2x64*",   \
      "knows keys of earlier calls again by their cache's address")                                \
    X(attention, f32, kv_heads_32, ON_NUMBER, "attention-ragged-40x40x8",                          \
      "kv heads from 32 on are those from 0 on")

mutant_kernels mutant_attention_kernels(void);

#endif
