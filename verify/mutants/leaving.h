#ifndef VERIFY_MUTANTS_LEAVING_H
#define VERIFY_MUTANTS_LEAVING_H

#include "verify/mutants/mutant.h"
#include "verify/sanitized.h"

/* The type `leaving`: an f32 linear layer that is right, and leaves its process otherwise than it
 * found it. */
#define MUTANT_CONTRACT_leaving MUTANT_CONTRACT_f32
#define MUTANT_TYPE_leaving ASSAY_F32

#define LEAVING_TWINS(X) X(linear, leaving)

/* x87 and MMX are a processor's own. */
#if defined(__x86_64__)
#define LEAVING_X87_MUTANTS(X)                                                                     \
    X(linear, leaving, x87_control, ON_MODES, "linear-5x33x7-normal",                              \
      "leaves x87 computing with 24 bits")                                                         \
    X(linear, leaving, mmx, ON_MODES, "linear-5x33x7-normal", "runs MMX code without emms")
#else
#define LEAVING_X87_MUTANTS(X)
#endif

#if ASSAY_MEMORY_SANITIZED
#define LEAVING_MEMORY_MUTANTS(X)
#else
#define LEAVING_MEMORY_MUTANTS(X)                                                                  \
    X(linear, leaving, leak_little, ON_LEFTOVER, "linear-drawn-any*",                              \
      "keeps a KiB of every call")                                                                 \
    X(linear, leaving, leak_least, ON_LEFTOVER, "linear-drawn-any*",                               \
      "keeps 16 bytes of every call")                                                              \
    X(linear, leaving, leak, ON_LEFTOVER | ON_LIFE, "linear-drawn-any*",                           \
      "keeps 1 MiB of every call")                                                                 \
    X(linear, leaving, untouched, ON_LEFTOVER, "linear-drawn-any*",                                \
      "keeps 1 MiB of every call that it never touches")
#endif

#define LEAVING_MUTANTS(X)                                                                         \
    LEAVING_X87_MUTANTS(X)                                                                         \
    LEAVING_MEMORY_MUTANTS(X)                                                                      \
    X(linear, leaving, environment, ON_LEFTOVER, "linear-5x33x7-normal",                           \
      "sets an environment variable")                                                              \
    X(linear, leaving, directory, ON_LEFTOVER, "linear-5x33x7-normal",                             \
      "changes the working directory")                                                             \
    X(linear, leaving, locale, ON_LEFTOVER, "linear-5x33x7-normal", "sets a locale")               \
    X(linear, leaving, handler, ON_LEFTOVER, "linear-5x33x7-normal",                               \
      "ignores a signal from now on")                                                              \
    X(linear, leaving, mask, ON_LEFTOVER, "linear-5x33x7-normal", "blocks a signal")               \
    X(linear, leaving, limit, ON_LEFTOVER, "linear-5x33x7-normal",                                 \
      "lowers the size that files may have")                                                       \
    X(linear, leaving, file_mode, ON_LEFTOVER, "linear-5x33x7-normal",                             \
      "sets the mask of file modes")                                                               \
    X(linear, leaving, signal_stack, ON_LEFTOVER, "linear-5x33x7-normal",                          \
      "takes the alternate signal stack away")                                                     \
    X(linear, leaving, standard_input, ON_LEFTOVER, "linear-5x33x7-normal",                        \
      "closes standard input")                                                                     \
    X(linear, leaving, alarm, ON_LEFTOVER, "linear-5x33x7-normal", "leaves an alarm running")      \
    X(linear, leaving, timer, ON_LEFTOVER, "linear-5x33x7-normal", "leaves a timer of its own")    \
    X(linear, leaving, processor, ON_LEFTOVER, "linear-5x33x7-normal",                             \
      "stays on the processor that it runs on")                                                    \
    X(linear, leaving, priority, ON_LEFTOVER, "linear-5x33x7-normal", "lowers its priority")       \
    X(linear, leaving, slack, ON_LEFTOVER, "linear-5x33x7-normal",                                 \
      "lets timers be a second late")                                                              \
    X(linear, leaving, huge_pages, ON_LEFTOVER, "linear-5x33x7-normal",                            \
      "switches huge pages off")                                                                   \
    X(linear, leaving, locked, ON_LEFTOVER, "linear-5x33x7-normal",                                \
      "lowers the limit of locked memory")                                                         \
    X(linear, leaving, dynamic, ON_LEFTOVER, "linear-5x33x7-normal",                               \
      "lets OpenMP start fewer threads than asked for")                                            \
    X(linear, leaving, files, ON_LEFTOVER, "linear-5x33x7-normal", "opens 1000 files")             \
    X(linear, leaving, one_file, ON_LEFTOVER, "linear-drawn-any*", "opens a file every call")      \
    X(linear, leaving, file_now_and_then, ON_LEFTOVER, "linear-drawn-any*",                        \
      "opens a file every 24th call")                                                              \
    X(linear, leaving, threads, ON_LEFTOVER, "linear-drawn-any*",                                  \
      "leaves a thread that waits for ever with every call")                                       \
    X(linear, leaving, spins, ON_LEFTOVER, "linear-5x33x7-normal",                                 \
      "leaves a thread that computes for ever")                                                    \
    X(linear, leaving, child, ON_LEFTOVER, "linear-5x33x7-normal", "leaves a child process")       \
    X(linear, leaving, floods, ON_LEFTOVER, "linear-5x33x7-normal", "prints 2 MiB")

mutant_kernels mutant_leaving_kernels(void);

#endif
