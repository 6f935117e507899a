#include "verify/isolation/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* The assay program: itself, or for programs that only link its libraries the one named. */
static const char *worker_program(assay_error *error)
{
    if (assay_worker_built_in()) {
        return "/proc/self/exe";
    }
    const char *const named = getenv("ASSAY_WORKER");
    if (named == NULL || named[0] == '\0') {
        (void)assay_fail(error, ASSAY_IO,
                         "no program to run kernels in: set ASSAY_WORKER to the assay program");
        return NULL;
    }
    return named;
}

/* OpenMP threads that wait for work must not spin, whatever the user's policy: processors are few,
 * and a thread that spins after a call has returned looks like one that still works. */
static char **worker_environment(void)
{
    static char passive[] = "OMP_WAIT_POLICY=passive";
    const size_t name = sizeof "OMP_WAIT_POLICY=" - 1;
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **const all = calloc(count + 2, sizeof *all);
    size_t kept = 0;
    for (size_t i = 0; all != NULL && i < count; i++) {
        if (strncmp(environ[i], passive, name) != 0) {
            all[kept++] = environ[i];
        }
    }
    if (all != NULL) {
        all[kept] = passive;
    }
    return all;
}

static int set_actions(posix_spawn_file_actions_t *actions, const int from[ASSAY_FD_END],
                       int output)
{
    int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(actions, output, 1);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(actions, output, 2);
    for (int fd = ASSAY_FD_SOCKET; failed == 0 && fd < ASSAY_FD_END; fd++) {
        failed = posix_spawn_file_actions_adddup2(actions, from[fd], fd);
    }
    return failed;
}

static int spawn(pid_t *pid, const char *program, const int from[ASSAY_FD_END], int output)
{
    static char name[] = "assay";
    static char word[] = ASSAY_WORKER_WORD;
    char *const arguments[] = {name, word, NULL};
    char **const environment = worker_environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    if (environment == NULL) {
        return ENOMEM;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    /* A group of its own, so that what a kernel forks ends with it. */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)sigemptyset(&set);
    (void)posix_spawnattr_setsigmask(&attributes, &set);
    (void)sigfillset(&set);
    (void)posix_spawnattr_setsigdefault(&attributes, &set);
    int failed = set_actions(&actions, from, output);
    if (failed == 0) {
        failed = posix_spawn(pid, program, &actions, &attributes, arguments, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return failed;
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

/* The worker's ends of its connections, moved above the numbers it will know them by: dup2 onto 3,
 * 4, ... must not overwrite one that is still needed. */
static assay_status move_up(const int sources[ASSAY_FD_END], int moved[ASSAY_FD_END],
                            assay_error *error)
{
    for (int i = 0; i < ASSAY_FD_END; i++) {
        moved[i] = sources[i] < 0 ? -1 : fcntl(sources[i], F_DUPFD_CLOEXEC, ASSAY_FD_END);
        if (sources[i] >= 0 && moved[i] < 0) {
            return assay_fail(error, ASSAY_IO, "no connection to a worker: %s", strerror(errno));
        }
    }
    return ASSAY_OK;
}

assay_status assay_process_start(assay_process *process, int control, int weights, int operands,
                                 assay_error *error)
{
    int moved[ASSAY_FD_END] = {-1, -1, -1, -1, -1, -1, -1};
    int pair[2] = {-1, -1};
    int pipes[2] = {-1, -1};
    const char *const program = worker_program(error);
    *process = (assay_process){.socket = -1, .output = -1};
    if (program == NULL) {
        return ASSAY_IO;
    }
    assay_status status = ASSAY_OK;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 ||
        pipe2(pipes, O_CLOEXEC) != 0) {
        status = assay_fail(error, ASSAY_IO, "no connection to a worker: %s", strerror(errno));
    }
    /* 0: /dev/null; 1 and 2: what it prints. */
    const int sources[ASSAY_FD_END] = {-1, pipes[1], -1, pair[1], control, weights, operands};
    status = status != ASSAY_OK ? status : move_up(sources, moved, error);
    if (status == ASSAY_OK) {
        const int failed = spawn(&process->pid, program, moved, moved[1]);
        if (failed != 0) {
            process->pid = 0;
            status = assay_fail(error, ASSAY_IO, "no worker process: %s: %s", program,
                                strerror(failed));
        }
    }
    const int ends[] = {pair[1], pipes[1]};
    close_all(moved, ASSAY_FD_END);
    close_all(ends, 2);
    process->socket = pair[0];
    process->output = pipes[0];
    if (status == ASSAY_OK) {
        (void)fcntl(process->output, F_SETFL, O_NONBLOCK);
    } else {
        assay_process_end(process, NULL);
    }
    return status;
}

/* Keeps the end of what is printed. */
static void drain(assay_process *process)
{
    enum { ROUNDS = 64 }; /* a worker that prints without end must not keep its parent here */
    char chunk[ASSAY_SAID_MAX / 2];
    for (int i = 0; i < ROUNDS; i++) {
        const ssize_t got = read(process->output, chunk, sizeof chunk);
        if (got <= 0) {
            return;
        }
        const size_t size = (size_t)got;
        process->printed += size;
        if (process->said_size + size > sizeof process->said) {
            const size_t keep = sizeof process->said - size;
            const size_t kept = process->said_size < keep ? process->said_size : keep;
            memmove(process->said, process->said + process->said_size - kept, kept);
            process->said_size = kept;
        }
        memcpy(process->said + process->said_size, chunk, size);
        process->said_size += size;
    }
}

/* A worker writes the lines it ran as it leaves; asked to go by its end of the socket, it has a
 * moment for it. */
static void let_count(const assay_process *process)
{
#ifdef ASSAY_COVERAGE
    (void)shutdown(process->socket, SHUT_RDWR);
    (void)assay_process_died(process, 2.0);
#else
    (void)process;
#endif
}

void assay_process_end(assay_process *process, int *status)
{
    int raw = 0;
    if (process->pid > 0) {
        let_count(process);
        (void)kill(-process->pid, SIGKILL);
        (void)kill(process->pid, SIGKILL);
        (void)TEMP_FAILURE_RETRY(waitpid(process->pid, &raw, 0));
    }
    if (process->output >= 0) {
        drain(process);
        (void)close(process->output);
    }
    if (process->socket >= 0) {
        (void)close(process->socket);
    }
    process->pid = 0;
    process->socket = -1;
    process->output = -1;
    if (status != NULL) {
        *status = raw;
    }
}

bool assay_process_died(const assay_process *process, double seconds)
{
    const double until = assay_now() + seconds;
    const struct timespec pause = {.tv_nsec = 500000};
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        const int failed = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        if (failed != 0 || info.si_pid != 0) {
            return failed == 0;
        }
        if (assay_now() > until) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
}

assay_wait assay_process_wait(assay_process *process, double deadline, uint64_t memory_limit)
{
    enum { SLICE = 20 }; /* milliseconds between looks at its memory */
    double looked = assay_now();
    for (;;) {
        struct pollfd fds[2] = {{.fd = process->socket, .events = POLLIN},
                                {.fd = process->output, .events = POLLIN}};
        const int ready = poll(fds, 2, SLICE);
        if (ready > 0 && fds[1].revents != 0) {
            drain(process);
            if ((fds[1].revents & (POLLHUP | POLLIN)) == POLLHUP) {
                (void)close(process->output); /* it closed what it prints to: nothing will come */
                process->output = -1;
            }
        }
        if (ready > 0 && fds[0].revents != 0) {
            return (fds[0].revents & POLLIN) != 0 ? ASSAY_WAIT_MESSAGE : ASSAY_WAIT_GONE;
        }
        const double now = assay_now();
        if (now > deadline) {
            return ASSAY_WAIT_DEADLINE;
        }
        if (now - looked > 1e-3 * (SLICE - 1)) {
            looked = now;
            if (assay_process_memory(process->pid) > memory_limit) {
                return ASSAY_WAIT_MEMORY;
            }
        }
    }
}
