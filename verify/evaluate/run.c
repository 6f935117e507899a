#include "verify/evaluate/run.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/exec/stage.h"
#include "ref/oracle.h"
#include "verify/campaign_parts.h"
#include "verify/crew.h"

static const double default_deadline = 600.0;

/* What the threads share, each of which takes one implementation after the other. */
typedef struct evaluate_work {
    assay_evaluate_run *run;
    int32_t threads; /* of a kernel */
    atomic_size_t done;
} evaluate_work;

assay_status assay_evaluate_supports(const assay_table *table, assay_error *error)
{
    static const assay_op needed[] = {ASSAY_OP_capture, ASSAY_OP_sae_encode, ASSAY_OP_sae_decode,
                                      ASSAY_OP_explain, ASSAY_OP_linear};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof needed / sizeof *needed && status == ASSAY_OK; i++) {
        status = assay_table_supports(table, needed[i], error);
    }
    return status;
}

static void show_progress(void *context, const char *impl, const char *what, size_t done,
                          size_t total)
{
    evaluate_work *const work = context;
    (void)fprintf(stderr, "\r\033[K%zu of %zu done; %s: %s %zu/%zu", atomic_load(&work->done),
                  work->run->campaign->table_count, impl, what, done, total);
    (void)fflush(stderr);
}

static assay_status observe(evaluate_work *work, const assay_table *table, size_t source,
                            const assay_observed *truth, assay_observed *into, assay_error *error)
{
    const assay_evaluate_options *const o = work->run->options;
    const assay_session_options options = {
        .plugin = source > 0 ? o->plugin[source - 1] : NULL,
        .deadline = o->timeout.given ? o->timeout.value : default_deadline,
        .threads = work->threads};
    assay_session *session = NULL;
    assay_status status = assay_session_open(&options, &session, error);
    if (status == ASSAY_OK) {
        assay_observation observation = {.world = work->run->world,
                                         .table = table,
                                         .session = session,
                                         .truth = truth,
                                         .into = into,
                                         .progress = work->run->progress ? show_progress : NULL,
                                         .progress_context = work,
                                         .error = error};
        status = assay_observe(&observation);
    }
    assay_session_close(&session);
    return status;
}

/* The measures of one implementation, SAE by SAE. */
static assay_status measure(const assay_evaluate_run *run, size_t index,
                            const assay_observed *observed, assay_error *error)
{
    const assay_table *const table = &run->campaign->tables[index];
    const assay_kernel *const encoder = table->kernel[ASSAY_OP_sae_encode];
    const size_t pairs = run->world->pair_count;
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < pairs && status == ASSAY_OK; p++) {
        assay_evaluation *const made = &run->all.item[index * pairs + p];
        *made = (assay_evaluation){.impl = table->name,
                                   .backend = encoder != NULL ? encoder->backend : ""};
        status = assay_measure_pair(run->world, p, &run->truth, observed, run->options->seed, made,
                                    error);
    }
    return status;
}

static assay_status evaluate_table(evaluate_work *work, size_t index, assay_error *error)
{
    const assay_evaluate_run *const run = work->run;
    const assay_table *const table = &run->campaign->tables[index];
    assay_observed made = {.nll = NULL};
    assay_error why = {.message = ""};
    if (assay_evaluate_supports(table, &why) != ASSAY_OK) {
        made.result.verdict = ASSAY_SKIP;
        memcpy(made.result.message, why.message, sizeof made.result.message);
        return measure(run, index, &made, error);
    }
    if (strcmp(table->name, assay_oracle.name) == 0) {
        return measure(run, index, &run->truth, error);
    }
    assay_status status =
        observe(work, table, run->campaign->source[index], &run->truth, &made, error);
    if (status == ASSAY_OK) {
        status = measure(run, index, &made, error);
    }
    assay_observed_free(run->world, &made);
    return status;
}

static assay_status take_table(void *context, void *own, size_t index, assay_error *error)
{
    (void)own;
    evaluate_work *const work = context;
    const assay_status status = evaluate_table(work, index, error);
    atomic_fetch_add(&work->done, 1);
    return status;
}

static assay_status find_truth(evaluate_work *work, assay_error *error)
{
    assay_observed *const truth = &work->run->truth;
    const assay_status status = observe(work, &assay_oracle, 0, NULL, truth, error);
    return status == ASSAY_OK ? assay_truth_check(work->run->world, truth, error) : status;
}

assay_status assay_evaluate_all(assay_evaluate_run *run, assay_error *error)
{
    const assay_evaluate_options *const o = run->options;
    const size_t tables = run->campaign->table_count;
    const int64_t cores = assay_crew_cores();
    const int64_t jobs = assay_crew_size(o->jobs.given ? o->jobs.value : cores, tables);
    const int32_t threads = o->threads.given ? (int32_t)o->threads.value : 0;
    evaluate_work work = {.run = run, .threads = threads};
    const assay_crew crew = {
        .items = tables, .jobs = jobs, .context = &work, .take = take_table};
    run->all.item = calloc(tables * run->world->pair_count, sizeof *run->all.item);
    if (run->all.item == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for measures");
    }
    assay_status status = find_truth(&work, error);
    if (status == ASSAY_OK) {
        const int64_t share = cores / jobs;
        work.threads = o->threads.given ? threads : share < 1 ? 1 : (int32_t)share;
        status = assay_crew_run(&crew, error);
    }
    if (run->progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    run->all.count = tables * run->world->pair_count;
    return status;
}
