/* What /proc tells of a worker: its memory, and whether any of its threads still works. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

/* A futex wait without a time limit ends only when another thread ends it. What cannot be read
 * counts as parked when it sleeps: some systems hide a process's system calls. */
static bool is_parked(const char *task)
{
    enum { WAIT = 0, WAIT_BITSET = 9, COMMAND = 0x7f };
    char path[320];
    char text[512];
    long number = -1;
    unsigned long long at = 0;
    unsigned long long command = 0;
    unsigned long long value = 0;
    unsigned long long limit = 0;
    (void)snprintf(path, sizeof path, "%s/syscall", task);
    if (!read_text(path, text, sizeof text)) {
        (void)snprintf(path, sizeof path, "%s/stat", task);
        const char *const state =
            read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
        return state == NULL || strncmp(state, ") R", 3) != 0;
    }
    if (sscanf(text, "%ld %llx %llx %llx %llx", &number, &at, &command, &value, &limit) != 5) {
        return false; /* "running" */
    }
    const unsigned long long wait = command & COMMAND;
    return number == SYS_futex && (wait == WAIT || wait == WAIT_BITSET) && limit == 0;
}

static bool all_parked(pid_t pid, pid_t except)
{
    char path[300];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *const folder = opendir(path);
    bool parked = true;
    const struct dirent *entry = NULL;
    while (folder != NULL && parked && (entry = readdir(folder)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) != (int)except) {
            (void)snprintf(path, sizeof path, "/proc/%d/task/%.200s", (int)pid, entry->d_name);
            parked = is_parked(path);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return parked;
}

void assay_process_settle(pid_t pid, pid_t except, double seconds)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const double until = assay_now() + seconds;
    while (!all_parked(pid, except) && assay_now() < until) {
        (void)nanosleep(&pause, NULL);
    }
}
