/* How threads round, whether they flush subnormals, and x87's state (its control word, and its
 * stack, which MMX instructions fill): a kernel's own affair as long as it puts them back. What
 * comes after it would compute otherwise. */
#ifndef VERIFY_ISOLATION_MODES_H
#define VERIFY_ISOLATION_MODES_H

#include "verify/isolation/session.h"

typedef struct assay_modes {
    int rounding;
    unsigned int control; /* x86: MXCSR without its sticky flags; elsewhere 0 */
    unsigned int x87, tags; /* x86: x87's control and tag words; elsewhere 0 */
} assay_modes;

/* Of the calling thread. */
assay_modes assay_modes_read(void);

/* After a call: the calling thread's modes and those of the OpenMP threads that it shares with
 * kernels (`threads` of them, 0: all; a thread keeps what it was started with) are put back; where
 * any differs, an outcome that was PASS becomes a FAIL (ASSAY_CHECK_MODES). */
void assay_modes_check(const assay_modes *before, int32_t threads, assay_outcome *outcome);

#endif
