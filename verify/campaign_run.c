/* The threads of a campaign. */
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>

#include "verify/campaign_parts.h"
#include "verify/crew.h"

/* What the threads share. */
typedef struct bench {
    assay_campaign *campaign;
    assay_journal *journal;
    assay_report *report;
    size_t *item_of; /* of every result in the report */
    size_t room;
    pthread_mutex_t lock;
    int32_t threads; /* OpenMP threads of each */
} bench;

typedef struct worker {
    bench *bench;
    size_t item; /* the case at hand */
    assay_session *session[ASSAY_PLUGINS_MAX + 1];
    assay_session **of_table;
    assay_checkpoints **checkpoints; /* of each bundle, opened when first needed */
} worker;

/* Under the lock: the result to the journal and to the report. */
static assay_status publish(bench *b, size_t item, const assay_result *result, assay_error *error)
{
    if (b->report->count >= b->room) {
        const size_t room = b->room == 0 ? 1024 : 2 * b->room;
        size_t *const grown = realloc(b->item_of, room * sizeof *grown);
        if (grown == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for results");
        }
        b->item_of = grown;
        b->room = room;
    }
    b->item_of[b->report->count] = item;
    const assay_sink sink = assay_report_sink(b->report);
    return sink.result(sink.context, result, error);
}

static assay_status take_result(void *context, const assay_result *result, assay_error *error)
{
    const worker *const w = context;
    bench *const b = w->bench;
    assay_status status =
        b->journal != NULL ? assay_journal_append(b->journal, result, error) : ASSAY_OK;
    (void)pthread_mutex_lock(&b->lock);
    status = status == ASSAY_OK ? publish(b, w->item, result, error) : status;
    (void)pthread_mutex_unlock(&b->lock);
    return status;
}

static bool was_judged(void *context, const char *source, const char *case_id, const char *impl)
{
    const worker *const w = context;
    bench *const b = w->bench;
    assay_error ignored;
    const assay_result *const kept = assay_journal_find(b->journal, source, case_id, impl);
    if (kept != NULL) {
        (void)pthread_mutex_lock(&b->lock);
        (void)publish(b, w->item, kept, &ignored);
        (void)pthread_mutex_unlock(&b->lock);
    }
    return kept != NULL;
}

static assay_status open_worker(void *context, void **own, assay_error *error)
{
    bench *const b = context;
    const assay_campaign *const campaign = b->campaign;
    assay_session_options options = campaign->options.session;
    assay_status status = ASSAY_OK;
    worker *const w = calloc(1, sizeof *w);
    if (w == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for sessions");
    }
    *own = w;
    w->bench = b;
    omp_set_num_threads(b->threads);
    if (options.threads == 0) {
        options.threads = b->threads > 1 ? b->threads : 2; /* two at least: a race needs two */
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

static void close_worker(void *context, void *own)
{
    const bench *const b = context;
    const assay_campaign *const campaign = b->campaign;
    worker *const w = own;
    for (size_t i = 0; w != NULL && i <= campaign->options.plugin_count; i++) {
        assay_session_close(&w->session[i]);
    }
    for (size_t i = 0; w != NULL && w->checkpoints != NULL && i < campaign->bundle_count; i++) {
        assay_checkpoints_close(&w->checkpoints[i]);
    }
    if (w != NULL) {
        free(w->of_table);
        free(w->checkpoints);
    }
    free(w);
}

static assay_status judge_item(void *context, void *own, size_t number, assay_error *error)
{
    const bench *const b = context;
    worker *const w = own;
    const assay_campaign *const campaign = b->campaign;
    const assay_campaign_item *const item = &campaign->item[number];
    const assay_verify_run run = {.tables = campaign->tables,
                                  .table_count = campaign->table_count,
                                  .sessions = w->of_table,
                                  .keep = campaign->options.keep,
                                  .cases = item->cases,
                                  .host = campaign->host,
                                  .spare_oracle = campaign->options.impl == NULL,
                                  .quick = campaign->options.filter.quick,
                                  .seed = campaign->options.seed,
                                  .sink = {w, take_result},
                                  .judged = b->journal != NULL ? was_judged : NULL,
                                  .judged_context = w};
    w->item = number;
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
    const assay_case_context judged = {.run = &run,
                                       .bundle = &bundle->bundle,
                                       .checkpoints = *checkpoints,
                                       .scales = bundle->scales,
                                       .c = item->bundle_case,
                                       .selected = bundle->selected};
    return assay_case_judge(&judged, error);
}

static int64_t jobs_of(const assay_campaign *campaign)
{
    const int64_t cores = assay_crew_cores();
    /* Who judges and who runs the kernel wait for each other, and the last cases for nobody. */
    const int64_t usual = cores + (cores + 1) / 2;
    const int64_t jobs = campaign->options.jobs > 0 ? campaign->options.jobs : usual;
    return campaign->options.session.in_process ? 1
                                                : assay_crew_size(jobs, campaign->item_count);
}

assay_status assay_campaign_run(assay_campaign *campaign, assay_journal *journal,
                                assay_report *report, assay_error *error)
{
    const int32_t jobs = (int32_t)jobs_of(campaign);
    const int32_t all = omp_get_max_threads();
    bench b = {.campaign = campaign,
               .journal = journal,
               .report = report,
               .threads = all / jobs > 0 ? all / jobs : 1};
    const assay_crew crew = {.items = campaign->item_count,
                             .jobs = jobs,
                             .context = &b,
                             .open = open_worker,
                             .close = close_worker,
                             .take = judge_item};
    report->expected = campaign->item_count;
    (void)pthread_mutex_init(&b.lock, NULL);
    const assay_status status = assay_crew_run(&crew, error);
    (void)pthread_mutex_destroy(&b.lock);
    if (b.item_of != NULL) {
        assay_report_sort(report, b.item_of);
    }
    free(b.item_of);
    return status;
}
