#include "verify/isolation/modes.h"

#include <fenv.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* MXCSR's bits for rounding, and those that flush subnormals (FTZ, DAZ). */
enum { ROUNDING = 0x6000, FLUSHING = 0x8040, STICKY = 0x003f };

/* What was found changed, one bit each. */
enum { ROUNDS = 1, FLUSHES = 2, OTHER = 4, X87 = 8, X87_STACK = 16 };

#if defined(__x86_64__)
/* What FNSTENV stores of x87; it masks exceptions too, so it is loaded again. */
typedef struct x87_environment {
    uint16_t control, unused1, status, unused2, tags, unused3;
    uint32_t rest[4];
} x87_environment;

static x87_environment x87_read(void)
{
    x87_environment e;
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "=m"(e));
    return e;
}

static void x87_put_back(const assay_modes *before)
{
    const uint16_t control = (uint16_t)before->x87;
    __asm__ volatile("fninit\n\tfldcw %0" : : "m"(control));
}
#endif

static assay_modes modes_now(void)
{
#if defined(__x86_64__)
    const x87_environment x87 = x87_read();
    return (assay_modes){fegetround(), __builtin_ia32_stmxcsr() & ~(unsigned int)STICKY,
                         x87.control, x87.tags};
#else
    return (assay_modes){fegetround(), 0, 0, 0};
#endif
}

static uint64_t time_on(clockid_t clock)
{
    struct timespec t = {0, 0};
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nanoseconds of processor time that the other threads of the process have had, those that ended
 * included: at least and at most, since the calling one's go on between two looks at a clock. A
 * thread that wakes and sleeps again takes longer than that. */
typedef struct others_time {
    uint64_t least, most;
} others_time;

/* Of a few looks the one that took least, unless one took as little as the clocks do: what a machine
 * does between two of them would hide a thread that woke. */
static others_time others_now(void)
{
    enum { LOOKS = 16, LEAST = 2000 };
    others_time found = {0, 0};
    uint64_t shortest = UINT64_MAX;
    for (int i = 0; i < LOOKS && shortest > LEAST; i++) {
        const uint64_t before = time_on(CLOCK_THREAD_CPUTIME_ID);
        const uint64_t all = time_on(CLOCK_PROCESS_CPUTIME_ID);
        const uint64_t after = time_on(CLOCK_THREAD_CPUTIME_ID);
        if (after - before < shortest) {
            shortest = after - before;
            found = (others_time){.least = all > after ? all - after : 0, .most = all - before};
        }
    }
    return found;
}

assay_modes assay_modes_read(assay_rest *rest)
{
    if (rest->looked && !rest->known) {
        rest->time = others_now().most;
        rest->known = true;
    }
    return modes_now();
}

/* Puts this thread's modes back; says what had to be. */
static int put_back(const assay_modes *before)
{
    const assay_modes now = modes_now();
    const unsigned int differs = now.control ^ before->control;
    const int x87 = (now.x87 != before->x87 ? X87 : 0) | (now.tags != before->tags ? X87_STACK : 0);
    if (now.rounding == before->rounding && differs == 0 && x87 == 0) {
        return 0;
    }
#if defined(__x86_64__)
    if (x87 != 0) {
        x87_put_back(before);
    }
    __builtin_ia32_ldmxcsr(before->control);
#endif
    (void)fesetround(before->rounding);
    return x87 | (now.rounding != before->rounding || (differs & ROUNDING) != 0 ? ROUNDS : 0) |
           ((differs & FLUSHING) != 0 ? FLUSHES : 0) |
           ((differs & ~(unsigned int)(ROUNDING | FLUSHING)) != 0 ? OTHER : 0);
}

static const char *name_of(int changed)
{
    return (changed & ROUNDS) != 0      ? "the processor's rounding mode"
           : (changed & FLUSHES) != 0   ? "the processor's handling of subnormals"
           : (changed & X87_STACK) != 0 ? "x87's register stack (MMX code ends with emms)"
           : (changed & X87) != 0       ? "x87's control word"
                                        : "the processor's floating-point exceptions";
}

/* Threads of this process, or `most` where there are more or nobody says. A kernel that started no
 * team has left nothing in one: none is started to look. */
static int threads_here(int most)
{
    struct stat tasks;
    if (stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink < 3) {
        return most;
    }
    const uint64_t here = (uint64_t)tasks.st_nlink - 2; /* a folder each, and the two every has */
    return here < (uint64_t)most ? (int)here : most;
}

static int put_back_others(const assay_modes *before, int32_t threads)
{
    const int team = threads_here(threads > 0 ? threads : omp_get_max_threads());
    int others = 0;
#pragma omp parallel num_threads(team) reduction(| : others)
    others |= put_back(before);
    return others;
}

void assay_modes_check(const assay_modes *before, int32_t threads, assay_rest *rest,
                       assay_outcome *outcome)
{
    const int own = put_back(before); /* first: threads that are started now inherit it */
    int others = 0;
    if (!rest->known || others_now().least > rest->time) {
        others = put_back_others(before, threads);
        *rest = (assay_rest){.looked = true};
    }
    const int changed = own | others;
    if (changed == 0 || outcome->verdict != ASSAY_PASS) {
        return;
    }
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_MODES;
    (void)snprintf(outcome->message, sizeof outcome->message,
                   "left %s changed%s; put back what it was", name_of(changed),
                   own == 0 ? " in a thread of its team" : "");
}
