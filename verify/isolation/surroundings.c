#include "verify/isolation/surroundings.h"

#include <fcntl.h>
#include <locale.h>
#include <omp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "verify/isolation/process.h"
#include "verify/isolation/slab.h"

extern char **environ;

/* Libraries open some files at their first use and keep them: devices, libraries, topologies. */
enum { FILES_MORE = 256 };

static uint64_t mixed(uint64_t sum, uint64_t more)
{
    return (sum ^ more) * UINT64_C(0x9e3779b97f4a7c15) + (sum >> 29);
}

static uint64_t text_digest(const char *text)
{
    return text != NULL ? assay_digest(text, strlen(text)) : 0;
}

/* The order of variables does not count. Names with two underscores are a runtime's own: OpenMP
 * libraries register themselves so at their first use. */
static uint64_t environment(void)
{
    uint64_t sum = 0;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        sum += strncmp(*variable, "__", 2) == 0 ? 0 : text_digest(*variable);
    }
    return sum;
}

static uint64_t directory(void)
{
    struct stat facts;
    return stat(".", &facts) == 0 ? mixed((uint64_t)facts.st_dev, (uint64_t)facts.st_ino) : 1;
}

static uint64_t locale_now(void)
{
    return mixed(text_digest(setlocale(LC_ALL, NULL)),
                 uselocale((locale_t)0) == LC_GLOBAL_LOCALE ? 1 : 2);
}

static uint64_t handlers(void)
{
    /* What libc adds to the flags of whatever is set, be it what was there before. */
    static const int restorer = 0x04000000;
    uint64_t sum = 0;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0) {
            const bool info = (action.sa_flags & SA_SIGINFO) != 0;
            const uintptr_t handler = info ? (uintptr_t)action.sa_sigaction
                                           : (uintptr_t)action.sa_handler;
            const bool own = handler != (uintptr_t)SIG_DFL && handler != (uintptr_t)SIG_IGN;
            const int flags = own ? action.sa_flags & ~restorer : 0;
            sum = mixed(mixed(sum, (uint64_t)handler), (uint64_t)flags);
        }
    }
    return sum;
}

static uint64_t signal_mask(void)
{
    sigset_t set;
    uint64_t sum = 0;
    if (pthread_sigmask(SIG_SETMASK, NULL, &set) == 0) {
        for (int number = 1; number < NSIG; number++) {
            sum = mixed(sum, (uint64_t)(sigismember(&set, number) == 1));
        }
    }
    return sum;
}

static uint64_t limits(void)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < RLIM_NLIMITS; kind++) {
        struct rlimit limit = {0, 0};
        (void)getrlimit(kind, &limit);
        sum = mixed(mixed(sum, (uint64_t)limit.rlim_cur), (uint64_t)limit.rlim_max);
    }
    return sum;
}

static uint64_t file_mode(void)
{
    const mode_t mode = umask(0);
    (void)umask(mode);
    return (uint64_t)mode;
}

static uint64_t signal_stack(void)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) != 0) {
        return 1;
    }
    const bool off = (stack.ss_flags & SS_DISABLE) != 0;
    return off ? 2 : mixed((uint64_t)(uintptr_t)stack.ss_sp, (uint64_t)stack.ss_size);
}

static uint64_t standard_files(void)
{
    uint64_t sum = 0;
    for (int file = 0; file <= STDERR_FILENO; file++) {
        struct stat facts;
        sum = fstat(file, &facts) == 0
                  ? mixed(mixed(sum, (uint64_t)facts.st_dev), (uint64_t)facts.st_ino)
                  : mixed(sum, 1);
    }
    return sum;
}

/* Those of the process that run, and those it has made; where the system lists them. */
static uint64_t timers(void)
{
    static const __itimer_which_t kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    uint64_t sum = 0;
    char text[4096];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct itimerval timer;
        const bool runs = getitimer(kinds[i], &timer) == 0 &&
                          (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0);
        sum = mixed(sum, runs ? 1 : 0);
    }
    const int file = open("/proc/self/timers", O_RDONLY | O_CLOEXEC);
    const ssize_t size = file >= 0 ? read(file, text, sizeof text) : 0;
    if (file >= 0) {
        (void)close(file);
    }
    return mixed(sum, size > 0 ? assay_digest(text, (uint64_t)size) : 0);
}

/* Where the user has threads bound, OpenMP libraries bind the calling one at their first use. */
static uint64_t processors(void)
{
    static const char *const bound[] = {"OMP_PROC_BIND", "OMP_PLACES", "KMP_AFFINITY",
                                        "GOMP_CPU_AFFINITY"};
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        if (getenv(bound[i]) != NULL) {
            return 0;
        }
    }
    return sched_getaffinity(0, sizeof set, &set) == 0 ? assay_digest(&set, sizeof set) : 0;
}

static uint64_t priority(void)
{
    struct sched_param parameters = {.sched_priority = 0};
    (void)sched_getparam(0, &parameters);
    uint64_t sum = mixed((uint64_t)getpriority(PRIO_PROCESS, 0), (uint64_t)sched_getscheduler(0));
    sum = mixed(sum, (uint64_t)parameters.sched_priority);
    return mixed(sum, (uint64_t)prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
}

static uint64_t memory_pages(void)
{
    return (uint64_t)prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
}

static uint64_t openmp(void)
{
    omp_sched_t kind = omp_sched_static;
    int chunk = 0;
    omp_get_schedule(&kind, &chunk);
    const uint64_t sum = mixed((uint64_t)omp_get_dynamic(), (uint64_t)omp_get_max_active_levels());
    return mixed(mixed(sum, (uint64_t)kind), (uint64_t)chunk);
}

void assay_surroundings_read(assay_surroundings *now)
{
    *now = (assay_surroundings){
        .digest = {[ASSAY_SURROUNDING_ENVIRONMENT] = environment(),
                   [ASSAY_SURROUNDING_DIRECTORY] = directory(),
                   [ASSAY_SURROUNDING_LOCALE] = locale_now(),
                   [ASSAY_SURROUNDING_HANDLERS] = handlers(),
                   [ASSAY_SURROUNDING_MASK] = signal_mask(),
                   [ASSAY_SURROUNDING_LIMITS] = limits(),
                   [ASSAY_SURROUNDING_FILE_MODE] = file_mode(),
                   [ASSAY_SURROUNDING_SIGNAL_STACK] = signal_stack(),
                   [ASSAY_SURROUNDING_STANDARD_FILES] = standard_files(),
                   [ASSAY_SURROUNDING_TIMERS] = timers(),
                   [ASSAY_SURROUNDING_PROCESSORS] = processors(),
                   [ASSAY_SURROUNDING_PRIORITY] = priority(),
                   [ASSAY_SURROUNDING_MEMORY_PAGES] = memory_pages(),
                   [ASSAY_SURROUNDING_OPENMP] = openmp()},
        .files = assay_process_files(getpid()),
        .team = omp_get_max_threads()};
}

bool assay_surroundings_check(assay_surroundings *kept, assay_outcome *outcome)
{
    static const char *const names[ASSAY_SURROUNDING_COUNT] = {
        [ASSAY_SURROUNDING_ENVIRONMENT] = "an environment variable",
        [ASSAY_SURROUNDING_DIRECTORY] = "the working directory",
        [ASSAY_SURROUNDING_LOCALE] = "the locale",
        [ASSAY_SURROUNDING_HANDLERS] = "a signal's handler",
        [ASSAY_SURROUNDING_MASK] = "the mask of blocked signals",
        [ASSAY_SURROUNDING_LIMITS] = "a resource limit",
        [ASSAY_SURROUNDING_FILE_MODE] = "the mask of file modes",
        [ASSAY_SURROUNDING_SIGNAL_STACK] = "the alternate signal stack",
        [ASSAY_SURROUNDING_STANDARD_FILES] = "standard input, output or error",
        [ASSAY_SURROUNDING_TIMERS] = "a timer",
        [ASSAY_SURROUNDING_PROCESSORS] = "the processors that the calling thread may run on",
        [ASSAY_SURROUNDING_PRIORITY] = "the priority or the timer slack of the calling thread",
        [ASSAY_SURROUNDING_MEMORY_PAGES] = "the use of huge pages",
        [ASSAY_SURROUNDING_OPENMP] = "OpenMP's schedule, nesting or dynamic adjustment"};
    const assay_surroundings before = *kept;
    assay_surroundings_read(kept);
    omp_set_num_threads(before.team);
    kept->team = before.team;
    int changed = 0;
    while (changed < ASSAY_SURROUNDING_COUNT && kept->digest[changed] == before.digest[changed]) {
        changed++;
    }
    const bool files = kept->files > before.files + FILES_MORE;
    const bool same = changed == ASSAY_SURROUNDING_COUNT && !files;
    if (outcome->verdict != ASSAY_PASS || same) {
        return same;
    }
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_LEFTOVER;
    if (changed < ASSAY_SURROUNDING_COUNT) {
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "left %s of its process changed; put back what it was", names[changed]);
    } else {
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "left %llu files open that it had opened; close them",
                       (unsigned long long)(kept->files - before.files));
    }
    return false;
}
