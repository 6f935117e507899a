#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/philox.h"
#include "bench/clock.h"
#include "bench/issue.h"
#include "bench/measure_parts.h"
#include "bench/patience.h"
#include "bench/stage_check.h"

/* A warm sample lasts at least this long: a thousand times a reading of the clock, and long enough
 * for a switch of threads to show. */
static const double sample_least = 100e-6;
/* One request asks for about this much time, so that the stopping rule is asked often enough. */
static const double chunk_seconds = 0.15;
/* What lies between samples (inputs made anew, caches displaced) is not known before the first
 * ones: so many are asked for at most. */
enum { FIRST_CHUNK = 4 };
enum { CHUNK_MOST = 200, CALLS_MOST = 1 << 24, TOKEN_RUNS = 3 };

double assay_answer_number(const cJSON *answer, const char *key, double missing)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(answer, key);
    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

size_t assay_calls_for(double call_seconds, bool cold)
{
    const double calls = call_seconds > 0.0 ? sample_least / call_seconds : CALLS_MOST;
    return cold || calls <= 1.0 ? 1 : calls < CALLS_MOST ? (size_t)ceil(calls) : CALLS_MOST;
}

static assay_status take_fate(assay_series *series, const assay_child_fate *fate)
{
    series->verdict.verdict = fate->verdict;
    (void)snprintf(series->verdict.message, sizeof series->verdict.message, "%s", fate->message);
    return ASSAY_OK;
}

assay_status assay_measure_judge(const assay_measure *m, const cJSON *json, const cJSON *answer,
                                 int output, bool *judged, assay_result *result,
                                 assay_error *error)
{
    const cJSON *const seed = cJSON_GetObjectItemCaseSensitive(answer, "kept_seed");
    const cJSON *const outputs = cJSON_GetObjectItemCaseSensitive(answer, "outputs");
    *result = (assay_result){.verdict = ASSAY_PASS};
    *judged = cJSON_IsString(seed);
    if (!*judged) {
        return ASSAY_OK;
    }
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(answer, "rewritten"))) {
        result->verdict = ASSAY_FAIL;
        (void)snprintf(result->message, sizeof result->message,
                       "called again with the same inputs, it left outputs unwritten: work that "
                       "was timed must be done");
        return ASSAY_OK;
    }
    const uint64_t made_from = strtoull(seed->valuestring, NULL, 10);
    const assay_status status =
        m->entry->stage
            ? assay_check_stage(json, m->table, made_from, outputs, output, judged, result, error)
            : assay_check_outputs(m->check, json, m->kernel, made_from, outputs, output, result,
                                  error);
    if (status != ASSAY_BAD_INPUT || m->peer == NULL) {
        return status;
    }
    /* Outputs of another form from a child that is not ours: its fault, and the rest goes on. */
    result->verdict = ASSAY_FAIL;
    (void)snprintf(result->message, sizeof result->message, "%s", error->message);
    return ASSAY_OK;
}

/* Outputs that a call left are judged; the first judgement that is not PASS stays. */
static assay_status judge(assay_measuring *now, const assay_batch_run *run, assay_series *series,
                          const cJSON *answer, assay_error *error)
{
    assay_result result;
    bool judged = false;
    const assay_status status = assay_measure_judge(now->m, run->json, answer, now->child.output,
                                                    &judged, &result, error);
    if (status != ASSAY_OK || !judged) {
        return status;
    }
    series->checked++;
    const bool worse = !(result.budget_used <= series->verdict.budget_used);
    if (result.verdict != ASSAY_PASS || worse || series->checked == 1) {
        series->verdict = result;
    }
    return ASSAY_OK;
}

static uint64_t next_seed(const assay_measuring *now, const assay_series *series)
{
    /* Every sample of every process has inputs of its own. */
    return now->m->options->seed * 1000003u + (uint64_t)now->process * 100000007u +
           (uint64_t)series->count * 64u + 2u;
}

/* Once a run: what the timings that follow do not carry. */
static void say_without_nvml(const cJSON *answer)
{
    static bool said;
    const cJSON *const gpu = cJSON_GetObjectItemCaseSensitive(answer, "gpu");
    const char *const why =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(gpu, "without_nvml"));
    if (why != NULL && !said) {
        said = true;
        (void)fprintf(stderr,
                      "assay bench: temperature, power, energy and throttle reasons of the GPU are "
                      "not recorded, and throttled samples known by their clock alone: %s\n", why);
    }
}

/* *worked becomes the seconds it took, waiting for cores of its own left out. */
static assay_status ask_samples(assay_measuring *now, assay_series *series, bool cold,
                                size_t samples, int64_t keep, cJSON **answer, double *worked)
{
    const double start = assay_clock_now();
    const double deadline = now->m->options->deadline;
    const assay_sample_request wanted = {.cold = cold,
                                         .patience = fmin(assay_patience(), 0.25 * deadline),
                                         .calls = series->calls,
                                         .samples = samples,
                                         .seed = next_seed(now, series),
                                         .keep = keep};
    const assay_child_fate fate =
        assay_child_ask(&now->child, assay_request_sample(&wanted), deadline, answer);
    if (fate.verdict != ASSAY_PASS) {
        return take_fate(series, &fate);
    }
    const double waited = assay_answer_number(*answer, "waited_seconds", 0.0);
    *worked = assay_clock_now() - start - waited;
    say_without_nvml(*answer);
    assay_patience_note(*worked, waited);
    if (now->m->peer == NULL) { /* what this process learnt of the cores, the next one knows */
        assay_issue_take_rates(cJSON_GetObjectItemCaseSensitive(*answer, "issue_rates"));
    }
    return ASSAY_OK;
}

/* A call before anything is timed: how long it takes, and in the first process whether its outputs
 * are right. */
static assay_status try_first(assay_measuring *now, assay_batch_run *run, assay_series *series,
                              bool cold, double *seconds, assay_error *error)
{
    cJSON *answer = NULL;
    double worked = 0.0;
    series->calls = 1;
    assay_status status = ask_samples(now, series, cold, 1, 0, &answer, &worked);
    if (status == ASSAY_OK && answer != NULL) {
        const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
        *seconds = list != NULL && cJSON_IsNumber(list->child) ? list->child->valuedouble : 0.0;
        if (series->checked == 0) {
            status = judge(now, run, series, answer, error);
        }
    }
    cJSON_Delete(answer);
    return status;
}

/* Samples of the next request: no more than the rule leaves after so many seconds. */
static size_t chunk_of(const assay_series *series, double sample_seconds, double spent)
{
    const assay_stop_rule *const rule = &series->stop.rule;
    const double count =
        rule->kind == ASSAY_STOP_COUNT ? rule->target - (double)series->count : CHUNK_MOST;
    const double seconds = rule->kind == ASSAY_STOP_TIME
                               ? fmin(chunk_seconds, rule->target - spent)
                               : chunk_seconds;
    const double fitting = sample_seconds > 0.0 ? seconds / sample_seconds : CHUNK_MOST;
    return (size_t)fmax(1.0, fmin(fmin(count, fitting), CHUNK_MOST));
}

static double random_share(const assay_measuring *now, const assay_series *series)
{
    const assay_philox_block drawn =
        assay_philox(now->m->options->seed, (uint64_t)now->process, series->count);
    return (double)drawn.word[0] * 0x1p-32;
}

/* Whether this process's samples, those from `from` on, are enough. An interval is asked for of
 * undisturbed ones; the rules of time and count take them as they come. */
static assay_status ask_rule(assay_stop_state *stop, const assay_series *series, size_t from,
                             double spent, assay_error *error)
{
    double *const seconds = malloc((series->count - from) * sizeof *seconds + 1);
    if (seconds == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for samples");
    }
    size_t count = 0;
    for (size_t i = from; i < series->count; i++) {
        const assay_sample *const sample = &series->sample[i];
        if (!sample->disturbed || stop->rule.kind != ASSAY_STOP_RELATIVE) {
            seconds[count++] = sample->seconds;
        }
    }
    const assay_status status = assay_stop_ask(stop, seconds, count, spent, error);
    free(seconds);
    return status;
}

/* Samples until the rule is met for this process's share. */
static assay_status sample_on(assay_measuring *now, assay_batch_run *run, assay_series *series,
                              bool cold, double seconds, assay_error *error)
{
    const size_t before = series->count;
    cJSON *kept = NULL;
    double spent = 0.0; /* waiting left out */
    double each = fmax(seconds * (double)series->calls, chunk_seconds / FIRST_CHUNK);
    assay_stop_state stop = assay_stop_begin(&series->stop.rule);
    assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && !stop.done) {
        const size_t chunk = chunk_of(series, each, spent);
        const double share = random_share(now, series);
        /* Which calls are looked at afterwards cannot be known to a kernel. */
        const bool keep = share < 0.5 || series->count == before;
        cJSON *answer = NULL;
        double worked = 0.0;
        status = ask_samples(now, series, cold, chunk,
                             keep ? (int64_t)(share * 2.0 * (double)chunk) % (int64_t)chunk : -1,
                             &answer, &worked);
        if (status != ASSAY_OK || answer == NULL) {
            break;
        }
        each = worked / (double)chunk;
        spent += worked;
        if (keep) {
            cJSON_Delete(kept);
            kept = cJSON_CreateObject();
            (void)cJSON_AddItemToObject(kept, "kept_seed",
                                        cJSON_DetachItemFromObject(answer, "kept_seed"));
            (void)cJSON_AddItemToObject(kept, "outputs",
                                        cJSON_DetachItemFromObject(answer, "outputs"));
            (void)cJSON_AddItemToObject(kept, "rewritten",
                                        cJSON_DetachItemFromObject(answer, "rewritten"));
        }
        status = assay_series_add(series, now->process, answer, error);
        if (status == ASSAY_OK) {
            status = ask_rule(&stop, series, before, spent, error);
        }
    }
    series->spent += spent;
    series->stop = stop;
    /* What a request that failed has left of the outputs is nobody's. */
    if (status == ASSAY_OK && kept != NULL && series->verdict.verdict == ASSAY_PASS) {
        status = judge(now, run, series, kept, error);
    }
    cJSON_Delete(kept);
    return status;
}

assay_status assay_measure_series(assay_measuring *now, assay_batch_run *run, bool cold,
                                  double call_seconds, assay_error *error)
{
    assay_series *const series = &run->series[cold ? 0 : 1];
    double seconds = call_seconds;
    series->stop.rule = now->m->options->stop;
    series->stop.rule.seconds_max *= now->share;
    if (series->stop.rule.kind == ASSAY_STOP_TIME) {
        series->stop.rule.target *= now->share;
    }
    assay_status status = try_first(now, run, series, cold, &seconds, error);
    if (status != ASSAY_OK || series->verdict.verdict != ASSAY_PASS) {
        return status;
    }
    series->calls = assay_calls_for(seconds, cold);
    return sample_on(now, run, series, cold, seconds, error);
}

void assay_measure_tokens(assay_measuring *now, assay_batch_run *run)
{
    assay_series *const series = &run->series[run->wanted[1] ? 1 : 0];
    for (int i = 0; i < TOKEN_RUNS; i++) {
        cJSON *answer = NULL;
        const assay_child_fate fate =
            assay_child_ask(&now->child, assay_request_parts(next_seed(now, series) + (uint64_t)i),
                            now->m->options->deadline, &answer);
        if (fate.verdict == ASSAY_PASS) {
            assay_series_tokens(series, answer);
        } else if (fate.verdict != ASSAY_SKIP) { /* a peer need not know its parts */
            series->verdict.verdict = fate.verdict;
        }
        cJSON_Delete(answer);
        if (fate.verdict != ASSAY_PASS) {
            break;
        }
    }
}
