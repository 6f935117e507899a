#include "verify/isolation/surroundings.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
    uint64_t sum = 0;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0) {
            const bool info = (action.sa_flags & SA_SIGINFO) != 0;
            const uintptr_t handler = info ? (uintptr_t)action.sa_sigaction
                                           : (uintptr_t)action.sa_handler;
            sum = mixed(mixed(sum, (uint64_t)handler), (uint64_t)action.sa_flags);
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
    static const int kinds[] = {RLIMIT_AS,    RLIMIT_CORE, RLIMIT_CPU,   RLIMIT_DATA,
                                RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_STACK};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rlimit limit = {0, 0};
        (void)getrlimit((unsigned)kinds[i], &limit);
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

static uint64_t open_files(void)
{
    uint64_t count = 0;
    DIR *const folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count;
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
                   [ASSAY_SURROUNDING_FILE_MODE] = file_mode()},
        .files = open_files()};
}

void assay_surroundings_check(const assay_surroundings *before, assay_outcome *outcome)
{
    static const char *const names[ASSAY_SURROUNDING_COUNT] = {
        [ASSAY_SURROUNDING_ENVIRONMENT] = "an environment variable",
        [ASSAY_SURROUNDING_DIRECTORY] = "the working directory",
        [ASSAY_SURROUNDING_LOCALE] = "the locale",
        [ASSAY_SURROUNDING_HANDLERS] = "a signal's handler",
        [ASSAY_SURROUNDING_MASK] = "the mask of blocked signals",
        [ASSAY_SURROUNDING_LIMITS] = "a resource limit",
        [ASSAY_SURROUNDING_FILE_MODE] = "the mask of file modes"};
    assay_surroundings now;
    assay_surroundings_read(&now);
    int changed = 0;
    while (changed < ASSAY_SURROUNDING_COUNT && now.digest[changed] == before->digest[changed]) {
        changed++;
    }
    const bool files = now.files > before->files + FILES_MORE;
    if (outcome->verdict != ASSAY_PASS || (changed == ASSAY_SURROUNDING_COUNT && !files)) {
        return;
    }
    outcome->verdict = ASSAY_FAIL;
    outcome->check = ASSAY_CHECK_LEFTOVER;
    if (changed < ASSAY_SURROUNDING_COUNT) {
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "left %s of its process changed; put back what it was", names[changed]);
    } else {
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "left %llu files open that it had opened; close them",
                       (unsigned long long)(now.files - before->files));
    }
}
