#include "bench/measure.h"

#include <stdlib.h>

#include "bench/clock.h"
#include "bench/measure_parts.h"
#include "bench/peer_link.h"
#include "bench/stage_case.h"

/* A case that takes longer to open is opened once. */
static const double open_quickly = 1.0;

bool assay_batch_wanted(const assay_measure *m, size_t i)
{
    const assay_measure_options *const o = m->options;
    for (size_t k = 0; k < o->batch_count; k++) {
        if (o->batch[k] == m->entry->batch[i]) {
            return true;
        }
    }
    return o->batch_count == 0 && (o->full || !m->entry->full[i]);
}

assay_timing_key assay_measure_key(const assay_measure *m, int64_t batch, bool cold)
{
    return (assay_timing_key){.entry = m->entry,
                              .kernel = m->kernel,
                              .impl = m->table->name,
                              .batch = batch,
                              .cold = cold,
                              .threads = m->options->threads};
}

static assay_status plan(assay_measuring *now, assay_error *error)
{
    const assay_measure *const m = now->m;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < m->entry->batch_count && status == ASSAY_OK; i++) {
        if (!assay_batch_wanted(m, i)) {
            continue;
        }
        assay_batch_run run = {.batch = m->entry->batch[i]};
        for (int c = 0; c < ASSAY_CACHES; c++) {
            const bool cold = c == 0;
            const assay_timing_key key = assay_measure_key(m, run.batch, cold);
            run.series[c].key = key;
            run.wanted[c] = (cold ? m->options->cold : m->options->warm) &&
                            !m->sink.known(m->sink.context, &key);
        }
        if (!run.wanted[0] && !run.wanted[1]) {
            continue;
        }
        run.json = assay_bench_case_at(m->entry, run.batch);
        now->run[now->count++] = run;
        if (run.json == NULL) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for a case");
        } else if (m->entry->stage) {
            status = assay_stage_case_settle(run.json, error);
        }
    }
    return status;
}

static assay_status leave_out(assay_measuring *now, size_t from, const char *reason,
                              assay_error *error)
{
    const assay_measure *const m = now->m;
    assay_status status = ASSAY_OK;
    for (size_t i = from; i < now->count; i++) {
        assay_batch_run *const run = &now->run[i];
        for (int c = 0; c < ASSAY_CACHES && status == ASSAY_OK && !run->left_out; c++) {
            if (run->wanted[c] && run->series[c].count == 0) {
                status = m->sink.skipped(m->sink.context, &run->series[c].key, reason, error);
            }
        }
        run->left_out = true;
    }
    return status;
}

/* For what became of the process. */
static assay_status leave_out_by_fate(assay_measuring *now, size_t from,
                                      const assay_child_fate *fate, assay_error *error)
{
    char reason[ASSAY_MESSAGE_MAX + 16];
    const bool skip = fate->verdict == ASSAY_SKIP;
    (void)snprintf(reason, sizeof reason, "%s%s%s", skip ? "" : assay_verdict_name(fate->verdict),
                   skip ? "" : ": ", fate->message);
    return leave_out(now, from, reason, error);
}

/* The kernel must PASS before it is timed: the judgement of `assay verify` on the smallest
 * batch. */
static assay_status judge_before(assay_measuring *now, bool *good, assay_error *error)
{
    const assay_measure *const m = now->m;
    assay_result result = {.verdict = ASSAY_PASS};
    *good = true;
    if (m->entry->stage || m->session == NULL || m->peer != NULL) {
        return ASSAY_OK;
    }
    const assay_judge judge = {.session = m->session, .impl = m->table->name, .kernel = m->kernel,
                               .seed = m->options->seed};
    const assay_status status =
        assay_check_kernel(m->check, now->run[0].json, &judge, &result, error);
    if (status != ASSAY_OK || result.verdict == ASSAY_PASS) {
        return status;
    }
    char reason[ASSAY_MESSAGE_MAX];
    *good = false;
    (void)snprintf(reason, sizeof reason, "%s before timing: %.900s",
                   assay_verdict_name(result.verdict), result.message);
    return leave_out(now, 0, reason, error);
}

static assay_status open_process(assay_measuring *now, double *opened, assay_child_fate *fate,
                                 assay_error *error)
{
    cJSON *answer = NULL;
    const double start = assay_clock_now();
    const assay_status status = assay_measure_start(now->m, &now->child, error);
    if (status != ASSAY_OK) {
        return status;
    }
    *fate = assay_child_ask(&now->child, assay_request_open(now->m, now->run[0].json),
                            now->m->options->deadline, &answer);
    *opened = assay_clock_now() - start;
    for (size_t i = 0; i < now->count && answer != NULL; i++) {
        for (int c = 0; c < ASSAY_CACHES; c++) {
            assay_series *const series = &now->run[i].series[c];
            series->prepare = series->prepare != NULL ? series->prepare : cJSON_CreateArray();
            (void)cJSON_AddItemToArray(
                series->prepare,
                cJSON_CreateNumber(assay_answer_number(answer, "prepare_seconds", 0.0)));
            series->opened_bytes = assay_answer_number(answer, "opened_bytes", 0.0);
            series->key.threads = (int32_t)assay_answer_number(answer, "threads", 1.0);
        }
    }
    cJSON_Delete(answer);
    return ASSAY_OK;
}

static void take_batch(assay_batch_run *run, cJSON *answer)
{
    for (int c = 0; c < ASSAY_CACHES; c++) {
        assay_series *const series = &run->series[c];
        cJSON_Delete(series->work);
        series->work = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(answer, "work"), true);
        series->workspace_bytes = assay_answer_number(answer, "workspace_bytes", 0.0);
    }
}

/* Once a timing, of what counts. */
static bool wants_energy(const assay_measure *m, const assay_series *warm)
{
    return m->options->energy && m->peer == NULL && m->kernel != NULL &&
           m->kernel->space != ASSAY_HOST && warm->energy == NULL && warm->count > 0 &&
           warm->verdict.verdict == ASSAY_PASS;
}

/* One batch size in the open process; *seconds becomes what its call takes. False in *alive: the
 * process is gone. */
static assay_status measure_batch(assay_measuring *now, assay_batch_run *run, double *seconds,
                                  bool *alive, assay_error *error)
{
    const assay_measure *const m = now->m;
    cJSON *answer = NULL;
    const size_t index = (size_t)(run - now->run);
    const assay_child_fate fate = assay_child_ask(&now->child, assay_request_batch(run->json),
                                                  m->options->deadline, &answer);
    if (fate.verdict != ASSAY_PASS) {
        *alive = fate.verdict == ASSAY_SKIP || fate.verdict == ASSAY_FAIL;
        return leave_out_by_fate(now, index, &fate, error);
    }
    *seconds = assay_answer_number(answer, "first_call_seconds", 0.0);
    take_batch(run, answer);
    cJSON_Delete(answer);
    if (*seconds > m->options->longest) {
        char reason[128];
        (void)snprintf(reason, sizeof reason, "one call takes %.2g s, more than --longest %.3g",
                       *seconds, m->options->longest);
        return leave_out(now, index, reason, error);
    }
    assay_status status = ASSAY_OK;
    for (int c = 0; c < ASSAY_CACHES && status == ASSAY_OK && *alive; c++) {
        if (run->wanted[c]) {
            status = assay_measure_series(now, run, c == 0, *seconds, error);
            const assay_verdict verdict = run->series[c].verdict.verdict;
            *alive = verdict != ASSAY_CRASH && verdict != ASSAY_TIMEOUT;
        }
    }
    assay_series *const warm = &run->series[1];
    if (status == ASSAY_OK && *alive && wants_energy(m, warm)) {
        status = assay_measure_energy(now, warm, error);
    }
    if (status == ASSAY_OK && *alive && m->entry->stage && m->peer != NULL) {
        assay_measure_tokens(now, run);
    }
    return status;
}

/* All batch sizes in one fresh process. */
static assay_status measure_process(assay_measuring *now, double *opened, bool *go_on,
                                    assay_error *error)
{
    const assay_measure *const m = now->m;
    assay_child_fate fate;
    double seconds = 0.0;
    int64_t last = 0;
    bool alive = true;
    assay_status status = open_process(now, opened, &fate, error);
    if (status == ASSAY_OK && fate.verdict != ASSAY_PASS) {
        *go_on = false;
        status = leave_out_by_fate(now, 0, &fate, error);
    }
    for (size_t i = 0; i < now->count && status == ASSAY_OK && *go_on && alive; i++) {
        assay_batch_run *const run = &now->run[i];
        if (run->left_out) {
            continue;
        }
        /* A call takes at least as long as that of a smaller batch. */
        if (last > 0 && seconds > m->options->longest) {
            status = leave_out(now, i, "a smaller batch takes longer than --longest", error);
            break;
        }
        status = measure_batch(now, run, &seconds, &alive, error);
        last = run->batch;
    }
    assay_child_end(&now->child);
    *go_on = *go_on && alive;
    return status;
}

static assay_status measure_all(assay_measuring *now, assay_error *error)
{
    const int64_t processes = now->m->options->processes;
    bool go_on = true;
    assay_status status = judge_before(now, &go_on, error);
    now->share = 1.0 / (double)processes;
    /* One process more where a time was impossible in all of them: it must persist. */
    for (int64_t most = processes; now->process < most && go_on && status == ASSAY_OK;) {
        double opened = 0.0;
        status = measure_process(now, &opened, &go_on, error);
        now->process++;
        most = opened > open_quickly ? now->process : most;
        most += now->process == most && most <= processes && go_on && assay_measure_impossible(now);
    }
    return status == ASSAY_OK ? assay_measure_give(now, error) : status;
}

assay_status assay_measure_run(const assay_measure *measure, assay_error *error)
{
    assay_measuring *const now = calloc(1, sizeof *now);
    if (now == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a timing");
    }
    now->m = measure;
    assay_status status = plan(now, error);
    if (status == ASSAY_OK && now->count > 0) {
        status = measure_all(now, error);
    }
    for (size_t i = 0; i < now->count; i++) {
        for (int c = 0; c < ASSAY_CACHES; c++) {
            assay_series_free(&now->run[i].series[c]);
        }
        cJSON_Delete(now->run[i].json);
    }
    free(now);
    return status;
}
