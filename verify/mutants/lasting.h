#ifndef VERIFY_MUTANTS_LASTING_H
#define VERIFY_MUTANTS_LASTING_H

#include "verify/mutants/mutant.h"

/* The type `lasting`: an f32 linear layer that is right for sizes that are listed, at first, or in
 * its numbers alone. */
#define MUTANT_CONTRACT_lasting MUTANT_CONTRACT_f32
#define MUTANT_TYPE_lasting ASSAY_F32

#define LASTING_TWINS(X) X(linear, lasting)

#define LASTING_MUTANTS(X)                                                                         \
    X(linear, lasting, known_sizes, ON_NUMBER, "linear-drawn-any*",                                \
      "wrong for sizes that no listed case has, multiples of 16 excepted")                         \
    X(linear, lasting, tires, ON_SOAK | ON_NUMBER | ON_REPEAT, "linear-drawn-any*",                \
      "wrong from its 120th call in a process on")                                                 \
    X(linear, lasting, slips, ON_SOAK | ON_NUMBER | ON_REPEAT | ON_ROWS | ON_BATCH |               \
          ON_NEIGHBOURS | ON_SCALING | ON_LINEARITY, "linear-drawn-any*",                          \
      "every 64th call is wrong in one element")                                                   \
    X(linear, lasting, wraps, ON_SOAK | ON_NUMBER | ON_REPEAT | ON_ROWS | ON_BATCH |               \
          ON_NEIGHBOURS | ON_SCALING | ON_LINEARITY, "linear-drawn-any*",                          \
      "a count of 8 bits wraps: every 256th call is wrong in one element")                         \
    X(linear, lasting, unlocks_x, ON_INPUT, "linear-5x33x7-normal",                                \
      "makes the page of x writable, changes x after the last read, locks it again")               \
    X(linear, lasting, unlocks_weight, ON_INPUT | ON_NUMBER | ON_REPEAT, "linear-5x33x7-normal",   \
      "the same with its weights")                                                                 \
    X(linear, lasting, pad_uncleared, ON_NUMBER, "linear-5x33x7-normal",                           \
      "rows of weights are packed to multiples of 8 numbers that nobody cleared, times 0")

mutant_kernels mutant_lasting_kernels(void);

#endif
