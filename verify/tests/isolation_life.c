/* Workers and their parents: each may be killed from outside, and nothing is left behind. */
#include "isolated.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_for(long milliseconds)
{
    const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static bool is_worker(pid_t pid)
{
    char path[64];
    char text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *const file = fopen(path, "rb");
    const size_t got = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return memmem(text, got, "--assay-worker", 14) != NULL;
}

/* A worker whose parent is `parent`; 0 when there is none. */
static pid_t worker_of(pid_t parent)
{
    DIR *const folder = opendir("/proc");
    const struct dirent *entry = NULL;
    pid_t found = 0;
    while (found == 0 && (entry = readdir(folder)) != NULL) {
        const pid_t pid = atoi(entry->d_name);
        char path[64];
        int its_parent = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *const file = pid > 0 ? fopen(path, "r") : NULL;
        if (file != NULL) {
            if (fscanf(file, "%*d (%*[^)]) %*c %d", &its_parent) == 1 && its_parent == parent &&
                is_worker(pid)) {
                found = pid;
            }
            fclose(file);
        }
    }
    closedir(folder);
    return found;
}

static pid_t wait_for_worker(pid_t parent)
{
    for (int i = 0; i < 500; i++) {
        const pid_t pid = worker_of(parent);
        if (pid != 0) {
            return pid;
        }
        pause_for(10);
    }
    return 0;
}

Test(life, a_worker_killed_while_it_rests_is_replaced)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    cr_assert_eq(try_add(session, "good", ASSAY_PLACE_RIGHT, &s).verdict, ASSAY_PASS);
    const pid_t first = worker_of(getpid());
    cr_assert_neq(first, 0);
    kill(first, SIGKILL);
    pause_for(50);
    cr_assert_eq(try_add(session, "good", ASSAY_PLACE_RIGHT, &s).verdict, ASSAY_PASS);
    cr_assert(is_right(&s));
    cr_assert_neq(worker_of(getpid()), first);
    assay_session_close(&session);
    cr_assert_eq(worker_of(getpid()), 0, "closing leaves no worker");
}

Test(life, a_worker_killed_between_prepare_and_run_is_a_crash_with_its_signal)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    make_sum(&s);
    assay_outcome outcome;
    assay_error error;
    const assay_subject subject = {.impl = "good", .op = ASSAY_OP_add, .params = &s.params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    kill(worker_of(getpid()), SIGKILL);
    cr_assert_eq(assay_session_run(session, &s.io, ASSAY_PLACE_RIGHT, &outcome, &error),
                 ASSAY_OK);
    cr_assert_eq(outcome.verdict, ASSAY_CRASH);
    cr_assert_not_null(strstr(outcome.message, "SIGKILL: killed from outside"), "%s",
                       outcome.message);
    cr_assert_eq(try_add(session, "good", ASSAY_PLACE_RIGHT, &s).verdict, ASSAY_PASS);
    assay_session_close(&session);
}

Test(life, a_killed_parent_leaves_no_worker_though_it_hangs)
{
    const pid_t child = fork();
    if (child == 0) {
        static sum s;
        assay_session *session =
            open_session((assay_session_options){.plugin = PLUGIN("deeds"), .deadline = 60});
        (void)try_add(session, "hang", ASSAY_PLACE_RIGHT, &s);
        _exit(0);
    }
    const pid_t worker = wait_for_worker(child);
    cr_assert_neq(worker, 0);
    pause_for(200); /* it has begun to hang */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    bool gone = false;
    for (int i = 0; i < 300 && !gone; i++) {
        gone = !is_worker(worker);
        pause_for(10);
    }
    cr_assert(gone);
}

Test(life, kernels_of_other_names_do_not_share_a_worker)
{
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    static sum s;
    /* the harness may allocate in the worker after the call, which then dies of it: a CRASH of this
     * kernel's own, no other's */
    const assay_outcome corrupt = try_add(session, "corrupts", ASSAY_PLACE_RIGHT, &s);
    cr_assert(corrupt.verdict == ASSAY_PASS || corrupt.verdict == ASSAY_CRASH, "%s",
              corrupt.message);
    cr_assert(corrupt.verdict == ASSAY_PASS ||
                  strstr(corrupt.message, "after the call had returned") != NULL,
              "%s", corrupt.message);
    for (int i = 0; i < 20; i++) {
        const assay_outcome got = try_add(session, "allocates", ASSAY_PLACE_RIGHT, &s);
        cr_assert_eq(got.verdict, ASSAY_PASS, "%s", got.message);
    }
    assay_session_close(&session);
}

Test(life, without_a_program_to_run_kernels_in_the_error_says_what_to_set)
{
    unsetenv("ASSAY_WORKER");
    assay_session *session = open_session((assay_session_options){.threads = 1});
    static sum s;
    make_sum(&s);
    assay_outcome outcome;
    assay_error error = {.message = ""};
    const assay_subject subject = {.impl = "scalar", .op = ASSAY_OP_add, .params = &s.params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_IO);
    cr_assert_not_null(strstr(error.message, "set ASSAY_WORKER"), "%s", error.message);
    setenv("ASSAY_WORKER", "/nowhere/assay", 1);
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_IO);
    cr_assert_not_null(strstr(error.message, "/nowhere/assay: No such file"), "%s",
                       error.message);
    assay_session_close(&session);
}

Test(life, a_worker_by_hand_is_refused)
{
    char command[512];
    snprintf(command, sizeof command, "'%s' --assay-worker 2>/dev/null </dev/null", ASSAY_BINARY);
    const int status = system(command);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 2);
}
