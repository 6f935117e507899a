/* How threads round, whether they flush subnormals, and x87's state (its control word, and its
 * stack, which MMX instructions fill): a kernel's own affair as long as it puts them back. What
 * comes after it would compute otherwise. */
#ifndef VERIFY_ISOLATION_MODES_H
#define VERIFY_ISOLATION_MODES_H

#include <stdint.h>

#include "verify/isolation/session.h"

typedef struct assay_modes {
    int rounding;
    unsigned int control; /* x86: MXCSR without its sticky flags; elsewhere 0 */
    unsigned int x87, tags; /* x86: x87's control and tag words; elsewhere 0 */
} assay_modes;

/* Whether other threads have worked since they were last looked at: to wake them costs more than
 * most calls. All zero at first. */
typedef struct assay_rest {
    bool looked;   /* at them, ever */
    bool known;    /* the time they had used when they then slept */
    uint64_t time; /* nanoseconds, at most */
} assay_rest;

/* Of the calling thread, before a call. */
assay_modes assay_modes_read(assay_rest *rest);

/* After a call: the calling thread's modes and those of the OpenMP threads that it shares with
 * kernels (`threads` of them, 0: all; a thread keeps what it was started with), unless they have
 * rested, are put back; where any differs, an outcome that was PASS becomes a FAIL
 * (ASSAY_CHECK_MODES). The system counts a thread's time at the latest when it sleeps: what the
 * check of the very call is too early for, the next one finds, or that at the subject's end. */
void assay_modes_check(const assay_modes *before, int32_t threads, assay_rest *rest,
                       assay_outcome *outcome);

#endif
