/* What /proc tells of a worker: its memory, and whether any of its threads still works. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "verify/isolation/process.h"

/* A small file of /proc as text; false when it cannot be read. */
static bool read_text(const char *path, char *text, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const ssize_t got = read(fd, text, size - 1);
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

uint64_t assay_process_memory(pid_t pid)
{
    char path[64];
    char text[256];
    unsigned long long resident = 0;
    unsigned long long shared = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (!read_text(path, text, sizeof text) ||
        sscanf(text, "%*u %llu %llu", &resident, &shared) != 2) {
        return 0;
    }
    return resident > shared ? (resident - shared) * assay_page() : 0;
}

/* One system call as /proc shows it: its number and arguments. */
typedef struct waiting {
    long number;
    unsigned long long argument[6];
} waiting;

static bool futex_forever(const waiting *w)
{
    enum { WAIT = 0, WAIT_BITSET = 9, COMMAND = 0x7f };
    const unsigned long long command = w->argument[1] & COMMAND;
    return (command == WAIT || command == WAIT_BITSET) && w->argument[3] == 0;
}

/* Waits that end only when somebody else acts. */
static bool waits_forever(const waiting *w)
{
    switch (w->number) {
    case SYS_futex: return futex_forever(w);
    case SYS_read:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_accept:
    case SYS_accept4: return true;
    case SYS_ppoll: return w->argument[2] == 0;
    case SYS_epoll_pwait: return (int)w->argument[3] < 0;
    case SYS_rt_sigtimedwait: return w->argument[2] == 0;
#ifdef SYS_pause
    case SYS_pause: return true;
#endif
#ifdef SYS_poll
    case SYS_poll: return (int)w->argument[2] < 0;
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait: return (int)w->argument[3] < 0;
#endif
    default: return false;
    }
}

/* CUDA's own threads look after its devices now and then, for as long as the process lives. */
static bool is_of_cuda(const char *task)
{
    char path[320];
    char name[32];
    (void)snprintf(path, sizeof path, "%s/comm", task);
    return read_text(path, name, sizeof name) && strncmp(name, "cuda", 4) == 0;
}

/* What cannot be read counts as parked when it sleeps: some systems hide system calls. */
static bool is_parked(const char *task)
{
    char path[320];
    char text[512];
    waiting w = {.number = -1};
    (void)snprintf(path, sizeof path, "%s/syscall", task);
    if (!read_text(path, text, sizeof text)) {
        (void)snprintf(path, sizeof path, "%s/stat", task);
        const char *const state =
            read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
        return state == NULL || strncmp(state, ") R", 3) != 0;
    }
    unsigned long long *const a = w.argument;
    /* A thread that runs shows one word in place of these. */
    return sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &w.number, &a[0], &a[1], &a[2], &a[3],
                  &a[4], &a[5]) == 7 &&
           waits_forever(&w);
}

/* Calls look(task's folder, context) for every thread but one until it returns true. */
static bool any_task(pid_t pid, pid_t except, bool (*look)(const char *task, void *context),
                     void *context)
{
    char path[300];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *const folder = opendir(path);
    bool found = false;
    const struct dirent *entry = NULL;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) != (int)except) {
            (void)snprintf(path, sizeof path, "/proc/%d/task/%.200s", (int)pid, entry->d_name);
            found = look(path, context);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return found;
}

static bool has_forked(const char *task, void *context)
{
    char path[320];
    char text[32];
    (void)context;
    (void)snprintf(path, sizeof path, "%s/children", task);
    return read_text(path, text, sizeof text);
}

bool assay_process_has_children(pid_t pid)
{
    return any_task(pid, 0, has_forked, NULL);
}

/* What is looked for in one pass over the threads. */
typedef struct stirring {
    int except; /* may do what it likes */
    bool children;
} stirring;

static bool stirs(const char *task, void *context)
{
    const stirring *const s = context;
    const bool looked_at = atoi(strrchr(task, '/') + 1) != s->except;
    return (looked_at && !is_parked(task) && !is_of_cuda(task)) ||
           (s->children && has_forked(task, NULL));
}

bool assay_process_settle(pid_t pid, pid_t except, double seconds)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const double until = assay_now() + seconds;
    /* In process, other children than a kernel's are none of its business. */
    stirring s = {.except = (int)except, .children = pid != getpid()};
    for (;;) {
        if (!any_task(pid, 0, stirs, &s)) {
            return true;
        }
        if (assay_now() > until) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
}

typedef struct busy {
    unsigned long ticks; /* processor time that threads have had */
    bool running;
} busy;

static bool add_time(const char *task, void *context)
{
    char path[320];
    char text[1024];
    char letter = 'S';
    unsigned long user = 0;
    unsigned long system = 0;
    busy *const sum = context;
    (void)snprintf(path, sizeof path, "%s/stat", task);
    const char *const state = read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (state != NULL &&
        sscanf(state, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &letter, &user,
               &system) == 3) {
        sum->ticks += user + system;
        sum->running = sum->running || letter == 'R';
    }
    return false;
}

bool assay_process_spins(pid_t pid, pid_t except)
{
    /* An idle thread of a pool spins for milliseconds before it sleeps; one that polls sleeps most
     * of the time; one that others keep from running is seen to want to. */
    enum { LOOKS_IDLE = 5 };
    static const double enough = 0.2, most_seconds = 2.0;
    const struct timespec pause = {.tv_nsec = 10000000};
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    const double start = assay_now();
    busy before = {0, false};
    (void)any_task(pid, except, add_time, &before);
    for (int idle = 0; idle < LOOKS_IDLE && assay_now() - start < most_seconds;) {
        busy now = {0, false};
        (void)nanosleep(&pause, NULL);
        (void)any_task(pid, except, add_time, &now);
        if (now.ticks > before.ticks && (double)(now.ticks - before.ticks) >= enough * ticks) {
            return true;
        }
        idle = now.running ? 0 : idle + 1;
    }
    return false;
}

static uint64_t entries(const char *format, pid_t pid)
{
    char path[64];
    uint64_t count = 0;
    (void)snprintf(path, sizeof path, format, (int)pid);
    DIR *const folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count;
}

uint64_t assay_process_files(pid_t pid)
{
    char path[64];
    struct stat folder;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    /* Linux counts them in the folder's size from 6.2 on. */
    return stat(path, &folder) == 0 && folder.st_size > 0 ? (uint64_t)folder.st_size
                                                          : entries("/proc/%d/fd", pid);
}

assay_footprint assay_process_footprint(pid_t pid)
{
    char path[64];
    char text[256];
    unsigned long long pages = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (!read_text(path, text, sizeof text) || sscanf(text, "%llu", &pages) != 1) {
        pages = 0;
    }
    return (assay_footprint){.memory = assay_process_memory(pid),
                             .address_space = pages * assay_page(),
                             .files = assay_process_files(pid),
                             .threads = entries("/proc/%d/task", pid)};
}
