#ifndef VERIFY_MUTANTS_AMBIENT_H
#define VERIFY_MUTANTS_AMBIENT_H

#include "verify/mutants/mutant.h"

/* The type `ambient`: an f32 linear layer whose columns are shared out among exec->threads. */
#define MUTANT_CONTRACT_ambient MUTANT_CONTRACT_f32
#define MUTANT_TYPE_ambient ASSAY_F32

#define AMBIENT_TWINS(X) X(linear, ambient)

/* Where only other numbers of threads than the first run's can show it. */
#define ON_THREADS (ON_REPEAT | ON_ROWS | ON_BATCH | ON_SCALING | ON_LINEARITY)

/* Processors flush subnormals by a mode of their own. */
#if defined(__x86_64__)
#define AMBIENT_FLUSH_MUTANTS(X)                                                                   \
    X(linear, ambient, leaves_ftz, ON_MODES, "linear-5x33x7-normal",                               \
      "sets flush-to-zero and leaves it set")                                                      \
    X(linear, ambient, leaves_daz, ON_MODES, "linear-5x33x7-normal",                               \
      "sets denormals-are-zero and leaves it set")                                                 \
    X(linear, ambient, flushing, ON_NUMBER, "linear-*-subnormal",                                  \
      "computes with flush-to-zero and denormals-are-zero, undeclared, and puts both back")
#else
#define AMBIENT_FLUSH_MUTANTS(X)
#endif

#define AMBIENT_MUTANTS(X)                                                                         \
    X(linear, ambient, one_thread, ON_THREADS, "linear-8x96x24*",                                  \
      "with one thread the last column is left to another")                                        \
    X(linear, ambient, odd_threads, ON_THREADS, "linear-8x96x24*",                                 \
      "with three threads the last one's columns are not computed")                                \
    X(linear, ambient, many_threads, ON_THREADS, "linear-8x96x24*",                                \
      "has room for four threads: the columns of others take the weights of the first")            \
    X(linear, ambient, more_threads, ON_THREADS, "linear-8x96x24*",                                \
      "has room for twelve threads")                                                               \
    X(linear, ambient, leaves_rounding, ON_MODES, "linear-5x33x7-normal",                          \
      "rounds upward and leaves it so")                                                            \
    X(linear, ambient, upward, ON_NUMBER, "linear-2x4609*",                                        \
      "computes rounding upward, undeclared, and puts the mode back")                              \
    AMBIENT_FLUSH_MUTANTS(X)

mutant_kernels mutant_ambient_kernels(void);

#endif
