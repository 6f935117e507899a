#include "verify/evaluate/run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/exec/stage.h"
#include "ref/oracle.h"
#include "verify/campaign_parts.h"

enum { JOBS_MAX = 64 };

static const double default_deadline = 600.0;

/* Threads that take one implementation after the other. */
typedef struct evaluate_crew {
    assay_evaluate_run *run;
    int32_t threads; /* of a kernel */
    pthread_mutex_t lock;
    size_t next, done;
    assay_status status; /* the first trouble, with its message in *error */
    assay_error *error;
} evaluate_crew;

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
    const evaluate_crew *const crew = context;
    (void)fprintf(stderr, "\r\033[K%zu of %zu done; %s: %s %zu/%zu", crew->done,
                  crew->run->campaign->table_count, impl, what, done, total);
    (void)fflush(stderr);
}

static assay_status observe(evaluate_crew *crew, const assay_table *table, size_t source,
                            const assay_observed *truth, assay_observed *into, assay_error *error)
{
    const assay_evaluate_options *const o = crew->run->options;
    const assay_session_options options = {
        .plugin = source > 0 ? o->plugin[source - 1] : NULL,
        .deadline = o->timeout.given ? o->timeout.value : default_deadline,
        .threads = crew->threads};
    assay_session *session = NULL;
    assay_status status = assay_session_open(&options, &session, error);
    if (status == ASSAY_OK) {
        assay_observation observation = {.world = crew->run->world,
                                         .table = table,
                                         .session = session,
                                         .truth = truth,
                                         .into = into,
                                         .progress = crew->run->progress ? show_progress : NULL,
                                         .progress_context = crew,
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

static assay_status evaluate_table(evaluate_crew *crew, size_t index, assay_error *error)
{
    const assay_evaluate_run *const run = crew->run;
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
        observe(crew, table, run->campaign->source[index], &run->truth, &made, error);
    if (status == ASSAY_OK) {
        status = measure(run, index, &made, error);
    }
    assay_observed_free(run->world, &made);
    return status;
}

/* The next implementation's number, or SIZE_MAX at the end or after an error. */
static size_t next_table(evaluate_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    const bool more = crew->status == ASSAY_OK && crew->next < crew->run->campaign->table_count;
    const size_t index = more ? crew->next++ : SIZE_MAX;
    (void)pthread_mutex_unlock(&crew->lock);
    return index;
}

static void *work(void *opaque)
{
    evaluate_crew *const crew = opaque;
    assay_error error = {.message = "no reason was given"};
    size_t index;
    while ((index = next_table(crew)) != SIZE_MAX) {
        const assay_status status = evaluate_table(crew, index, &error);
        (void)pthread_mutex_lock(&crew->lock);
        crew->done++;
        if (status != ASSAY_OK && crew->status == ASSAY_OK) {
            crew->status = status;
            *crew->error = error;
        }
        (void)pthread_mutex_unlock(&crew->lock);
    }
    return NULL;
}

static assay_status run_crew(evaluate_crew *crew, int64_t jobs)
{
    pthread_t thread[JOBS_MAX];
    int64_t started = 0;
    while (started < jobs && pthread_create(&thread[started], NULL, work, crew) == 0) {
        started++;
    }
    if (started == 0) {
        return assay_fail(crew->error, ASSAY_NO_MEMORY, "no thread could be started");
    }
    for (int64_t i = 0; i < started; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    return crew->status;
}

static assay_status find_truth(evaluate_crew *crew)
{
    assay_observed *const truth = &crew->run->truth;
    const assay_status status = observe(crew, &assay_oracle, 0, NULL, truth, crew->error);
    if (status == ASSAY_OK && truth->result.verdict != ASSAY_PASS) {
        return assay_fail(crew->error, ASSAY_INTERNAL, "the reference itself: %s: %.900s",
                          assay_verdict_name(truth->result.verdict), truth->result.message);
    }
    return status == ASSAY_OK ? assay_truth_check(crew->run->world, truth, crew->error) : status;
}

assay_status assay_evaluate_all(assay_evaluate_run *run, assay_error *error)
{
    const assay_evaluate_options *const o = run->options;
    const size_t tables = run->campaign->table_count;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const int64_t cores = online < 1 ? 1 : online;
    int64_t jobs = o->jobs.given ? o->jobs.value : cores;
    jobs = jobs > JOBS_MAX ? JOBS_MAX : jobs;
    jobs = jobs > (int64_t)tables ? (int64_t)tables : jobs;
    const int32_t threads = o->threads.given ? (int32_t)o->threads.value : 0;
    evaluate_crew crew = {.run = run, .threads = threads, .error = error};
    run->all.item = calloc(tables * run->world->pair_count, sizeof *run->all.item);
    if (run->all.item == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for measures");
    }
    (void)pthread_mutex_init(&crew.lock, NULL);
    assay_status status = find_truth(&crew);
    if (status == ASSAY_OK) {
        const int64_t share = cores / jobs;
        crew.threads = o->threads.given ? threads : share < 1 ? 1 : (int32_t)share;
        status = run_crew(&crew, jobs);
    }
    (void)pthread_mutex_destroy(&crew.lock);
    if (run->progress) {
        (void)fprintf(stderr, "\r\033[K");
    }
    run->all.count = tables * run->world->pair_count;
    return status;
}
