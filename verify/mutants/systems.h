#ifndef VERIFY_MUTANTS_SYSTEMS_H
#define VERIFY_MUTANTS_SYSTEMS_H

#include "verify/mutants/mutant.h"

/* The type `sys`: an f32 linear layer whose first column is (in 64 rows) summed by two threads. */
#define MUTANT_CONTRACT_sys MUTANT_CONTRACT_f32
#define MUTANT_TYPE_sys ASSAY_F32

#define SYSTEMS_TWINS(X) X(linear, sys)

#define SYSTEMS_MUTANTS(X)                                                                         \
    X(linear, sys, race, ON_NUMBER | ON_REPEAT, "linear-15x64x31*",                                \
      "two threads add to one sum without a lock; a barrier widens the window")                    \
    X(linear, sys, read_before_x, ON_MEMORY, "linear-5x33x7-normal", "reads x[-1]")                \
    X(linear, sys, read_after_x, ON_MEMORY, "linear-5x33x7-normal", "reads one past x")            \
    X(linear, sys, read_before_weight, ON_MEMORY, "linear-5x33x7-normal", "reads weight[-1]")      \
    X(linear, sys, read_after_weight, ON_MEMORY, "linear-5x33x7-normal", "reads one past weight")  \
    X(linear, sys, write_before_y, ON_MEMORY, "linear-5x33x7-normal", "writes y[-1]")              \
    X(linear, sys, write_after_y, ON_MEMORY, "linear-5x33x7-normal", "writes one past y")          \
    X(linear, sys, write_page_y, ON_MEMORY, "linear-5x33x7-normal", "writes 4096 past y")          \
    X(linear, sys, workspace_after, ON_MEMORY, "linear-5x33x7-normal",                             \
      "writes past the workspace it asked for")                                                    \
    X(linear, sys, workspace_before, ON_MEMORY, "linear-5x33x7-normal",                            \
      "writes before the workspace")                                                               \
    X(linear, sys, aligned_loads, ON_MEMORY | ON_NUMBER, "linear-5x33x7-normal",                   \
      "takes every row of x from the 64-byte boundary at or below it")                             \
    X(linear, sys, input_scaled, ON_INPUT | ON_MEMORY | ON_NUMBER, "linear-5x33x7-normal",         \
      "scales x in place")                                                                         \
    X(linear, sys, weight_scaled, ON_INPUT | ON_MEMORY | ON_NUMBER, "linear-5x33x7-normal",        \
      "scales the weight in place")                                                                \
    X(linear, sys, accumulates, ON_NUMBER | ON_WRITTEN, "linear-5x33x7-normal",                    \
      "adds to what y held")                                                                       \
    X(linear, sys, only_zeros, ON_WRITTEN | ON_NUMBER, "linear-5x33x7-normal",                     \
      "writes an element only where y held 0")                                                     \
    X(linear, sys, cached, ON_NUMBER | ON_REPEAT | ON_ROWS | ON_NEIGHBOURS | ON_BATCH |            \
          ON_SCALING | ON_LINEARITY, "linear-5x77x13*",                                            \
      "gives the first call's output again when the shapes repeat")                                \
    X(linear, sys, skips, ON_WRITTEN | ON_REPEAT | ON_NUMBER, "linear-5x33x7-normal",              \
      "does nothing when the shapes repeat: y holds what an earlier call left")                    \
    X(linear, sys, stale_weights, ON_NUMBER, "linear-5x77x13*",                                    \
      "keeps the weights of the first call of its shape")                                          \
    X(linear, sys, late_work, ON_WRITTEN | ON_LATE_WRITE | ON_NUMBER | ON_MEMORY,                  \
      "linear-5x33x7-normal", "returns at once; a thread does the work later")                     \
    X(linear, sys, late_write, ON_LATE_WRITE | ON_NUMBER | ON_MEMORY | ON_REPEAT,                  \
      "linear-5x33x7-normal", "a thread goes on writing y after the call has returned")            \
    X(linear, sys, unstable, ON_REPEAT | ON_NUMBER, "linear-5x33x7-normal",                        \
      "every second call is off by a percent in one element")                                      \
    X(linear, sys, error_return, ON_STATUS, "linear-5x33x7-normal", "returns an error")            \
    X(linear, sys, sleep, ON_DEADLINE, "linear-5x33x7-normal", "sleeps past the deadline")         \
    X(linear, sys, hang, ON_DEADLINE, "linear-5x33x7-normal", "loops for ever")                    \
    X(linear, sys, exit_0, ON_LIFE, "linear-5x33x7-normal", "calls exit(0)")                       \
    X(linear, sys, exit_3, ON_LIFE, "linear-5x33x7-normal", "calls exit(3)")                       \
    X(linear, sys, abort, ON_LIFE, "linear-5x33x7-normal", "calls abort()")                        \
    X(linear, sys, illegal, ON_LIFE, "linear-5x33x7-normal", "runs into an illegal instruction")   \
    X(linear, sys, null, ON_MEMORY, "linear-5x33x7-normal", "reads through a null pointer")        \
    X(linear, sys, stack_smash, ON_LIFE, "linear-5x33x7-normal",                                   \
      "writes past a local array, over its return address")                                        \
    X(linear, sys, memory, ON_LIFE, "linear-5x33x7-normal",                                        \
      "takes and touches memory without end")                                                      \
    X(linear, sys, closes, ON_LIFE | ON_DEADLINE, "linear-5x33x7-normal",                          \
      "closes every file it did not open")                                                         \
    X(linear, sys, poison_needed, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",        \
      "adds one where its output holds a number before the call")                                  \
    X(linear, sys, unsupported_run, ON_STATUS, "linear-5x33x7-normal",                             \
      "computes, then returns 'unsupported'")

mutant_kernels mutant_systems_kernels(void);

#endif
