/* The threads of a campaign. */
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "verify/campaign_parts.h"

enum { JOBS_MAX = 64 };

/* What the threads share. */
typedef struct crew {
    assay_campaign *campaign;
    assay_journal *journal;
    assay_report *report;
    size_t *item_of; /* of every result in the report */
    size_t room;
    pthread_mutex_t lock;
    size_t next; /* the next case to be judged */
    assay_status status;
    assay_error *error;
    int32_t threads; /* OpenMP threads of each */
} crew;

typedef struct worker {
    crew *crew;
    size_t item; /* the case at hand */
    assay_session *session[ASSAY_PLUGINS_MAX + 1];
    assay_session **of_table;
    assay_checkpoints **checkpoints; /* of each bundle, opened when first needed */
} worker;

/* Under the lock: the result to the journal and to the report. */
static assay_status publish(crew *c, size_t item, const assay_result *result, assay_error *error)
{
    if (c->report->count >= c->room) {
        const size_t room = c->room == 0 ? 1024 : 2 * c->room;
        size_t *const grown = realloc(c->item_of, room * sizeof *grown);
        if (grown == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for results");
        }
        c->item_of = grown;
        c->room = room;
    }
    c->item_of[c->report->count] = item;
    const assay_sink sink = assay_report_sink(c->report);
    return sink.result(sink.context, result, error);
}

static assay_status take_result(void *context, const assay_result *result, assay_error *error)
{
    const worker *const w = context;
    crew *const c = w->crew;
    assay_status status =
        c->journal != NULL ? assay_journal_append(c->journal, result, error) : ASSAY_OK;
    (void)pthread_mutex_lock(&c->lock);
    status = status == ASSAY_OK ? publish(c, w->item, result, error) : status;
    (void)pthread_mutex_unlock(&c->lock);
    return status;
}

static bool was_judged(void *context, const char *source, const char *case_id, const char *impl)
{
    const worker *const w = context;
    crew *const c = w->crew;
    assay_error ignored;
    const assay_result *const kept = assay_journal_find(c->journal, source, case_id, impl);
    if (kept != NULL) {
        (void)pthread_mutex_lock(&c->lock);
        (void)publish(c, w->item, kept, &ignored);
        (void)pthread_mutex_unlock(&c->lock);
    }
    return kept != NULL;
}

static assay_status open_worker(worker *w, assay_error *error)
{
    const assay_campaign *const campaign = w->crew->campaign;
    assay_session_options options = campaign->options.session;
    assay_status status = ASSAY_OK;
    if (options.threads == 0) {
        /* two at least: a race needs two */
        options.threads = w->crew->threads > 1 ? w->crew->threads : 2;
    }
    w->of_table = calloc(campaign->table_count + 1, sizeof *w->of_table);
    w->checkpoints = calloc(campaign->bundle_count + 1, sizeof *w->checkpoints);
    if (w->of_table == NULL || w->checkpoints == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for sessions");
    }
    for (size_t i = 0; i <= campaign->options.plugin_count && status == ASSAY_OK; i++) {
        options.plugin = i == 0 ? NULL : campaign->options.plugin[i - 1];
        status = assay_session_open(&options, &w->session[i], error);
    }
    for (size_t t = 0; t < campaign->table_count; t++) {
        w->of_table[t] = w->session[campaign->source[t]];
    }
    return status;
}

static void close_worker(worker *w)
{
    const assay_campaign *const campaign = w->crew->campaign;
    for (size_t i = 0; i <= campaign->options.plugin_count; i++) {
        assay_session_close(&w->session[i]);
    }
    for (size_t i = 0; w->checkpoints != NULL && i < campaign->bundle_count; i++) {
        assay_checkpoints_close(&w->checkpoints[i]);
    }
    free(w->of_table);
    free(w->checkpoints);
}

static assay_status judge_item(worker *w, const assay_campaign_item *item, assay_error *error)
{
    const assay_campaign *const campaign = w->crew->campaign;
    const assay_verify_run run = {.tables = campaign->tables,
                                  .table_count = campaign->table_count,
                                  .sessions = w->of_table,
                                  .keep = campaign->options.keep,
                                  .cases = item->cases,
                                  .host = campaign->host,
                                  .seed = campaign->options.seed,
                                  .sink = {w, take_result},
                                  .judged = w->crew->journal != NULL ? was_judged : NULL,
                                  .judged_context = w};
    if (item->entry != NULL) {
        return assay_generated_judge_entry(item->entry, &run, error);
    }
    assay_campaign_bundle *const bundle = campaign->bundle[item->bundle];
    assay_checkpoints **const checkpoints = &w->checkpoints[item->bundle];
    if (*checkpoints == NULL) {
        const assay_status status = assay_checkpoints_open(
            &bundle->bundle, &campaign->options.overrides, checkpoints, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    const assay_case_context context = {.run = &run,
                                        .bundle = &bundle->bundle,
                                        .checkpoints = *checkpoints,
                                        .scales = bundle->scales,
                                        .c = item->bundle_case,
                                        .selected = bundle->selected};
    return assay_case_judge(&context, error);
}

/* The next case's number, or SIZE_MAX at the end or after an error. */
static size_t next_item(crew *c)
{
    (void)pthread_mutex_lock(&c->lock);
    const bool more = c->status == ASSAY_OK && c->next < c->campaign->item_count;
    const size_t item = more ? c->next++ : SIZE_MAX;
    (void)pthread_mutex_unlock(&c->lock);
    return item;
}

static void *work(void *opaque)
{
    worker *const w = opaque;
    crew *const c = w->crew;
    assay_error error = {.message = "no reason was given"};
    omp_set_num_threads(c->threads);
    assay_status status = open_worker(w, &error);
    while (status == ASSAY_OK && (w->item = next_item(c)) != SIZE_MAX) {
        status = judge_item(w, &c->campaign->item[w->item], &error);
    }
    if (status != ASSAY_OK) {
        (void)pthread_mutex_lock(&c->lock);
        if (c->status == ASSAY_OK) {
            c->status = status;
            *c->error = error;
        }
        (void)pthread_mutex_unlock(&c->lock);
    }
    close_worker(w);
    return NULL;
}

static int32_t jobs_of(const assay_campaign *campaign)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const int32_t cores = online < 1 ? 1 : online < JOBS_MAX ? (int32_t)online : JOBS_MAX;
    /* What is quick waits for its worker half of the time. */
    const int32_t usual = campaign->options.filter.quick ? cores + (cores + 1) / 2 : cores;
    int32_t jobs = campaign->options.jobs > 0 ? campaign->options.jobs : usual;
    jobs = jobs > JOBS_MAX ? JOBS_MAX : jobs;
    jobs = campaign->options.session.in_process ? 1 : jobs;
    const size_t items = campaign->item_count;
    return items > 0 && (size_t)jobs > items ? (int32_t)items : jobs;
}

assay_status assay_campaign_run(assay_campaign *campaign, assay_journal *journal,
                                assay_report *report, assay_error *error)
{
    crew c = {.campaign = campaign, .journal = journal, .report = report, .error = error};
    pthread_t thread[JOBS_MAX];
    worker workers[JOBS_MAX];
    const int32_t jobs = jobs_of(campaign);
    const int32_t all = omp_get_max_threads();
    c.threads = all / jobs > 0 ? all / jobs : 1;
    report->expected = campaign->item_count;
    (void)pthread_mutex_init(&c.lock, NULL);
    int32_t started = 0;
    for (int32_t i = 0; i < jobs; i++) {
        workers[i] = (worker){.crew = &c};
        if (pthread_create(&thread[i], NULL, work, &workers[i]) != 0) {
            break;
        }
        started++;
    }
    if (started == 0) {
        c.status = assay_fail(error, ASSAY_NO_MEMORY, "no thread could be started");
    }
    for (int32_t i = 0; i < started; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    (void)pthread_mutex_destroy(&c.lock);
    if (c.item_of != NULL) {
        assay_report_sort(report, c.item_of);
    }
    free(c.item_of);
    return c.status;
}
