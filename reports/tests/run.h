/* Runs the program as a user does, in a folder of its own below the one the test runs in. */
#ifndef REPORTS_TESTS_RUN_H
#define REPORTS_TESTS_RUN_H

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
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
    strcpy(folder, "./assay-reports-XXXXXX");
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

/* A file of the folder as JSON, the caller's to delete. */
static inline cJSON *run_json(const char *folder, const char *name)
{
    char *const text = run_slurp("%s/%s", folder, name);
    cJSON *const root = cJSON_Parse(text);
    cr_assert_not_null(root, "%s is no JSON: %s", name, text != NULL ? text : "it is not there");
    free(text);
    return root;
}

static inline const char *run_text(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
}

static inline run_output run_program_of(const char *format, va_list args)
{
    char out[] = "./assay-out-XXXXXX";
    char err[] = "./assay-err-XXXXXX";
    char arguments[2048];
    char command[4096];
    vsnprintf(arguments, sizeof arguments, format, args);
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

static inline run_output run_program(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const run_output result = run_program_of(format, args);
    va_end(args);
    return result;
}

static inline void run_free(run_output *result)
{
    free(result->out);
    free(result->err);
    result->out = NULL;
    result->err = NULL;
}

/* For what it leaves: the test ends here where the program exits otherwise. */
static inline void run_expect(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    run_output result = run_program_of(format, args);
    va_end(args);
    cr_assert_eq(result.status, status, "%s: %d: %s%s", format, result.status, result.out,
                 result.err);
    run_free(&result);
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
