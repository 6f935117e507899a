/* The command `assay evaluate`. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/exec/stage.h"
#include "ref/oracle.h"
#include "verify/campaign_parts.h"
#include "verify/commands.h"
#include "verify/evaluate/options.h"
#include "verify/evaluate/report.h"
#include "verify/golden_path.h"

static const double default_deadline = 600.0;

typedef struct evaluate_state {
    assay_evaluate_options options;
    assay_campaign *campaign; /* finds the implementations */
    assay_world world;
    assay_observed truth;
    assay_evaluations all;
    bool progress;
} evaluate_state;

static void show_progress(void *context, const char *impl, const char *what, size_t done,
                          size_t total)
{
    (void)context;
    (void)fprintf(stderr, "\r\033[K%s: %s %zu/%zu", impl, what, done, total);
    (void)fflush(stderr);
}

static assay_session_options session_of(const evaluate_state *state, size_t source)
{
    const assay_evaluate_options *const o = &state->options;
    return (assay_session_options){
        .plugin = source > 0 ? o->plugin[source - 1] : NULL,
        .deadline = o->timeout.given ? o->timeout.value : default_deadline,
        .threads = o->threads.given ? (int32_t)o->threads.value : 0};
}

static assay_status open_implementations(evaluate_state *state, assay_error *error)
{
    const assay_evaluate_options *const o = &state->options;
    assay_campaign_options options = {
        .plugin_count = o->plugin_count, .session = session_of(state, 0), .impl = o->impl};
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

/* Whether a table runs the whole pipeline. */
static assay_status check_table(const assay_table *table, assay_error *error)
{
    static const assay_op needed[] = {ASSAY_OP_capture, ASSAY_OP_sae_encode, ASSAY_OP_sae_decode,
                                      ASSAY_OP_explain, ASSAY_OP_linear};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof needed / sizeof *needed && status == ASSAY_OK; i++) {
        status = assay_table_supports(table, needed[i], error);
    }
    return status;
}

static assay_status observe(evaluate_state *state, const assay_table *table, size_t source,
                            const assay_observed *truth, assay_observed *into,
                            assay_error *error)
{
    const assay_session_options options = session_of(state, source);
    assay_session *session = NULL;
    assay_status status = assay_session_open(&options, &session, error);
    assay_observation observation = {.world = &state->world,
                                     .table = table,
                                     .session = session,
                                     .truth = truth,
                                     .into = into,
                                     .progress = state->progress ? show_progress : NULL,
                                     .error = error};
    if (status == ASSAY_OK) {
        status = assay_observe(&observation);
    }
    assay_session_close(&session);
    if (state->progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    return status;
}

/* The measures of one implementation, SAE by SAE. */
static assay_status measure(evaluate_state *state, const assay_table *table,
                            const assay_observed *observed, assay_error *error)
{
    assay_evaluations *const all = &state->all;
    const size_t more = state->world.pair_count;
    assay_evaluation *const grown = realloc(all->item, (all->count + more) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for measures");
    }
    all->item = grown;
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < more && status == ASSAY_OK; p++) {
        const assay_kernel *const encoder = table->kernel[ASSAY_OP_sae_encode];
        assay_evaluation *const made = &grown[all->count];
        *made = (assay_evaluation){.impl = table->name,
                                   .backend = encoder != NULL ? encoder->backend : ""};
        status = assay_measure_pair(&state->world, p, &state->truth, observed,
                                    state->options.seed, made, error);
        all->count += status == ASSAY_OK ? 1 : 0;
    }
    return status;
}

static assay_status evaluate_table(evaluate_state *state, size_t index, assay_error *error)
{
    const assay_table *const table = &state->campaign->tables[index];
    assay_observed made = {.nll = NULL};
    assay_error why = {.message = ""};
    if (check_table(table, &why) != ASSAY_OK) {
        made.result.verdict = ASSAY_SKIP;
        memcpy(made.result.message, why.message, sizeof made.result.message);
        return measure(state, table, &made, error);
    }
    if (strcmp(table->name, assay_oracle.name) == 0) {
        return measure(state, table, &state->truth, error);
    }
    assay_status status =
        observe(state, table, state->campaign->source[index], &state->truth, &made, error);
    if (status == ASSAY_OK) {
        status = measure(state, table, &made, error);
    }
    assay_observed_free(&state->world, &made);
    return status;
}

static assay_status evaluate(evaluate_state *state, assay_error *error)
{
    assay_status status = observe(state, &assay_oracle, 0, NULL, &state->truth, error);
    if (status == ASSAY_OK && state->truth.result.verdict != ASSAY_PASS) {
        return assay_fail(error, ASSAY_INTERNAL, "the reference itself: %s: %.900s",
                          assay_verdict_name(state->truth.result.verdict),
                          state->truth.result.message);
    }
    if (status == ASSAY_OK) {
        status = assay_truth_check(&state->world, &state->truth, error);
    }
    for (size_t i = 0; i < state->campaign->table_count && status == ASSAY_OK; i++) {
        status = evaluate_table(state, i, error);
    }
    return status;
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
        assay_evaluations_print(&state->world, &state->all, colour, stdout);
        if (state->options.labels.given) {
            assay_evaluations_print_labels(&state->world, &state->truth,
                                           (size_t)state->options.labels.value);
        }
    }
    if (json != NULL &&
        assay_evaluations_write(&state->world, &state->all, json, &error) != ASSAY_OK) {
        return complain(&error, ASSAY_IO);
    }
    for (size_t i = 0; i < state->all.count; i++) {
        if (assay_evaluation_is_bad(&state->all.item[i])) {
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
        whole += check_table(&state->campaign->tables[i], error) == ASSAY_OK ? 1 : 0;
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
        status = evaluate(state, error);
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
    state->progress = isatty(STDERR_FILENO) != 0;
    if (assay_evaluate_options_parse(argc, argv, &state->options, &error) != ASSAY_OK) {
        status = complain(&error, ASSAY_BAD_ARGUMENT);
    } else if (state->options.help) {
        (void)fputs(assay_evaluate_help, stdout);
    } else {
        status = run(state, &error);
    }
    assay_observed_free(&state->world, &state->truth);
    assay_world_close(&state->world);
    assay_campaign_close(&state->campaign);
    free(state->all.item);
    free(state);
    return status;
}
