/* What a process has one of, and every later call in it depends on: environment variables, working
 * directory, locale, signal handlers, mask and stack, limits, file mode mask, standard and open
 * files, timers; what its calling thread may run on and how soon; OpenMP's ways to share out work.
 * A kernel leaves them as they were. What a library makes once, at its first use, and keeps
 * (threads of a pool, memory, a few files) is its own affair; so is how many threads OpenMP starts
 * unasked, which libraries set for themselves: it is put back. */
#ifndef VERIFY_ISOLATION_SURROUNDINGS_H
#define VERIFY_ISOLATION_SURROUNDINGS_H

#include "verify/isolation/session.h"

typedef enum assay_surrounding {
    ASSAY_SURROUNDING_ENVIRONMENT,
    ASSAY_SURROUNDING_DIRECTORY,
    ASSAY_SURROUNDING_LOCALE,
    ASSAY_SURROUNDING_HANDLERS,
    ASSAY_SURROUNDING_MASK,
    ASSAY_SURROUNDING_LIMITS,
    ASSAY_SURROUNDING_FILE_MODE,
    ASSAY_SURROUNDING_SIGNAL_STACK,
    ASSAY_SURROUNDING_STANDARD_FILES,
    ASSAY_SURROUNDING_TIMERS,
    ASSAY_SURROUNDING_PROCESSORS,
    ASSAY_SURROUNDING_PRIORITY,
    ASSAY_SURROUNDING_MEMORY_PAGES,
    ASSAY_SURROUNDING_OPENMP,
    ASSAY_SURROUNDING_COUNT
} assay_surrounding;

typedef struct assay_surroundings {
    uint64_t digest[ASSAY_SURROUNDING_COUNT];
    uint64_t files; /* open ones */
    int32_t team;   /* threads that OpenMP starts unasked */
} assay_surroundings;

/* Of this process, as its calling thread sees it. */
void assay_surroundings_read(assay_surroundings *now);

/* Where anything is otherwise than kept, or very many more files are open, an outcome that was
 * PASS becomes a FAIL (ASSAY_CHECK_LEFTOVER) that says what. OpenMP's number of threads is put
 * back. What is found is kept; whether it is what was. */
bool assay_surroundings_check(assay_surroundings *kept, assay_outcome *outcome);

#endif
