#ifndef VERIFY_MUTANTS_CALLS_H
#define VERIFY_MUTANTS_CALLS_H

#include "verify/mutants/mutant.h"
#include "verify/sanitized.h"

/* The type `called`: an f32 linear layer that packs its weights in prepare and sums in its
 * workspace. */
#define MUTANT_CONTRACT_called MUTANT_CONTRACT_f32
#define MUTANT_TYPE_called ASSAY_F32

#define CALLS_TWINS(X) X(linear, called)

#if ASSAY_MEMORY_SANITIZED
#define CALLS_MEMORY_MUTANTS(X)
#else
#define CALLS_MEMORY_MUTANTS(X)                                                                    \
    X(linear, called, never_freed, ON_LEFTOVER, "linear-drawn-any*",                               \
      "what prepare made is not released")
#endif

#define CALLS_MUTANTS(X)                                                                           \
    X(linear, called, one_buffer, ON_NUMBER, "linear-5x33x7-normal",                               \
      "all states share one buffer: the last prepare wins")                                        \
    X(linear, called, first_buffer, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",      \
      "all states share one buffer as long as there is one: the first prepare wins")               \
    X(linear, called, latest_cleared, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",    \
      "release clears what was prepared last, not its own")                                        \
    X(linear, called, by_address, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",        \
      "knows weights again by their address and first number")                                     \
    X(linear, called, by_ends, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",           \
      "knows weights again by their shape, first and last number")                                 \
    X(linear, called, first_rows, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",        \
      "has room for as many rows as the first call after prepare had")                             \
    X(linear, called, same_ends, ON_REPEAT, "linear-5x33x7-normal",                                \
      "gives the last output again where every row begins and ends as the last call's did")        \
    X(linear, called, nearly_same, ON_REPEAT, "linear-5x33x7-normal",                              \
      "gives the last output again where no input differs by a thousandth of the greatest")        \
    X(linear, called, high_scratch, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",      \
      "sums begin with what the workspace holds, where that is above 0")                           \
    X(linear, called, low_scratch, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",       \
      "sums begin with what the workspace holds, where that is below 0")                           \
    X(linear, called, zeros_kept, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",        \
      "takes an output of zeros for one that is done")                                             \
    X(linear, called, error_needed, ON_LIFE, "linear-5x33x7-normal",                               \
      "writes exec->error without asking whether it is there")                                     \
    X(linear, called, prepare_threads, ON_BATCH | ON_REPEAT | ON_NUMBER, "linear-5x33x7-normal",   \
      "prepare by more than three threads leaves the last number to another")                      \
    CALLS_MEMORY_MUTANTS(X)

mutant_kernels mutant_calls_kernels(void);

#endif
