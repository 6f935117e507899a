/* The command `assay history`. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/cli.h"
#include "reports/commands.h"
#include "reports/history_commands.h"

static assay_status add(history *h, const history_arguments *a, assay_error *error)
{
    assay_results results = {0};
    int64_t id = 0;
    bool stored = false;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < a->path_count && status == ASSAY_OK; i++) {
        status = assay_results_add(&results, a->path[i], error);
    }
    if (status == ASSAY_OK) {
        assay_results_unify(&results);
        status = history_add(h, &results, a->label != NULL ? a->label : "", &id, &stored, error);
    }
    if (status == ASSAY_OK) {
        (void)printf(stored ? "run %lld: %zu timings, %zu verdicts stored in %s\n"
                            : "run %lld holds these files already (%zu timings, %zu verdicts) in "
                              "%s\n",
                     (long long)id, results.timing_count, results.verdict_count, h->path);
    }
    assay_results_free(&results);
    return status;
}

/* The old program against this one, on what is suspected. */
static assay_status confirm(const history_arguments *a, check_result *result, assay_error *error)
{
    char self[4096];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return assay_fail(error, ASSAY_IO, "/proc/self/exe: this program cannot find itself");
    }
    self[length] = '\0';
    const char *const machine = result->runs.row[result->newest].machine;
    const check_pairs pairs = {a->old_program, self, machine, a->pairs};
    return history_confirm(result, &a->check, &pairs, error);
}

static assay_status check(history *h, const history_arguments *a, int *exit_status,
                          assay_error *error)
{
    check_result result = {0};
    const bool quiet = a->json != NULL && strcmp(a->json, "-") == 0;
    assay_status status = history_check(h, a->run, &a->check, &result, error);
    if (status == ASSAY_OK && a->old_program != NULL) {
        status = confirm(a, &result, error);
    }
    if (status == ASSAY_OK && !quiet) {
        check_print(&result, stdout);
    }
    if (status == ASSAY_OK && a->json != NULL) {
        status = check_write_json(&result, a->json, error);
    }
    if (status == ASSAY_OK) {
        *exit_status = check_exit(&result);
        if (*exit_status == 3) {
            status = assay_fail(
                error, ASSAY_BAD_INPUT,
                "nothing was compared: no earlier run of this machine has a case of run %lld: "
                "store more runs",
                (long long)result.runs.row[result.newest].id);
        }
    }
    check_result_free(&result);
    return status;
}

static assay_status prune(history *h, const history_arguments *a, assay_error *error)
{
    size_t deleted = 0;
    if (!a->keep_given && a->run == 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "prune needs --keep N or --run N");
    }
    const assay_status status = a->run != 0
                                    ? history_delete(h, a->run, &deleted, error)
                                    : history_prune(h, a->machine, a->keep, &deleted, error);
    if (status == ASSAY_OK) {
        (void)printf("%zu run%s deleted\n", deleted, deleted == 1 ? "" : "s");
    }
    return status;
}

static const char *const words[] = {"add", "list", "show", "check", "plot", "prune"};
enum { ADD, LIST, SHOW, CHECK, PLOT, PRUNE, WORDS };

static assay_status run_word(history *h, int word, const history_arguments *a, int *exit_status,
                             assay_error *error)
{
    switch (word) {
    case ADD: return add(h, a, error);
    case LIST: return history_list(h, a, error);
    case SHOW: return history_show(h, a, error);
    case CHECK: return check(h, a, exit_status, error);
    case PLOT: return history_plot(h, a, error);
    default: return prune(h, a, error);
    }
}

static int dispatch(int word, const history_arguments *a)
{
    history h = {0};
    assay_error error = {.status = ASSAY_OK, .message = ""};
    int exit_status = 0;
    char *const standard = a->db == NULL ? history_default_path() : NULL;
    const char *const path = a->db != NULL ? a->db : standard;
    assay_status status = path != NULL ? history_open(path, word == ADD, &h, &error)
                                       : assay_fail(&error, ASSAY_NO_MEMORY, "out of memory");
    if (status == ASSAY_OK) {
        status = run_word(&h, word, a, &exit_status, &error);
    }
    history_close(&h);
    free(standard);
    return status == ASSAY_OK
               ? exit_status
               : cli_complain("history", &error, status == ASSAY_BAD_ARGUMENT ? 2 : 3);
}

static int usage(const char *message, const char *word)
{
    assay_error error;
    (void)assay_fail(&error, ASSAY_BAD_ARGUMENT, message, word);
    return cli_complain("history", &error, 2);
}

int assay_history_command(int argc, char **argv)
{
    history_arguments a;
    int word = 0;
    const int status = history_read_options(argc, argv, &a);
    if (status != 0 || a.help) {
        return status;
    }
    if (a.word == NULL) {
        return usage("no subcommand given: add, list, show, check, plot or prune%s", "");
    }
    while (word < WORDS && strcmp(a.word, words[word]) != 0) {
        word++;
    }
    if (word == WORDS) {
        return usage("unknown subcommand '%s': add, list, show, check, plot or prune", a.word);
    }
    if (word == ADD ? a.path_count == 0 : a.path_count > 0) {
        return word == ADD ? usage("no result file given: assay history add RESULT...%s", "")
                           : usage("what is '%s'? assay history --help", a.path[0]);
    }
    return dispatch(word, &a);
}
