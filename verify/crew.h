/* Threads that share out a number of items. */
#ifndef VERIFY_CREW_H
#define VERIFY_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

enum { ASSAY_CREW_MAX = 64 };

/* Called from several threads at once: what they share is theirs to lock. */
typedef struct assay_crew {
    size_t items;
    int64_t jobs; /* threads wanted; ASSAY_CREW_MAX and one an item at most are started */
    void *context;
    /* What a thread has of its own, made at its start; NULL: nothing. close gets it even when open
     * failed halfway, *own being NULL before. */
    assay_status (*open)(void *context, void **own, assay_error *error);
    void (*close)(void *context, void *own);
    assay_status (*take)(void *context, void *own, size_t item, assay_error *error);
} assay_crew;

/* Cores of this machine that are online, one at least. */
int64_t assay_crew_cores(void);
/* How many threads of `jobs` would be started for so many items. */
int64_t assay_crew_size(int64_t jobs, size_t items);

/* Takes each item once, in order of its number. After an error no more are taken; it returns the
 * first. */
assay_status assay_crew_run(const assay_crew *crew, assay_error *error);

#endif
