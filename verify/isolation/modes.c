#include "verify/isolation/modes.h"

#include <fenv.h>
#include <omp.h>
#include <stdio.h>

/* MXCSR's bits for rounding, and those that flush subnormals (FTZ, DAZ). */
enum { ROUNDING = 0x6000, FLUSHING = 0x8040, STICKY = 0x003f };

/* What was found changed, one bit each. */
enum { ROUNDS = 1, FLUSHES = 2, OTHER = 4 };

assay_modes assay_modes_read(void)
{
#if defined(__x86_64__)
    return (assay_modes){fegetround(), __builtin_ia32_stmxcsr() & ~(unsigned int)STICKY};
#else
    return (assay_modes){fegetround(), 0};
#endif
}

/* Puts this thread's modes back; says what had to be. */
static int put_back(const assay_modes *before)
{
    const assay_modes now = assay_modes_read();
    const unsigned int differs = now.control ^ before->control;
    if (now.rounding == before->rounding && differs == 0) {
        return 0;
    }
    (void)fesetround(before->rounding);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(before->control);
#endif
    return (now.rounding != before->rounding || (differs & ROUNDING) != 0 ? ROUNDS : 0) |
           ((differs & FLUSHING) != 0 ? FLUSHES : 0) |
           ((differs & ~(unsigned int)(ROUNDING | FLUSHING)) != 0 ? OTHER : 0);
}

void assay_modes_check(const assay_modes *before, int32_t threads, assay_outcome *outcome)
{
    const int own = put_back(before); /* first: threads that are started now inherit it */
    const int team = threads > 0 ? threads : omp_get_max_threads();
    int others = 0;
#pragma omp parallel num_threads(team) reduction(| : others)
    others |= put_back(before);
    const int changed = own | others;
    if (changed == 0 || outcome->verdict != ASSAY_PASS) {
        return;
    }
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_MODES;
    (void)snprintf(outcome->message, sizeof outcome->message,
                   "left %s changed%s; put back what it was",
                   (changed & ROUNDS) != 0    ? "the processor's rounding mode"
                   : (changed & FLUSHES) != 0 ? "the processor's handling of subnormals"
                                              : "the processor's floating-point exceptions",
                   own == 0 ? " in a thread of its team" : "");
}
