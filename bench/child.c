#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/worker.h"

extern char **environ;

enum { OUTPUT_FD = 3, TENSORS_FD = 4, WORDS_MAX = 32 };

/* A file of the parent's that is already where the child's should be would keep its close-on-exec
 * flag when it is put there; so both are made above. */
static int make_file(const char *name)
{
    const int made = memfd_create(name, MFD_CLOEXEC);
    const int moved = made >= 0 ? fcntl(made, F_DUPFD_CLOEXEC, TENSORS_FD + 1) : -1;
    if (made >= 0) {
        (void)close(made);
    }
    return moved;
}

static assay_status spawn(const char *const *command, const int to_child[2],
                          const int from_child[2], assay_child *child, assay_error *error)
{
    static const char *const own[] = {"/proc/self/exe", ASSAY_BENCH_WORKER_WORD, NULL};
    const char *const *const words = command != NULL ? command : own;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a process");
    }
    (void)posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, child->output, OUTPUT_FD);
    (void)posix_spawn_file_actions_adddup2(&actions, child->tensors, TENSORS_FD);
    char *arguments[WORDS_MAX] = {NULL};
    for (size_t i = 0; i + 1 < WORDS_MAX && words[i] != NULL; i++) {
        memcpy(&arguments[i], &words[i], sizeof arguments[i]);
    }
    const int failed = posix_spawnp(&child->pid, words[0], &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        child->pid = 0;
        return assay_fail(error, ASSAY_IO, "%s: cannot be started: %s", words[0],
                          strerror(failed));
    }
    return ASSAY_OK;
}

static void close_both(int pipe_ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (pipe_ends[i] >= 0) {
            (void)close(pipe_ends[i]);
            pipe_ends[i] = -1;
        }
    }
}

static void close_files(assay_child *child)
{
    int files[2] = {child->output, child->tensors};
    close_both(files);
    child->output = child->tensors = -1;
}

assay_status assay_child_start(const char *const *command, assay_child *child, assay_error *error)
{
    int to_child[2] = {-1, -1};
    int from_child[2] = {-1, -1};
    memset(child, 0, sizeof *child);
    /* A child that dies while it is written to is an answer, not the end of this program. */
    (void)signal(SIGPIPE, SIG_IGN);
    child->output = make_file("assay-outputs");
    child->tensors = make_file("assay-tensors");
    assay_status status = ASSAY_OK;
    if (child->output < 0 || child->tensors < 0 || pipe2(to_child, O_CLOEXEC) != 0 ||
        pipe2(from_child, O_CLOEXEC) != 0) {
        status = assay_fail(error, ASSAY_IO, "no pipes for a process: %s", strerror(errno));
    } else {
        status = spawn(command, to_child, from_child, child, error);
    }
    if (status == ASSAY_OK) {
        child->lines.out = to_child[1];
        child->lines.in = from_child[0];
        to_child[1] = from_child[0] = -1;
    }
    close_both(to_child);
    close_both(from_child);
    if (status != ASSAY_OK) {
        close_files(child);
    }
    return status;
}

void assay_child_end(assay_child *child)
{
    if (child->pid <= 0) {
        return;
    }
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    (void)close(child->lines.in);
    (void)close(child->lines.out);
    close_files(child);
    assay_lines_free(&child->lines);
    if (child->aid.context != NULL) {
        child->aid.close(child->aid.context);
        child->aid.context = NULL;
    }
    child->pid = 0;
}

/* How it died, while it is not yet buried. */
static void tell_death(assay_child *child, assay_child_fate *fate)
{
    int status = 0;
    const pid_t got = waitpid(child->pid, &status, 0);
    fate->verdict = ASSAY_CRASH;
    if (got == child->pid && WIFSIGNALED(status)) {
        (void)snprintf(fate->message, sizeof fate->message, "died: %s",
                       strsignal(WTERMSIG(status)));
    } else if (got == child->pid && WIFEXITED(status)) {
        (void)snprintf(fate->message, sizeof fate->message, "called exit(%d)",
                       WEXITSTATUS(status));
    } else {
        (void)snprintf(fate->message, sizeof fate->message, "is gone");
    }
}

static bool refused(const cJSON *answer, const char *key, assay_verdict verdict,
                    assay_child_fate *fate)
{
    const char *const words =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, key));
    if (words != NULL) {
        fate->verdict = verdict;
        (void)snprintf(fate->message, sizeof fate->message, "%.1000s", words);
    }
    return words != NULL;
}

static void exchange(assay_child *child, const cJSON *request, double seconds, cJSON **answer,
                     assay_child_fate *fate)
{
    const bool sent = assay_lines_write(&child->lines, request);
    const assay_line line =
        sent ? assay_lines_read(&child->lines, seconds, answer) : ASSAY_LINE_END;
    if (line == ASSAY_LINE_END) {
        tell_death(child, fate);
    } else if (line == ASSAY_LINE_DEADLINE) {
        fate->verdict = ASSAY_TIMEOUT;
        (void)snprintf(fate->message, sizeof fate->message, "no answer in %.0f s", seconds);
    } else if (line == ASSAY_LINE_BAD) {
        fate->verdict = ASSAY_CRASH;
        (void)snprintf(fate->message, sizeof fate->message,
                       "answered with something else than JSON");
    } else if (!refused(*answer, "unsupported", ASSAY_SKIP, fate) &&
               !refused(*answer, "no_memory", ASSAY_SKIP, fate)) {
        (void)(refused(*answer, "crash", ASSAY_CRASH, fate) ||
               refused(*answer, "error", ASSAY_FAIL, fate));
    }
}

assay_child_fate assay_child_ask(assay_child *child, cJSON *request, double seconds,
                                 cJSON **answer)
{
    assay_child_fate fate = {.verdict = ASSAY_PASS, .message = ""};
    const assay_child_aid *const aid = &child->aid;
    *answer = NULL;
    if (aid->context != NULL) {
        aid->before(aid->context, request, &fate);
    }
    if (fate.verdict == ASSAY_PASS) {
        exchange(child, request, seconds, answer, &fate);
    }
    if (fate.verdict == ASSAY_PASS && aid->context != NULL) {
        aid->after(aid->context, request, *answer, &fate);
    }
    if (fate.verdict != ASSAY_PASS) {
        cJSON_Delete(*answer);
        *answer = NULL;
    }
    cJSON_Delete(request);
    return fate;
}
