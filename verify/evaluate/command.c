/* The command `assay evaluate`. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/campaign_parts.h"
#include "verify/commands.h"
#include "verify/evaluate/run.h"
#include "verify/golden_path.h"

typedef struct evaluate_state {
    assay_evaluate_options options;
    assay_campaign *campaign; /* finds the implementations */
    assay_world world;
    assay_evaluate_run run;
} evaluate_state;

static assay_status open_implementations(evaluate_state *state, assay_error *error)
{
    const assay_evaluate_options *const o = &state->options;
    assay_campaign_options options = {
        .plugin_count = o->plugin_count, .impl = o->impl};
    memcpy(options.plugin, o->plugin, sizeof o->plugin);
    return assay_campaign_open(&options, &state->campaign, error);
}

static assay_status open_world(evaluate_state *state, assay_error *error)
{
    const assay_evaluate_options *const o = &state->options;
    const char *const folder = o->world != NULL ? o->world : assay_world_path();
    if (folder == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/world/trained was not found: run from the source folder, or "
                          "give --world DIR");
    }
    return assay_world_open(folder, o->sae, o->adapter, &state->world, error);
}

static int complain(const assay_error *error, assay_status status)
{
    (void)fprintf(stderr, "assay evaluate: %s\n", error->message);
    return status == ASSAY_BAD_ARGUMENT ? 2 : 3;
}

static int report(const evaluate_state *state)
{
    const char *const json = state->options.json;
    const bool colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
    assay_error error;
    if (json == NULL || strcmp(json, "-") != 0) {
        assay_evaluations_print(&state->world, &state->run.all, colour, stdout);
        if (state->options.labels.given) {
            assay_evaluations_print_labels(&state->world, &state->run.truth,
                                           (size_t)state->options.labels.value);
        }
    }
    if (json != NULL &&
        assay_evaluations_write(&state->world, &state->run.all, json, &error) != ASSAY_OK) {
        return complain(&error, ASSAY_IO);
    }
    for (size_t i = 0; i < state->run.all.count; i++) {
        if (assay_evaluation_is_bad(&state->run.all.item[i])) {
            return 1;
        }
    }
    return 0;
}

static int run(evaluate_state *state, assay_error *error)
{
    size_t whole = 0;
    assay_status status = open_implementations(state, error);
    for (size_t i = 0; status == ASSAY_OK && i < state->campaign->table_count; i++) {
        whole += assay_evaluate_supports(&state->campaign->tables[i], error) == ASSAY_OK ? 1 : 0;
    }
    if (status == ASSAY_OK && whole == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no implementation that matches runs the whole pipeline: see 'assay "
                            "list kernels'");
    }
    if (status == ASSAY_OK) {
        status = open_world(state, error);
    }
    if (status == ASSAY_OK) {
        state->run.world = &state->world;
        state->run.campaign = state->campaign;
        state->run.options = &state->options;
        state->run.progress = isatty(STDERR_FILENO) != 0;
        status = assay_evaluate_all(&state->run, error);
    }
    return status == ASSAY_OK ? report(state) : complain(error, status);
}

int assay_evaluate_command(int argc, char **argv)
{
    assay_error error = {.message = "no reason was given"};
    evaluate_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        (void)fprintf(stderr, "assay evaluate: out of memory\n");
        return 3;
    }
    int status = 0;
    if (assay_evaluate_options_parse(argc, argv, &state->options, &error) != ASSAY_OK) {
        status = complain(&error, ASSAY_BAD_ARGUMENT);
    } else if (state->options.help) {
        (void)fputs(assay_evaluate_help, stdout);
    } else {
        status = run(state, &error);
    }
    assay_observed_free(&state->world, &state->run.truth);
    assay_world_close(&state->world);
    assay_campaign_close(&state->campaign);
    free(state->run.all.item);
    free(state);
    return status;
}
