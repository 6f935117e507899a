/* The command `assay verify`. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/campaign.h"
#include "verify/commands.h"
#include "verify/golden_path.h"
#include "verify/options.h"
#include "verify/scales.h"

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
    "  --plugin FILE    a shared object of kernels; several may be given. Then only theirs are\n"
    "                   judged, unless --impl says otherwise\n"
    "  --cases FILE     a list of your own shapes (docs/plugins.md), instead of the usual cases\n"
    "  --json FILE      write the results; '-' is standard output, then no table is printed\n"
    "  --resume         with --json FILE: go on where an interrupted run of the same options "
    "stopped\n"
    "  --keep DIR       keep inputs, outputs, expectations and budgets of failing steps there\n"
    "  --timeout S      seconds a kernel may take for one call (default 120)\n"
    "  --memory GIB     what a kernel may take (default: three quarters of what is free)\n"
    "  --threads N      threads of a kernel   --jobs N   cases judged at the same time\n"
    "  --no-cache       compute the scales of compositions anew (else kept in $ASSAY_CACHE or "
    "~/.cache/assay)\n"
    "  --in-process     run the kernel in this process: one case, for gdb, ncu, valgrind\n"
    "  --model DIR, --explainer DIR, --sae PATH, --adapter FILE, --mean FILE\n"
    "                   checkpoints of cases that name what is not in their bundle\n"
    "\n"
    "Exit status: 0 all good; 1 a verdict of FAIL, VOID, CRASH or TIMEOUT; 2 usage; 3 input.\n"
    "\n"
    "examples:\n"
    "  assay verify\n"
    "  assay verify --op 'sae_*' --impl scalar --json results.json\n"
    "  assay verify --plugin ./mine.so --keep failing\n"
    "  gdb --args assay verify --plugin ./mine.so --golden generated --case "
    "linear-5x7x33-normal --in-process\n"
    "  assay verify --golden ./my-bundle --model /models/Llama-3.1-8B-Instruct\n";

typedef struct verify_options {
    bool help, quick, resume, in_process, no_cache;
    const char *op, *impl, *case_id, *json, *cases, *keep;
    assay_option_real timeout, memory;
    assay_option_int threads, jobs;
    uint64_t seed;
    const char *model, *explainer, *sae, *adapter, *mean;
} verify_options;

static const assay_option table[] = {
    {"help", ASSAY_OPTION_FLAG, offsetof(verify_options, help), 0, 0},
    {"quick", ASSAY_OPTION_FLAG, offsetof(verify_options, quick), 0, 0},
    {"resume", ASSAY_OPTION_FLAG, offsetof(verify_options, resume), 0, 0},
    {"no-cache", ASSAY_OPTION_FLAG, offsetof(verify_options, no_cache), 0, 0},
    {"in-process", ASSAY_OPTION_FLAG, offsetof(verify_options, in_process), 0, 0},
    {"cases", ASSAY_OPTION_TEXT, offsetof(verify_options, cases), 0, 0},
    {"keep", ASSAY_OPTION_TEXT, offsetof(verify_options, keep), 0, 0},
    {"timeout", ASSAY_OPTION_REAL, offsetof(verify_options, timeout), 0, 1000000},
    {"memory", ASSAY_OPTION_REAL, offsetof(verify_options, memory), 0, 1000000},
    {"threads", ASSAY_OPTION_INT, offsetof(verify_options, threads), 1, 4096},
    {"jobs", ASSAY_OPTION_INT, offsetof(verify_options, jobs), 1, 64},
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

enum { GOLDEN_MAX = 64, EXTRA_MAX = 4096 };

typedef struct verify_state {
    verify_options options;
    const char *golden[GOLDEN_MAX];
    size_t golden_count;
    const char *plugin[ASSAY_PLUGINS_MAX];
    size_t plugin_count;
    assay_campaign *campaign;
    assay_journal journal;
    assay_report report;
    char extra[EXTRA_MAX];
} verify_state;

static assay_status open_campaign(verify_state *state, assay_error *error)
{
    const verify_options *const o = &state->options;
    assay_campaign_options c = {
        .plugin_count = state->plugin_count,
        .session = {.in_process = o->in_process,
                    .deadline = o->timeout.given ? o->timeout.value : 0.0,
                    .memory_limit = o->memory.given ? (uint64_t)(o->memory.value * 0x1p30) : 0,
                    .threads = o->threads.given ? (int32_t)o->threads.value : 0},
        .jobs = o->jobs.given ? (int32_t)o->jobs.value : 0,
        .impl = o->impl,
        .filter = {o->op, o->impl, o->case_id, o->quick},
        .overrides = {o->model, o->explainer, o->sae, o->adapter, o->mean},
        .seed = o->seed,
        .keep = o->keep};
    assay_scales_set_disk(!o->no_cache);
    memcpy(c.plugin, state->plugin, sizeof state->plugin);
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
    const char *const cases = state->options.cases;
    assay_status status = ASSAY_OK;
    if (state->golden_count == 0 && cases == NULL) {
        status = add_folder(state, NULL, error);
        return status == ASSAY_OK ? add_own_cases(state, error) : status;
    }
    for (size_t i = 0; i < state->golden_count && status == ASSAY_OK; i++) {
        status = strcmp(state->golden[i], "generated") == 0
                     ? add_own_cases(state, error)
                     : add_folder(state, state->golden[i], error);
    }
    if (status == ASSAY_OK && cases != NULL) {
        status = assay_campaign_add_generated(state->campaign, cases, true, error);
    }
    return status;
}

/* One line that says which run a journal is of. */
static void describe(const verify_state *state, char *text, size_t size)
{
    const verify_options *const o = &state->options;
    const char *const parts[] = {o->op,    o->impl,      o->case_id, o->cases,
                                 o->model, o->explainer, o->sae,     o->adapter,
                                 o->mean};
    int used = snprintf(text, size, "assay-journal 1 revision %s seed %llu quick %d",
                        ASSAY_REVISION, (unsigned long long)o->seed, (int)o->quick);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && used > 0 && (size_t)used < size; i++) {
        used += snprintf(text + used, size - (size_t)used, " [%s]",
                         parts[i] != NULL ? parts[i] : "");
    }
    for (size_t i = 0; i < state->golden_count && used > 0 && (size_t)used < size; i++) {
        used += snprintf(text + used, size - (size_t)used, " golden %s", state->golden[i]);
    }
    for (size_t i = 0; i < state->plugin_count && used > 0 && (size_t)used < size; i++) {
        struct stat info;
        const bool there = stat(state->plugin[i], &info) == 0;
        used += snprintf(text + used, size - (size_t)used, " plugin %s %lld", state->plugin[i],
                         there ? (long long)info.st_mtime : 0LL);
    }
}

static assay_status open_journal(verify_state *state, assay_error *error)
{
    char run[EXTRA_MAX];
    const char *const json = state->options.json;
    if (json == NULL || strcmp(json, "-") == 0) {
        return state->options.resume
                   ? assay_fail(error, ASSAY_BAD_ARGUMENT,
                                "--resume needs --json FILE: the journal stands beside it")
                   : ASSAY_OK;
    }
    describe(state, run, sizeof run);
    return assay_journal_open(json, run, state->options.resume, &state->journal, error);
}

/* What a repeat command needs besides its case. */
static void note_extra(verify_state *state)
{
    int used = 0;
    for (size_t i = 0; i < state->plugin_count && used >= 0 && used < EXTRA_MAX; i++) {
        used += snprintf(state->extra + used, (size_t)(EXTRA_MAX - used), "%s--plugin '%s'",
                         i == 0 ? "" : " ", state->plugin[i]);
    }
    state->report.extra = state->plugin_count > 0 ? state->extra : NULL;
}

static assay_status parse(verify_state *state, int argc, char **argv, assay_error *error)
{
    size_t operands = 0;
    state->options.seed = 1;
    assay_status status = assay_options_take("golden", &argc, argv, state->golden, GOLDEN_MAX,
                                             &state->golden_count, error);
    if (status == ASSAY_OK) {
        status = assay_options_take("plugin", &argc, argv, state->plugin, ASSAY_PLUGINS_MAX,
                                    &state->plugin_count, error);
    }
    if (status == ASSAY_OK) {
        status = assay_options_parse(table, argc, argv, &state->options, NULL, &operands, error);
    }
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
        return complain(error, status);
    }
    const bool journal = state->journal.file != NULL;
    status = assay_campaign_run(state->campaign, journal ? &state->journal : NULL, &state->report,
                                error);
    if (status == ASSAY_OK && state->report.count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "no implementation has a kernel for the cases that match");
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
        (void)fputs(help, stdout);
    } else {
        status = run(state, &error);
    }
    assay_campaign_close(&state->campaign);
    assay_report_free(&state->report);
    free(state);
    return status;
}
