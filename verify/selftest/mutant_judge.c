/* Judging one mutant or twin on one seed, through sessions of the plug-in. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/synth/cases.h"
#include "kernels/registry.h"
#include "verify/beside.h"
#include "verify/golden_path.h"
#include "verify/selftest/host_mutants.h"
#include "verify/selftest/mutants.h"

enum { THREADS = 2 /* a race needs two */ };

/* A mutant that takes memory without end is stopped here, well before the machine notices. */
static const uint64_t memory_limit = UINT64_C(1) << 30;
/* For mutants whose fault is to go past the deadline; no twin runs under it. */
static const double short_deadline = 0.5;
static const double deadline = 60.0;

struct assay_mutant_bench {
    assay_session *session, *hasty;
    assay_session *built_in; /* runs the explanations that host mutants are judged by */
    const assay_kernel *const *kernels;
    size_t kernel_count;
    assay_case_list cases; /* with those drawn from case_seed */
    uint64_t case_seed;
    assay_selftest_bundles *bundles;
    /* Of the subject at hand. */
    uint32_t listed;
    assay_mutant_outcome *outcome;
    bool decided;
};

/* The listed cases and those drawn from the seed. */
static assay_status open_cases(assay_mutant_bench *bench, uint64_t seed, assay_error *error)
{
    const char *const list = assay_case_file_path();
    if (list == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/cases/verify.json was not found: run from the source folder");
    }
    if (bench->cases.count > 0 && bench->case_seed == seed) {
        return ASSAY_OK;
    }
    assay_case_list_close(&bench->cases);
    bench->case_seed = seed;
    const assay_status status = assay_case_list_open(list, &bench->cases, error);
    return status == ASSAY_OK ? assay_case_list_draw(&bench->cases, seed, error) : status;
}

assay_status assay_mutant_bench_open(assay_mutant_bench **bench, assay_error *error)
{
    char path[ASSAY_BESIDE_PATH];
    assay_session_options options = {
        .plugin = path, .deadline = deadline, .memory_limit = memory_limit, .threads = THREADS};
    assay_mutant_bench *const made = calloc(1, sizeof *made);
    *bench = made;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    assay_status status = open_cases(made, 1, error);
    status = status == ASSAY_OK ? assay_beside(ASSAY_MUTANTS_PLUGIN, path, error) : status;
    if (status == ASSAY_OK) {
        status = assay_session_open(&options, &made->session, error);
    }
    options.deadline = short_deadline;
    if (status == ASSAY_OK) {
        status = assay_session_open(&options, &made->hasty, error);
    }
    options.deadline = deadline;
    options.plugin = NULL;
    if (status == ASSAY_OK) {
        status = assay_session_open(&options, &made->built_in, error);
    }
    if (status == ASSAY_OK) {
        status = assay_session_kernels(made->session, &made->kernels, &made->kernel_count, error);
    }
    if (status == ASSAY_OK) {
        status = assay_selftest_bundles_open(&made->bundles, error);
    }
    if (status != ASSAY_OK) {
        assay_mutant_bench_close(bench);
    }
    return status;
}

void assay_mutant_bench_close(assay_mutant_bench **bench)
{
    if (*bench != NULL) {
        assay_session_close(&(*bench)->session);
        assay_session_close(&(*bench)->hasty);
        assay_session_close(&(*bench)->built_in);
        assay_selftest_bundles_close(&(*bench)->bundles);
        assay_case_list_close(&(*bench)->cases);
        free(*bench);
        *bench = NULL;
    }
}

/* Counts a verdict; the first against the subject decides. */
static assay_status take_result(void *context, const assay_result *result, assay_error *error)
{
    (void)error;
    assay_mutant_bench *const bench = context;
    assay_mutant_outcome *const outcome = bench->outcome;
    const bool skipped = result->verdict == ASSAY_SKIP;
    outcome->cases++;
    outcome->skipped += skipped;
    if (result->verdict != ASSAY_PASS && !skipped) {
        outcome->failed++;
        if (outcome->end == ASSAY_MUTANT_SURVIVED) {
            bench->decided = true;
            outcome->last = *result;
            outcome->end = (bench->listed & (1u << result->check)) != 0 ? ASSAY_MUTANT_KILLED
                                                                         : ASSAY_MUTANT_UNLISTED;
        }
    }
    return ASSAY_OK;
}

static assay_table find_table(const assay_mutant_bench *bench, const char *name)
{
    assay_table table = {.name = NULL};
    for (size_t i = 0; i < bench->kernel_count; i++) {
        if (strcmp(bench->kernels[i]->name, name) == 0) {
            table.name = bench->kernels[i]->name;
            table.kernel[bench->kernels[i]->op] = bench->kernels[i];
        }
    }
    return table;
}

/* Generated cases: those that match (or those that do not). Heavy ones only where a mutant names
 * them. */
static assay_status judge_generated(const assay_mutant_bench *bench, const assay_verify_run *run,
                                    const char *glob, bool matching, bool first_only,
                                    assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < bench->cases.count && status == ASSAY_OK; i++) {
        const assay_case_entry *const entry = &bench->cases.entries[i];
        const bool stop = first_only && bench->decided;
        const bool named = matching && glob != NULL && strcmp(glob, "*") != 0;
        if (!stop && (!entry->heavy || named) && run->tables->kernel[entry->op] != NULL &&
            assay_filter_matches(glob, entry->id) == matching) {
            status = assay_generated_judge_entry(entry, run, error);
        }
    }
    return status;
}

static bool is_stage(const assay_table *table)
{
    return table->kernel[ASSAY_OP_capture] != NULL || table->kernel[ASSAY_OP_generate] != NULL ||
           table->kernel[ASSAY_OP_explain] != NULL;
}

/* All cases of the subject; those that match the glob first. */
static assay_status judge(assay_mutant_bench *bench, const char *name, assay_session *session,
                          const char *glob, bool first_only, uint64_t seed, assay_error *error)
{
    const assay_table table = find_table(bench, name);
    const assay_verify_run run = {.tables = &table,
                                  .table_count = 1,
                                  .sessions = &session,
                                  .seed = seed,
                                  .sink = {bench, take_result}};
    if (table.name == NULL) {
        return assay_fail(error, ASSAY_INTERNAL,
                          "%s does not export '%s': build the whole project again",
                          ASSAY_MUTANTS_PLUGIN, name);
    }
    assay_status status = open_cases(bench, seed, error);
    for (int pass = 0; pass < 2 && status == ASSAY_OK; pass++) {
        const bool matching = pass == 0;
        status = is_stage(&table)
                     ? assay_selftest_bundles_judge(bench->bundles, &run, glob, matching,
                                                  first_only ? &bench->decided : NULL, error)
                     : judge_generated(bench, &run, glob, matching, first_only, error);
    }
    return status;
}

/* A host mutant, or the host as it is: by cases of texts, and of explanations by a right kernel. */
static assay_status judge_host(assay_mutant_bench *bench, const char *name, const char *glob,
                               bool first_only, uint64_t seed, assay_error *error)
{
    assay_host_functions functions;
    assay_table table;
    assay_status status = assay_table_find("scalar", &table, error);
    const bool own = strcmp(name, ASSAY_HOST_TWIN) == 0;
    const assay_verify_run run = {.tables = &table,
                                  .table_count = 1,
                                  .sessions = &bench->built_in,
                                  .host = true,
                                  .functions = own ? NULL : &functions,
                                  .seed = seed,
                                  .sink = {bench, take_result}};
    if (status == ASSAY_OK && !own && !assay_host_mutant(name, &functions)) {
        status = assay_fail(error, ASSAY_INTERNAL, "no host mutant is named '%s'", name);
    }
    for (int pass = 0; pass < 2 && status == ASSAY_OK; pass++) {
        status = assay_selftest_bundles_judge(bench->bundles, &run, glob, pass == 0,
                                            first_only ? &bench->decided : NULL, error);
    }
    return status;
}

assay_status assay_mutant_judge(assay_mutant_bench *bench, const assay_mutant *mutant,
                                uint64_t seed, assay_mutant_outcome *outcome, assay_error *error)
{
    const bool hasty = (mutant->checks & (1u << ASSAY_CHECK_DEADLINE)) != 0;
    memset(outcome, 0, sizeof *outcome);
    outcome->end = ASSAY_MUTANT_SURVIVED;
    bench->outcome = outcome;
    bench->decided = false;
    bench->listed = mutant->checks;
    if (mutant->host) {
        return judge_host(bench, mutant->name, mutant->cases, true, seed, error);
    }
    return judge(bench, mutant->name, hasty ? bench->hasty : bench->session, mutant->cases, true,
                 seed, error);
}

assay_status assay_twin_judge(assay_mutant_bench *bench, const char *name, uint64_t seed,
                              assay_mutant_outcome *outcome, assay_error *error)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->end = ASSAY_MUTANT_SURVIVED;
    bench->outcome = outcome;
    bench->decided = false;
    bench->listed = 0;
    if (strcmp(name, ASSAY_HOST_TWIN) == 0) {
        return judge_host(bench, name, "*", false, seed, error);
    }
    return judge(bench, name, bench->session, "*", false, seed, error);
}
