#ifndef VERIFY_MUTANTS_ELEMENTWISE_H
#define VERIFY_MUTANTS_ELEMENTWISE_H

#include "verify/mutants/mutant.h"

#define EMBED_TWINS(X) X(embed, f32) X(embed, bf16)

#define EMBED_MUTANTS(X)                                                                           \
    X(embed, f32, not_injected, ON_NUMBER, "embed-*-soft3*", "soft tokens are left out")           \
    X(embed, f32, first_rows, ON_NUMBER, "embed-*-soft3*", "soft token s replaces row s")          \
    X(embed, f32, place_late, ON_NUMBER, "embed-*-soft3*", "soft tokens land one row late")        \
    X(embed, f32, soft_added, ON_NUMBER, "embed-*-soft3*",                                         \
      "a soft token is added to the embedding it should replace")                                  \
    X(embed, f32, scalar_broadcast, ON_NUMBER, "embed-*-soft3*",                                   \
      "the soft token's first number is broadcast over the row")                                   \
    X(embed, f32, one_soft, ON_NUMBER, "embed-*-soft3*", "only the first soft token is placed")    \
    X(embed, f32, id_plus_one, ON_NUMBER, "embed-7x131x17-soft0*", "rows are taken one too far")   \
    X(embed, f32, id_halved, ON_NUMBER, "embed-7x131x17-soft0*", "64-bit ids are read as 32-bit")  \
    X(embed, bf16, through_f16, ON_NUMBER, "embed-*-subnormal",                                    \
      "values pass through f16 on their way")                                                      \
    X(embed, f32, f16_flushed, ON_NUMBER, "embed-*-subnormal-f16",                                 \
      "subnormals of a table in f16 are read as zeros, undeclared")                                \
    X(embed, f32, id_edge, ON_NUMBER, "embed-9x70001*", "ids from 65536 to 65599 lose a bit")      \
    X(embed, f32, id_17, ON_NUMBER, "embed-66001*", "ids have 17 bits")                            \
    X(embed, f32, row_limit, ON_WRITTEN, "embed-66001*", "rows from 65536 on are never written")   \
    X(embed, bf16, soft_type, ON_NUMBER, "embed-9x67x33-soft2-mixed",                              \
      "soft rows are read in the type of y")                                                       \
    X(embed, f32, table_dense, ON_NUMBER, "embed-*-padded",                                        \
      "rows of the table are taken to be d apart")                                                 \
    X(embed, bf16, nan_carried, ON_NUMBER, "embed-60x13x33-f32-nan",                               \
      "bits of a NaN are rounded as a number's: some become infinite or 0")                        \
    X(embed, f32, alike, ON_NUMBER, "embed-60x20x70-kin",                                          \
      "a row of the table that begins and ends as the one before is taken for it")

#define ADD_TWINS(X) X(add, f32) X(add, bf16)

#define ADD_MUTANTS(X)                                                                             \
    X(add, f32, twice_a, ON_NUMBER, "add-3x127*", "a + a")                                         \
    X(add, f32, tail, ON_WRITTEN, "add-3x127*", "the elements after the last 16 are not written")  \
    X(add, f32, clipped, ON_NUMBER, "add-*-inf", "infinite sums are clipped")                      \
    X(add, f32, quiet_nan, ON_NUMBER, "add-*-nan", "a NaN is replaced by 0")                       \
    X(add, f32, flush, ON_NUMBER, "add-*-subnormal", "subnormals are flushed, undeclared")         \
    X(add, f32, in_bf16, ON_NUMBER, "add-3x127*", "claims f32, adds what it rounded to bf16")      \
    X(add, f32, copies_first, ON_IN_PLACE, "add-3x127*",                                           \
      "y = a, then y += b: wrong where y is b, which the contract allows")                         \
    X(add, bf16, sum_truncate, ON_NUMBER, "add-16x256*", "the sum is truncated to bf16")           \
    X(add, f32, row_limit, ON_WRITTEN, "add-66001*", "rows from 65536 on are never written")       \
    X(add, f32, wide, ON_WRITTEN, "add-2x20001*", "columns from 16384 on are never written")       \
    X(add, f32, overflow_clipped, ON_NUMBER, "add-9x127-normal-huge",                              \
      "finite sums beyond the greatest number are clipped to it")                                  \
    X(add, f32, flat_20, ON_NUMBER, "add-3x400009*", "elements have numbers of 20 bits")           \
    X(add, f32, one_far, ON_NUMBER, "add-3x400009*", "of a million elements one is a - b")         \
    X(add, f32, cancelled, ON_NUMBER, "add-9x130-cancel",                                          \
      "sums below 2^-20 of their first part are taken for 0")

#define SWIGLU_TWINS(X) X(swiglu, f32) X(swiglu, bf16)

#define SWIGLU_MUTANTS(X)                                                                          \
    X(swiglu, f32, swapped, ON_NUMBER, "swiglu-5x127*", "silu(up) * gate")                         \
    X(swiglu, f32, sigmoid, ON_NUMBER, "swiglu-5x127*", "sigmoid(gate) * up")                      \
    X(swiglu, f32, gelu, ON_NUMBER, "swiglu-5x127*", "gelu(gate) * up")                            \
    X(swiglu, f32, no_up, ON_NUMBER, "swiglu-5x127*", "silu(gate) alone")                          \
    X(swiglu, f32, clamped, ON_NUMBER, "swiglu-*-wide", "the gate is clamped to -20 .. 20")        \
    X(swiglu, f32, fast_exp, ON_NUMBER, "swiglu-5x127*", "the exponential has 12 bits")            \
    X(swiglu, f32, up_late, ON_IN_PLACE, "swiglu-5x127*",                                          \
      "silu(gate) is stored in y before up is read: wrong where y is up")                          \
    X(swiglu, f32, wide, ON_NUMBER, "swiglu-2x14336*",                                             \
      "columns from 8192 on take up's of 8192 before")                                             \
    X(swiglu, f32, gate_row, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS, "swiglu-5x127*",                 \
      "the gate is the row's before")                                                              \
    X(swiglu, f32, row_limit, ON_WRITTEN, "swiglu-66001*", "rows from 65536 on are never written") \
    X(swiglu, f32, exp_over_exp, ON_NUMBER, "swiglu-5x63-normal-extreme",                          \
      "exp(g) / (1 + exp(g)) in f32: NaN from g = 89 on")                                          \
    X(swiglu, f32, near_zero, ON_NUMBER, "swiglu-5x63-normal-small",                               \
      "below 1e-4 silu(g) is taken for g/2")                                                       \
    X(swiglu, f32, up_zero, ON_NUMBER, "swiglu-12x33-inf-zero-up",                                 \
      "where up is 0 so is y, be the gate infinite")                                               \
    X(swiglu, f32, gate_flushed, ON_NUMBER, "swiglu-6x31-subnormal-gate",                          \
      "subnormal gates are taken for 0, undeclared")                                               \
    X(swiglu, f32, alike, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH, "swiglu-20x70-kin",      \
      "a gate row that begins and ends as the one before is taken for it")

mutant_kernels mutant_embed_kernels(void);
mutant_kernels mutant_add_kernels(void);
mutant_kernels mutant_swiglu_kernels(void);

#endif
