/* The command `assay verify`. */
#include <stdlib.h>
#include <unistd.h>

#include "verify/campaign.h"
#include "verify/commands.h"
#include "verify/devices.h"
#include "verify/file_stamp.h"
#include "verify/golden_path.h"
#include "verify/results_path.h"
#include "verify/scales.h"
#include "verify/shell_word.h"
#include "verify/verify_options.h"

enum { RUN_MAX = 4096 };

typedef struct verify_state {
    assay_verify_options options;
    assay_campaign *campaign;
    assay_journal journal;
    assay_report report;
    char *extra;
} verify_state;

static assay_status open_campaign(verify_state *state, assay_error *error)
{
    const assay_verify_options *const o = &state->options;
    assay_campaign_options c = {
        .plugin_count = state->options.plugin_count,
        .session = {.in_process = o->in_process,
                    .deadline = o->timeout.given ? o->timeout.value : 0.0,
                    .memory_limit = o->memory.given ? (uint64_t)(o->memory.value * 0x1p30) : 0,
                    .threads = o->threads.given ? (int32_t)o->threads.value : 0,
                    .device = (int32_t)o->device.value},
        .jobs = o->jobs.given ? (int32_t)o->jobs.value : 0,
        .impl = o->impl,
        .filter = {o->op, o->impl, o->case_id, o->quick},
        .overrides = {o->model, o->explainer, o->sae, o->adapter, o->mean},
        .seed = o->seed,
        .keep = o->keep};
    for (size_t i = 0; o->device.given && i < o->plugin_count; i++) {
        const assay_status status =
            assay_devices_expect(o->plugin[i], (int32_t)o->device.value, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    assay_scales_set_disk(!o->no_cache);
    memcpy(c.plugin, state->options.plugin, sizeof state->options.plugin);
    return assay_campaign_open(&c, &state->campaign, error);
}

static assay_status add_own_cases(verify_state *state, assay_error *error)
{
    const char *const path = assay_case_file_path();
    if (path == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/cases/verify.json was not found: run from the source folder");
    }
    return assay_campaign_add_generated(state->campaign, path, false, error);
}

static assay_status add_folder(verify_state *state, const char *root, assay_error *error)
{
    assay_path_list list = {0};
    assay_status status = assay_golden_list(root, &list, error);
    for (size_t i = 0; i < list.count && status == ASSAY_OK; i++) {
        status = assay_campaign_add_bundle(state->campaign, list.path[i], error);
    }
    assay_path_list_free(&list);
    return status;
}

static assay_status add_cases(verify_state *state, assay_error *error)
{
    const assay_verify_options *const o = &state->options;
    assay_status status = ASSAY_OK;
    if (o->golden_count == 0 && o->cases == NULL) {
        status = add_folder(state, NULL, error);
        return status == ASSAY_OK ? add_own_cases(state, error) : status;
    }
    for (size_t i = 0; i < o->golden_count && status == ASSAY_OK; i++) {
        status = strcmp(o->golden[i], "generated") == 0
                     ? add_own_cases(state, error)
                     : add_folder(state, o->golden[i], error);
    }
    if (status == ASSAY_OK && o->cases != NULL) {
        status = assay_campaign_add_generated(state->campaign, o->cases, true, error);
    }
    return status;
}

/* One line that says which run a journal is of. */
static void describe(const verify_state *state, char *text, size_t size)
{
    const assay_verify_options *const o = &state->options;
    const char *const parts[] = {o->op,    o->impl,      o->case_id, o->cases,
                                 o->model, o->explainer, o->sae,     o->adapter,
                                 o->mean};
    int used = snprintf(text, size, "assay-journal 1 revision %s seed %llu quick %d device %d",
                        ASSAY_REVISION, (unsigned long long)o->seed, (int)o->quick,
                        (int)o->device.value);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && used > 0 && (size_t)used < size; i++) {
        used += snprintf(text + used, size - (size_t)used, " [%s]",
                         parts[i] != NULL ? parts[i] : "");
    }
    for (size_t i = 0; i < o->golden_count && used > 0 && (size_t)used < size; i++) {
        used += snprintf(text + used, size - (size_t)used, " golden %s", o->golden[i]);
    }
    for (size_t i = 0; i < o->plugin_count && used > 0 && (size_t)used < size; i++) {
        used += snprintf(text + used, size - (size_t)used, " plugin %s", o->plugin[i]);
    }
    const char *const files[] = {ASSAY_THIS_PROGRAM, o->cases};
    assay_file_stamps(files, sizeof files / sizeof *files, text, size);
    assay_file_stamps(o->plugin, o->plugin_count, text, size);
}

static assay_status open_journal(verify_state *state, assay_error *error)
{
    char run[RUN_MAX];
    bool plain = false;
    const bool resume = state->options.resume;
    if (state->options.json == NULL) {
        return resume ? assay_fail(error, ASSAY_BAD_ARGUMENT,
                                   "--resume needs --json FILE: the journal stands beside it")
                      : ASSAY_OK;
    }
    char *const path = assay_results_path(state->options.json);
    assay_status status = path != NULL
                              ? assay_results_path_check(path, resume, &plain, error)
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    if (status == ASSAY_OK && plain) {
        describe(state, run, sizeof run);
        status = assay_journal_open(path, run, resume, &state->journal, error);
    }
    free(path);
    return status;
}

/* What a repeat command needs besides its case. */
static void note_extra(verify_state *state)
{
    const assay_verify_options *const o = &state->options;
    const char *const paths[][2] = {{"model", o->model},
                                    {"explainer", o->explainer},
                                    {"sae", o->sae},
                                    {"adapter", o->adapter},
                                    {"mean", o->mean}};
    size_t size = 0;
    FILE *const out = open_memstream(&state->extra, &size);
    for (size_t i = 0; out != NULL && i < o->plugin_count; i++) {
        (void)fputs(" --plugin ", out);
        assay_shell_put(out, o->plugin[i]);
    }
    for (size_t i = 0; out != NULL && i < sizeof paths / sizeof *paths; i++) {
        if (paths[i][1] != NULL) {
            (void)fprintf(out, " --%s ", paths[i][0]);
            assay_shell_put(out, paths[i][1]);
        }
    }
    if (out != NULL && o->device.given) {
        (void)fprintf(out, " --device %d", (int)o->device.value);
    }
    if (out != NULL && o->threads.given) {
        (void)fprintf(out, " --threads %d", (int)o->threads.value);
    }
    if (out != NULL) {
        (void)fclose(out);
    }
    state->report.extra = state->extra;
    state->report.plugin = o->plugin;
    state->report.plugin_count = o->plugin_count;
}

static assay_status parse(verify_state *state, int argc, char **argv, assay_error *error)
{
    const assay_status status = assay_verify_options_parse(argc, argv, &state->options, error);
    state->report.progress = isatty(STDERR_FILENO) != 0;
    state->report.colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
    note_extra(state);
    return status;
}

static int complain(const assay_error *error, assay_status status)
{
    (void)fprintf(stderr, "assay verify: %s\n", error->message);
    return status == ASSAY_BAD_ARGUMENT ? 2 : 3;
}

/* Prints and writes what there is, also after an error: it was judged. */
static int report(verify_state *state, assay_status status, const assay_error *error)
{
    const char *const json = state->options.json;
    if (state->report.progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    if (state->report.count > 0 && (json == NULL || strcmp(json, "-") != 0)) {
        assay_report_print(&state->report, stdout);
    }
    if (json != NULL && state->report.count > 0) {
        assay_error write_error;
        if (assay_report_write_json(&state->report, json, &write_error) != ASSAY_OK) {
            return complain(&write_error, ASSAY_IO);
        }
    }
    return status != ASSAY_OK ? complain(error, ASSAY_IO) : assay_report_exit(&state->report);
}

static int run(verify_state *state, assay_error *error)
{
    assay_status status = open_campaign(state, error);
    if (status == ASSAY_OK) {
        status = add_cases(state, error);
    }
    if (status == ASSAY_OK && assay_campaign_count(state->campaign) == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "no case matches: see 'assay list cases'");
    }
    if (status == ASSAY_OK && state->options.in_process &&
        assay_campaign_count(state->campaign) != 1) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "--in-process runs one case, %zu match: narrow --golden, --op, --case",
                            assay_campaign_count(state->campaign));
    }
    if (status == ASSAY_OK) {
        status = open_journal(state, error);
    }
    if (status != ASSAY_OK) {
        assay_journal_close(&state->journal, false);
        return complain(error, status);
    }
    const bool journal = state->journal.file != NULL;
    status = assay_campaign_run(state->campaign, journal ? &state->journal : NULL, &state->report,
                                error);
    if (status == ASSAY_OK && state->report.count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no implementation has a kernel for the cases that match");
        assay_journal_close(&state->journal, true);
        return complain(error, status);
    }
    const int exit_status = report(state, status, error);
    assay_journal_close(&state->journal, status == ASSAY_OK && exit_status != 3);
    return exit_status;
}

int assay_verify_command(int argc, char **argv)
{
    assay_error error = {.message = ""};
    verify_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        (void)fprintf(stderr, "assay verify: out of memory\n");
        return 3;
    }
    int status = 0;
    if (parse(state, argc, argv, &error) != ASSAY_OK) {
        status = complain(&error, ASSAY_BAD_ARGUMENT);
    } else if (state->options.help) {
        (void)fputs(assay_verify_help, stdout);
    } else {
        status = run(state, &error);
    }
    assay_campaign_close(&state->campaign);
    assay_report_free(&state->report);
    free(state->extra);
    free(state);
    return status;
}
