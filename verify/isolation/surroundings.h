/* What a process has one of, and every later call in it depends on: environment variables, working
 * directory, locale, signal handlers and mask, limits, file mode mask, open files. A kernel leaves
 * them as they were. What a library makes once, at its first use, and keeps (threads of a pool,
 * memory, a few files) is its own affair. */
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
    ASSAY_SURROUNDING_COUNT
} assay_surrounding;

typedef struct assay_surroundings {
    uint64_t digest[ASSAY_SURROUNDING_COUNT];
    uint64_t files; /* open ones */
} assay_surroundings;

/* Of this process, as its calling thread sees it. */
void assay_surroundings_read(assay_surroundings *now);

/* Where anything is otherwise than it was, or very many more files are open, an outcome that was
 * PASS becomes a FAIL (ASSAY_CHECK_LEFTOVER) that says what. */
void assay_surroundings_check(const assay_surroundings *before, assay_outcome *outcome);

#endif
