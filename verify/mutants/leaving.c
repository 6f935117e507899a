/* A right linear layer that leaves things behind: modes, surroundings, files, memory, threads. */
#include "verify/mutants/leaving.h"

#include <fcntl.h>
#include <locale.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FAULT_linear_none, LEAVING_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

enum {
    MANY_FILES = 1000,
    SELDOM = 24,
    LEAK_BYTES = 1 << 20,
    FLOOD_LINES = 1 << 15,
    THREADS_MOST = 2000
};

static void leave_thread_settings(int fault)
{
    if (IS(signal_stack)) {
        const stack_t off = {.ss_flags = SS_DISABLE};
        (void)sigaltstack(&off, NULL);
    } else if (IS(alarm)) {
        (void)alarm(30000);
    } else if (IS(timer)) {
        static timer_t timer;
        static bool made;
        struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
        made = made || timer_create(CLOCK_MONOTONIC, &nothing, &timer) == 0;
    } else if (IS(processor)) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)sched_getcpu(), &set);
        (void)sched_setaffinity(0, sizeof set, &set);
    } else if (IS(priority)) {
        (void)setpriority(PRIO_PROCESS, 0, 19);
    } else if (IS(slack)) {
        (void)prctl(PR_SET_TIMERSLACK, 1000000000ul);
    } else if (IS(huge_pages)) {
        (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    } else if (IS(dynamic)) {
        omp_set_dynamic(1);
    }
}

#if defined(__x86_64__)
static void leave_x87(int fault)
{
    if (IS(x87_control)) {
        const uint16_t short_precision = 0x007f; /* all exceptions masked, 24 bits */
        __asm__ volatile("fldcw %0" : : "m"(short_precision));
    } else if (IS(mmx)) {
        __asm__ volatile("pxor %%mm0, %%mm0" : : : "mm0");
    }
}
#else
static void leave_x87(int fault)
{
    (void)fault;
}
#endif

static void leave_surroundings(int fault)
{
    if (IS(environment)) {
        (void)setenv("OMP_SCHEDULE", "static", 1);
    } else if (IS(directory)) {
        (void)!chdir("/");
    } else if (IS(locale)) {
        (void)setlocale(LC_ALL, "C.UTF-8");
    } else if (IS(handler)) {
        (void)signal(SIGPIPE, SIG_IGN);
    } else if (IS(file_mode)) {
        (void)umask(0177);
    } else if (IS(mask)) {
        sigset_t set;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGUSR2);
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    } else if (IS(limit)) {
        struct rlimit limit;
        (void)getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = (rlim_t)1 << 40;
        (void)setrlimit(RLIMIT_FSIZE, &limit);
    } else if (IS(locked)) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_MEMLOCK, &none);
    } else if (IS(standard_input)) {
        (void)close(STDIN_FILENO);
    }
}

#if ASSAY_MEMORY_SANITIZED
static void leave_memory(int fault)
{
    (void)fault;
}
#else
/* Where no optimiser can tell that nobody reads it. */
static void *volatile kept;

static void leave_memory(int fault)
{
    char *const memory = IS(leak) || IS(untouched) ? malloc(LEAK_BYTES)
                         : IS(leak_little)          ? malloc(1024)
                         : IS(leak_least)           ? malloc(16)
                                                    : NULL;
    for (size_t i = 0; memory != NULL && IS(leak) && i < LEAK_BYTES; i += 1024) {
        ((volatile char *)memory)[i] = 1;
    }
    kept = memory;
}
#endif

static void *wait_or_spin(void *context)
{
    static volatile uint64_t count;
    const bool spins = context != NULL;
    while (spins) {
        count = count + 1;
    }
    for (;;) {
        (void)pause();
    }
    return NULL;
}

static void leave_thread(bool spins)
{
    static int started;
    static char yes;
    pthread_t thread;
    pthread_attr_t small;
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setstacksize(&small, (size_t)512 << 10);
    if (started < (spins ? 1 : THREADS_MOST) &&
        pthread_create(&thread, &small, wait_or_spin, spins ? &yes : NULL) == 0) {
        (void)pthread_detach(thread);
        started++;
    }
    (void)pthread_attr_destroy(&small);
}

static void leave_files(int count)
{
    for (int i = 0; i < count; i++) {
        (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void leave_things(int fault)
{
    static int calls;
    calls++;
    if (IS(files) || IS(one_file)) {
        leave_files(IS(files) ? MANY_FILES : 1);
    } else if (IS(file_now_and_then)) {
        leave_files(calls % SELDOM == 0 ? 1 : 0);
    } else if (IS(threads) || IS(spins)) {
        leave_thread(IS(spins));
    } else if (IS(child)) {
        static bool forked;
        const pid_t child = forked ? 1 : fork();
        forked = true;
        if (child == 0) {
            (void)sleep(1000);
            _exit(0);
        }
    } else if (IS(floods)) {
        for (int i = 0; i < FLOOD_LINES; i++) {
            (void)fprintf(stderr, "line %d of what nobody asked for: a matrix was multiplied\n", i);
        }
    }
}

static assay_status faulty_linear(int fault, assay_dtype type, const assay_exec *exec,
                                  const assay_linear_params *params, const assay_linear_io *io)
{
    (void)type;
    (void)exec;
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t o = 0; o < io->y.shape[1]; o++) {
            float sum = 0.0f;
            for (int64_t k = 0; k < io->x.shape[1]; k++) {
                sum += mutant_at(&io->x, n, k) * mutant_at(&params->weight, o, k);
            }
            const double bias = assay_present(&params->bias) ? assay_at1(&params->bias, o) : 0.0;
            assay_put2(&io->y, n, o, (double)sum + bias);
        }
    }
    leave_surroundings(fault);
    leave_thread_settings(fault);
    leave_things(fault);
    leave_memory(fault);
    leave_x87(fault);
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE NULL
#define MUTANT_CAPABILITIES 0
LEAVING_TWINS(MUTANT_TWIN_RUN)
LEAVING_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    LEAVING_TWINS(MUTANT_TWIN_KERNEL) LEAVING_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(leaving, kernels)
