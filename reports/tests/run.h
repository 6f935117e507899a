/* Runs the program as a user does, in a folder of its own. */
#ifndef REPORTS_TESTS_RUN_H
#define REPORTS_TESTS_RUN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct run_output {
    int status; /* of exit; 128 + signal when it was killed */
    char *out, *err;
} run_output;

static inline void run_folder(char *folder)
{
    strcpy(folder, "/tmp/assay-reports-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        abort();
    }
}

static inline void run_remove(const char *folder)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) {
        abort();
    }
}

/* The whole of a file as text, the caller's to free; NULL when it is not there. */
static inline char *run_slurp(const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    FILE *const file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;
    if (file != NULL && getdelim(&text, &room, '\0', file) < 0 && text != NULL) {
        text[0] = '\0';
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static inline run_output run_program(const char *format, ...)
{
    char out[] = "/tmp/assay-out-XXXXXX";
    char err[] = "/tmp/assay-err-XXXXXX";
    char arguments[2048];
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    close(mkstemp(out));
    close(mkstemp(err));
    snprintf(command, sizeof command, "OMP_NUM_THREADS=1 '%s' %s >%s 2>%s", ASSAY_BINARY, arguments,
             out, err);
    const int raw = system(command);
    run_output result = {WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw),
                         run_slurp("%s", out), run_slurp("%s", err)};
    unlink(out);
    unlink(err);
    return result;
}

static inline void run_free(run_output *result)
{
    free(result->out);
    free(result->err);
    result->out = NULL;
    result->err = NULL;
}

static inline int run_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

#endif
