#ifndef VERIFY_MUTANTS_NORM_H
#define VERIFY_MUTANTS_NORM_H

#include "verify/mutants/mutant.h"

/* The type `once`: bf16 activations with one rounding, after the weight. (The opposite fault, one
 * rounding where two are declared, only makes a kernel more precise than it claims.) */
#define MUTANT_CONTRACT_once                                                                       \
    {                                                                                              \
        .multiply = ASSAY_F32, .accumulate = {.bits = 24, .block = 1}, .intermediate = ASSAY_F32,  \
        .output = ASSAY_BF16, .order = ASSAY_ORDER_SEQUENTIAL                                      \
    }
#define MUTANT_TYPE_once ASSAY_F32

#define RMSNORM_TWINS(X) X(rmsnorm, f32) X(rmsnorm, bf16) X(rmsnorm, once)

#define RMSNORM_MUTANTS(X)                                                                         \
    X(rmsnorm, f32, eps_outside, ON_NUMBER, "rmsnorm-*-small", "eps is added outside the root")    \
    X(rmsnorm, f32, no_eps, ON_NUMBER, "rmsnorm-*-zero-rows", "eps is left out")                   \
    X(rmsnorm, f32, centred, ON_NUMBER, "rmsnorm-3x127*", "the mean is subtracted first")          \
    X(rmsnorm, f32, unbiased, ON_NUMBER, "rmsnorm-3x127*", "the mean square divides by d-1")       \
    X(rmsnorm, f32, no_weight, ON_NUMBER, "rmsnorm-3x127*", "the weight is not applied")           \
    X(rmsnorm, f32, weight_plus_one, ON_NUMBER, "rmsnorm-3x127*", "multiplies by 1 + weight")      \
    X(rmsnorm, f32, f16_flushed, ON_NUMBER, "rmsnorm-*-faint-f16",                                 \
      "subnormal weights stored in f16 are read as zeros, undeclared")                             \
    X(rmsnorm, f32, short_sum, ON_NUMBER, "rmsnorm-3x127*",                                        \
      "the mean square leaves out the last element")                                               \
    X(rmsnorm, f32, rsqrt_12, ON_NUMBER, "rmsnorm-3x127*",                                         \
      "the reciprocal root has 12 bits, as an approximate instruction gives it")                   \
    X(rmsnorm, bf16, sum_bf16, ON_NUMBER, "rmsnorm-*-outliers", "squares are summed in bf16")      \
    X(rmsnorm, bf16, norm_truncate, ON_NUMBER, "rmsnorm-5x128*",                                   \
      "the output is truncated to bf16 instead of rounded")                                        \
    X(rmsnorm, f32, row_of_other, ON_NUMBER | ON_NEIGHBOURS, "rmsnorm-*-bos",                      \
      "every row is divided by the first row's RMS")                                               \
    X(rmsnorm, f32, norm_again, ON_IN_PLACE, "rmsnorm-3x127*",                                     \
      "the second half of a row is normed by x as it is by then: wrong where y is x")              \
    X(rmsnorm, once, cast_first, ON_NUMBER, "rmsnorm-*-outliers",                                  \
      "claims to round once, after the weight; rounds the normed row to bf16 before it too")       \
    X(rmsnorm, f32, row_limit, ON_WRITTEN, "rmsnorm-66001*",                                       \
      "rows from 65536 on are never written")                                                      \
    X(rmsnorm, f32, wide, ON_NUMBER, "rmsnorm-2x17001*", "squares from 16384 on are left out")     \
    X(rmsnorm, f32, zero_row, ON_NUMBER, "rmsnorm-*-zero-rows-inf-weights",                        \
      "a row of zeros stays one, be the weight infinite")                                          \
    X(rmsnorm, f32, alike, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH, "rmsnorm-20x200-kin",   \
      "a row that begins and ends as the one before takes its root")                               \
    X(rmsnorm, f32, tails, ON_NUMBER, "rmsnorm-sweep",                                             \
      "where both tiles of 8 rows and of 256 columns leave a rest, the last weight is 0")

#define ROPE_TWINS(X) X(rope, f32) X(rope, bf16)

#define ROPE_MUTANTS(X)                                                                            \
    X(rope, f32, interleaved, ON_NUMBER, "rope-5x3x64*",                                           \
      "pairs are (2i, 2i+1), as in Meta's layout, on half-split weights")                          \
    X(rope, f32, sine_sign, ON_NUMBER, "rope-5x3x64*", "rotates the other way")                    \
    X(rope, f32, position_plus_one, ON_NUMBER, "rope-5x3x64*", "positions count from 1")           \
    X(rope, f32, row_position, ON_NUMBER, "rope-5x3x64*", "the row's index is its position")       \
    X(rope, f32, first_head, ON_NUMBER, "rope-5x3x64*", "heads after the first are copied")        \
    X(rope, f32, one_frequency, ON_NUMBER, "rope-5x3x64*", "the first frequency serves all pairs") \
    X(rope, f32, second_half, ON_WRITTEN, "rope-5x3x64*",                                          \
      "the second of each pair is never written")                                                  \
    X(rope, f32, angle_f32, ON_NUMBER, "rope-*-p8000",                                             \
      "claims f64 angles, takes them in f32")                                                      \
    X(rope, f32, angle_f16, ON_NUMBER, "rope-*-p8000", "positions are rounded to f16")             \
    X(rope, f32, second_from_first, ON_NUMBER, "rope-5x3x64*",                                     \
      "the second of a pair is made from the rotated first")                                       \
    X(rope, f32, first_again, ON_IN_PLACE, "rope-5x3x64*",                                         \
      "the first of a pair is read again after it was written: wrong where y is x")                \
    X(rope, f32, row_limit, ON_WRITTEN, "rope-66001*", "rows from 65536 on are never written")     \
    X(rope, f32, heads_32, ON_WRITTEN, "rope-3x64x16*", "heads after the 32nd are never written")  \
    X(rope, f32, one_position, ON_NUMBER, "rope-7x2x16-equal",                                     \
      "rows of one position, above 0, are not rotated")                                            \
    X(rope, f32, run, ON_NUMBER | ON_NEIGHBOURS | ON_ROWS | ON_BATCH, "rope-41x1x16-runs",         \
      "positions whose ends are as far apart as the rows are taken to ascend by one")

mutant_kernels mutant_rmsnorm_kernels(void);
mutant_kernels mutant_rope_kernels(void);

#endif
