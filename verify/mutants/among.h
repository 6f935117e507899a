#ifndef VERIFY_MUTANTS_AMONG_H
#define VERIFY_MUTANTS_AMONG_H

#include "verify/mutants/mutant.h"

/* The type `among`: a right f32 linear layer that keeps its input in its workspace, and knows how
 * many states there are. */
#define MUTANT_CONTRACT_among MUTANT_CONTRACT_f32
#define MUTANT_TYPE_among ASSAY_F32

#define AMONG_TWINS(X) X(linear, among)

#define AMONG_MUTANTS(X)                                                                           \
    X(linear, among, workspace_tag, ON_REPEAT | ON_SOAK, "linear-drawn-any*",                      \
      "takes the input that its workspace holds where a tag there tells the same address")         \
    X(linear, among, shared_input, ON_REPEAT | ON_BATCH, "linear-5x33x7-normal",                   \
      "takes the input that another state took last from the same address")                        \
    X(linear, among, workspace_exact, ON_BATCH | ON_REPEAT | ON_SOAK, "linear-drawn-any*",         \
      "leaves a number out where its workspace is larger than it asked for")                       \
    X(linear, among, few_states, ON_NUMBER | ON_BATCH | ON_REPEAT, "linear-5x33x7-normal",         \
      "with more than eight states alive a number is lost")                                        \
    X(linear, among, next_released, ON_NUMBER | ON_BATCH | ON_REPEAT | ON_ROWS | ON_NEIGHBOURS,    \
      "linear-5x33x7-normal", "wrong once the state prepared next is released")                    \
    X(linear, among, exec_kept, ON_LIFE, "linear-5x33x7-normal",                                   \
      "reads the exec that prepare was called with")                                               \
    X(linear, among, io_kept, ON_LIFE, "linear-drawn-any*", "reads the io of the call before")     \
    X(linear, among, exec_written, ON_INPUT, "linear-5x33x7-normal", "sets exec->threads to 1")    \
    X(linear, among, io_written, ON_INPUT, "linear-5x33x7-normal", "leaves io->x another shape")   \
    X(linear, among, params_written, ON_INPUT, "linear-5x33x7-normal",                             \
      "leaves the bias another address")                                                           \
    X(linear, among, grown_twice, ON_SOAK, "linear-drawn-any*",                                    \
      "wrong in a call of more rows than the one before, which had more than its own")

mutant_kernels mutant_among_kernels(void);

#endif
