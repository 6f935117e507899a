#include "verify/isolation/faults.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

static assay_control *record;

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

#if defined(__x86_64__)
static void read_context(const ucontext_t *context)
{
    /* Bit 1 of a page fault's error code says it was a write; a general protection fault, which has
     * no address, is known by its trap number. */
    enum { TRAP_PAGE = 14, WRITE_BIT = 2 };
    const greg_t trap = context->uc_mcontext.gregs[REG_TRAPNO];
    const greg_t error = context->uc_mcontext.gregs[REG_ERR];
    record->access = trap != TRAP_PAGE        ? ASSAY_ACCESS_UNKNOWN
                     : (error & WRITE_BIT) != 0 ? ASSAY_ACCESS_WRITE
                                                : ASSAY_ACCESS_READ;
    record->stack = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
}
#else
static void read_context(const ucontext_t *context)
{
    (void)context;
    record->access = ASSAY_ACCESS_UNKNOWN;
    record->stack = 0;
}
#endif

static void on_fatal(int signal_number, siginfo_t *info, void *context)
{
    static volatile sig_atomic_t seen;
    if (seen == 0) {
        seen = 1;
        record->signal = signal_number;
        record->code = info->si_code;
        record->address = (uint64_t)(uintptr_t)info->si_addr;
        read_context(context);
        record->recorded = 1;
    }
    /* Dies of the signal as it would have without a handler. */
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void on_exit_called(int status, void *context)
{
    assay_control *const control = context;
    control->exit_status = status;
    control->exited = 1;
}

/* The lowest address of the main thread's stack; 0 when it is not known. */
static uint64_t stack_low(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        (void)pthread_attr_getstack(&attributes, &low, &size);
        (void)pthread_attr_destroy(&attributes);
    }
    return (uint64_t)(uintptr_t)low;
}

void assay_faults_again(void)
{
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        (void)sigaction(fatal[i], &action, NULL);
    }
}

void assay_faults_record(assay_control *control)
{
    enum { STACK_SIZE = 1 << 16 };
    record = control;
    control->stack_low = stack_low();
    void *const memory = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        const stack_t stack = {.ss_sp = memory, .ss_size = STACK_SIZE};
        (void)sigaltstack(&stack, NULL);
    }
    (void)on_exit(on_exit_called, control);
    assay_faults_again();
}
