/* The command `assay verify`. */
#include <stdlib.h>
#include <unistd.h>

#include "kernels/registry.h"
#include "verify/commands.h"
#include "verify/generated.h"
#include "verify/golden_path.h"
#include "verify/options.h"
#include "verify/report.h"
#include "verify/scales_identity.h"

static const char help[] =
    "usage: assay verify [options]\n"
    "\n"
    "Judges kernels against golden bundles and on generated cases. With no options: all kernels "
    "on\n"
    "all bundles found and on all generated cases.\n"
    "\n"
    "  --golden DIR     a bundle, or a folder of bundles; may be given several times; the word\n"
    "                   'generated' stands for the generated cases\n"
    "  --op GLOB        ops, as cases name them: 'sae_*', capture, tokenize\n"
    "  --impl GLOB      implementations: scalar, 'scalar*', oracle, host (tokenizers)\n"
    "  --case GLOB      case ids\n"
    "  --seed N         of generated cases and of chain budgets (default 1)\n"
    "  --quick          leave out what takes long\n"
    "  --json FILE      write the results; '-' is standard output, then no table is printed\n"
    "  --model DIR, --explainer DIR, --sae PATH, --adapter FILE, --mean FILE\n"
    "                   checkpoints of cases that name what is not in their bundle\n"
    "\n"
    "Exit status: 0 all good; 1 a verdict of FAIL, VOID, CRASH or TIMEOUT; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay verify\n"
    "  assay verify --op 'sae_*' --impl scalar --json results.json\n"
    "  assay verify --golden ./my-bundle --model /models/Llama-3.1-8B-Instruct\n";

typedef struct verify_options {
    bool help, quick;
    const char *op, *impl, *case_id, *json;
    uint64_t seed;
    const char *model, *explainer, *sae, *adapter, *mean;
} verify_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(verify_options, help), 0, 0},
    {"quick", ASSAY_OPTION_FLAG, offsetof(verify_options, quick), 0, 0},
    {"op", ASSAY_OPTION_TEXT, offsetof(verify_options, op), 0, 0},
    {"impl", ASSAY_OPTION_TEXT, offsetof(verify_options, impl), 0, 0},
    {"case", ASSAY_OPTION_TEXT, offsetof(verify_options, case_id), 0, 0},
    {"json", ASSAY_OPTION_TEXT, offsetof(verify_options, json), 0, 0},
    {"seed", ASSAY_OPTION_SEED, offsetof(verify_options, seed), 0, 0},
    {"model", ASSAY_OPTION_TEXT, offsetof(verify_options, model), 0, 0},
    {"explainer", ASSAY_OPTION_TEXT, offsetof(verify_options, explainer), 0, 0},
    {"sae", ASSAY_OPTION_TEXT, offsetof(verify_options, sae), 0, 0},
    {"adapter", ASSAY_OPTION_TEXT, offsetof(verify_options, adapter), 0, 0},
    {"mean", ASSAY_OPTION_TEXT, offsetof(verify_options, mean), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0}};

enum { TABLES_MAX = ASSAY_IMPLS_MAX, GOLDEN_MAX = 64, LONG_SEQUENCE = 128 };

typedef struct verify_state {
    verify_options options;
    const char *golden[GOLDEN_MAX];
    size_t golden_count;
    assay_table tables[TABLES_MAX];
    assay_verify_run run;
    assay_filter filter;
    assay_report report;
} verify_state;

/* Takes every --golden out of argv, since it may be given several times. */
static assay_status take_golden(verify_state *state, int *argc, char **argv, assay_error *error)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const bool joined = strncmp(argv[i], "--golden=", 9) == 0;
        if (!joined && strcmp(argv[i], "--golden") != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        const char *const value = joined ? argv[i] + 9 : (i + 1 < *argc ? argv[++i] : NULL);
        if (value == NULL || *value == '\0') {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "--golden needs a folder");
        }
        if (state->golden_count == GOLDEN_MAX) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT, "--golden: at most %d", GOLDEN_MAX);
        }
        state->golden[state->golden_count++] = value;
    }
    *argc = kept;
    return ASSAY_OK;
}

static assay_status select_tables(verify_state *state, assay_error *error)
{
    const char *const impl = state->options.impl;
    size_t count = 0;
    if (assay_filter_matches(impl, assay_oracle.name)) {
        state->tables[count++] = assay_oracle;
    }
    for (size_t i = 0; i < assay_impl_count() && count < TABLES_MAX; i++) {
        if (assay_filter_matches(impl, assay_impl_name(i))) {
            const assay_status status =
                assay_table_find(assay_impl_name(i), &state->tables[count++], error);
            if (status != ASSAY_OK) {
                return status;
            }
        }
    }
    state->run.host = assay_filter_matches(impl, "host");
    state->run.tables = state->tables;
    state->run.table_count = count;
    if (count == 0 && !state->run.host) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "no implementation matches '%s': see 'assay list kernels'", impl);
    }
    return ASSAY_OK;
}

static bool long_case(const assay_bundle *bundle, const assay_bundle_case *c)
{
    assay_tensor tokens;
    return assay_bundle_tensor(bundle, c->in, c->id, "tokens", false, &tokens, NULL) == ASSAY_OK &&
           assay_present(&tokens) && tokens.rank == 2 && tokens.shape[1] > LONG_SEQUENCE;
}

static bool selected(const verify_state *state, const assay_bundle *bundle,
                     const assay_bundle_case *c)
{
    return assay_filter_matches(state->filter.op, c->op) &&
           assay_filter_matches(state->filter.case_id, c->id) &&
           !(state->filter.quick && long_case(bundle, c));
}

static assay_status judge_bundle(verify_state *state, const char *directory, assay_error *error)
{
    const verify_options *const o = &state->options;
    const assay_overrides overrides = {o->model, o->explainer, o->sae, o->adapter, o->mean};
    assay_bundle bundle = {0};
    assay_checkpoints *checkpoints = NULL;
    assay_scales *scales = NULL;
    assay_status status = assay_bundle_open(directory, &bundle, error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = assay_checkpoints_open(&bundle, &overrides, &checkpoints, error);
    if (status == ASSAY_OK) {
        status = assay_scales_open_for(&bundle, &overrides, &scales, error);
    }
    for (size_t i = 0; i < bundle.case_count && status == ASSAY_OK; i++) {
        state->report.expected += selected(state, &bundle, &bundle.cases[i]);
    }
    for (size_t i = 0; i < bundle.case_count && status == ASSAY_OK; i++) {
        if (selected(state, &bundle, &bundle.cases[i])) {
            const assay_case_context context = {.run = &state->run,
                                                .bundle = &bundle,
                                                .checkpoints = checkpoints,
                                                .scales = scales,
                                                .c = &bundle.cases[i]};
            status = assay_case_judge(&context, error);
        }
    }
    assay_scales_close(&scales);
    assay_checkpoints_close(&checkpoints);
    assay_bundle_close(&bundle);
    return status;
}

static assay_status judge_generated(verify_state *state, assay_error *error)
{
    const char *const path = assay_case_file_path();
    if (path == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/cases/verify.json was not found: run from the source folder");
    }
    const assay_status status =
        assay_generated_count(path, &state->filter, &state->report.expected, error);
    return status == ASSAY_OK ? assay_generated_judge(path, &state->filter, &state->run, error)
                              : status;
}

static assay_status judge_folder(verify_state *state, const char *root, assay_error *error)
{
    assay_path_list list = {0};
    assay_status status = assay_golden_list(root, &list, error);
    for (size_t i = 0; i < list.count && status == ASSAY_OK; i++) {
        status = judge_bundle(state, list.path[i], error);
    }
    assay_path_list_free(&list);
    return status;
}

static assay_status judge_all(verify_state *state, assay_error *error)
{
    assay_status status = ASSAY_OK;
    if (state->golden_count == 0) {
        status = judge_folder(state, NULL, error);
        return status == ASSAY_OK ? judge_generated(state, error) : status;
    }
    for (size_t i = 0; i < state->golden_count && status == ASSAY_OK; i++) {
        status = strcmp(state->golden[i], "generated") == 0
                     ? judge_generated(state, error)
                     : judge_folder(state, state->golden[i], error);
    }
    return status;
}

static assay_status parse(verify_state *state, int argc, char **argv, assay_error *error)
{
    size_t operands = 0;
    state->options.seed = 1;
    assay_status status = take_golden(state, &argc, argv, error);
    if (status == ASSAY_OK) {
        status = assay_options_parse(table, argc, argv, &state->options, NULL, &operands, error);
    }
    if (status == ASSAY_OK && !state->options.help) {
        status = select_tables(state, error);
    }
    const verify_options *const o = &state->options;
    state->filter = (assay_filter){o->op, o->impl, o->case_id, o->quick};
    state->run.seed = o->seed;
    state->run.sink = assay_report_sink(&state->report);
    state->report.progress = isatty(STDERR_FILENO) != 0;
    state->report.colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
    return status;
}

static int run(verify_state *state, assay_error *error)
{
    const char *const json = state->options.json;
    assay_status status = judge_all(state, error);
    if (state->report.progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    if (status == ASSAY_OK && state->report.count == 0) {
        (void)fprintf(stderr, "assay verify: no case matches: see 'assay list cases'\n");
        return 2;
    }
    if (state->report.count > 0 && (json == NULL || strcmp(json, "-") != 0)) {
        assay_report_print(&state->report, stdout);
    }
    if (json != NULL && state->report.count > 0) {
        assay_error write_error;
        if (assay_report_write_json(&state->report, json, &write_error) != ASSAY_OK) {
            (void)fprintf(stderr, "assay verify: %s\n", write_error.message);
            return 3;
        }
    }
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay verify: %s\n", error->message);
        return 3;
    }
    return assay_report_exit(&state->report);
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
        (void)fprintf(stderr, "assay verify: %s\n", error.message);
        status = 2;
    } else if (state->options.help) {
        (void)fputs(help, stdout);
    } else {
        status = run(state, &error);
    }
    assay_report_free(&state->report);
    free(state);
    return status;
}
