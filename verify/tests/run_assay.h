/* Runs the program as a user does: what it printed, what it complained of, how it ended. */
#ifndef VERIFY_TESTS_RUN_ASSAY_H
#define VERIFY_TESTS_RUN_ASSAY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct run_output {
    int status; /* of exit; 128 + signal when it was killed */
    char *out, *err;
} run_output;

static char *run_read(const char *path)
{
    FILE *const file = fopen(path, "rb");
    char *text = calloc(1, 1);
    size_t size = 0;
    char chunk[4096];
    size_t got;
    while (file != NULL && (got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        text = realloc(text, size + got + 1);
        memcpy(text + size, chunk, got);
        size += got;
        text[size] = '\0';
    }
    if (file != NULL) {
        fclose(file);
    }
    unlink(path);
    return text;
}

/* arguments as a shell reads them; the environment may be set in front, or the folder changed: what
 * is printed goes where the test runs. One thread each: Criterion runs the tests side by side, and
 * waiting OpenMP threads spin on the processors others need. */
static run_output run_assay_with(const char *environment, const char *arguments)
{
    char out[] = "./assay-out-XXXXXX";
    char err[] = "./assay-err-XXXXXX";
    close(mkstemp(out));
    close(mkstemp(err));
    char *command = NULL;
    if (asprintf(&command, "{ %s OMP_NUM_THREADS=1 '%s' %s ; } >%s 2>%s", environment,
                 ASSAY_BINARY, arguments, out, err) < 0) {
        abort();
    }
    const int raw = system(command);
    free(command);
    run_output result;
    result.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    result.out = run_read(out);
    result.err = run_read(err);
    return result;
}

static run_output run_assay(const char *arguments)
{
    return run_assay_with("", arguments);
}

static void run_free(run_output *result)
{
    free(result->out);
    free(result->err);
    result->out = NULL;
    result->err = NULL;
}

/* One complaint is one line on standard error. */
static inline int run_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

#endif
