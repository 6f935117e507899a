/* A series as the results' form has it: summary, rates, floor. */
#include <stdlib.h>
#include <string.h>

#include "bench/gpu/probe.h"
#include "bench/parts.h"
#include "bench/series.h"
#include "bench/statistics/summary.h"
#include "fixtures/io/json_file.h"
#include "verify/result_json.h"

/* A time this much under its floor is not believed (METHOD B.7). */
static const double floor_slack = 1.1;

static double work_of(const assay_series *series, const char *name)
{
    return assay_json_number_or(series->work, name, 0.0);
}

static assay_floor floor_of(const assay_timing_key *key, const cJSON *work,
                            const assay_ceilings *ceilings, const char *bytes)
{
    const double read = assay_json_number_or(work, bytes, 0.0);
    const double written = assay_json_number_or(work, "bytes_written", 0.0);
    const assay_floor_work floor_work = {
        .flops = assay_json_number_or(work, "flops", 0.0),
        .bytes_read = read,
        .bytes_written = written,
        .multiply = key->kernel != NULL ? key->kernel->precision.multiply : ASSAY_F32,
        .threads = key->threads,
        .level = key->cold ? ASSAY_LEVEL_DRAM : assay_level_for(read + written, key->threads)};
    if (key->kernel != NULL && key->kernel->space != ASSAY_HOST) {
        const bool judges = strcmp(bytes, "declared_bytes_read") == 0;
        return assay_gpu_floor(ceilings, &floor_work, !key->cold, !judges);
    }
    return assay_floor_of(ceilings, &floor_work);
}

bool assay_time_impossible(const assay_timing_key *key, const cJSON *work, double seconds,
                           const assay_ceilings *ceilings)
{
    return seconds * floor_slack <
           floor_of(key, work, ceilings, "declared_bytes_read").seconds;
}

typedef struct series_summary {
    size_t used;  /* samples that the rest is of, bench/statistics/undisturbed.h */
    double alone; /* the least part of their times that the kernel takes alone */
    assay_summary all;
    assay_grouped grouped;
} series_summary;

static bool summarise(const assay_series *series, series_summary *s)
{
    assay_error ignored;
    assay_sample *const sample = malloc(series->count * sizeof *sample + 1);
    double *const seconds = malloc(series->count * sizeof *seconds + 1);
    int64_t *const process = malloc(series->count * sizeof *process + 1);
    bool good = sample != NULL && seconds != NULL && process != NULL;
    if (good) {
        memcpy(sample, series->sample, series->count * sizeof *sample);
        s->used = assay_undisturbed(sample, series->count, &s->alone);
        for (size_t i = 0; i < s->used; i++) {
            seconds[i] = sample[i].seconds;
            process[i] = sample[i].process;
        }
        good = assay_summarise(seconds, s->used, ASSAY_CONFIDENCE, &s->all, &ignored) ==
                   ASSAY_OK &&
               assay_summarise_grouped(seconds, process, s->used, ASSAY_CONFIDENCE, &s->grouped,
                                       &ignored) == ASSAY_OK;
        s->grouped.low *= s->alone;
    }
    free(sample);
    free(seconds);
    free(process);
    return good;
}

bool assay_series_impossible(const assay_series *series, const assay_ceilings *ceilings)
{
    series_summary s;
    return summarise(series, &s) &&
           assay_time_impossible(&series->key, series->work, s.grouped.median, ceilings);
}

static void add_summary(const assay_series *series, const series_summary *s, cJSON *timing)
{
    cJSON *const summary = cJSON_AddObjectToObject(timing, "summary");
    cJSON *const seconds = cJSON_AddObjectToObject(summary, "seconds");
    double contaminated = 0.0;
    for (size_t i = 0; i < series->count; i++) {
        contaminated += series->sample[i].disturbed;
    }
    const struct {
        cJSON *object;
        const char *key;
        double value;
    } numbers[] = {{seconds, "value", s->grouped.median},
                   {seconds, "low", s->grouped.low},
                   {seconds, "high", s->grouped.high},
                   {summary, "mode_seconds", s->all.mode},
                   {summary, "p99_seconds", s->all.p99},
                   {summary, "dispersion", s->all.dispersion},
                   {summary, "between_processes", s->grouped.between},
                   {summary, "count", (double)series->count},
                   {summary, "used", (double)s->used},
                   {summary, "processes", (double)s->grouped.processes},
                   {summary, "contaminated", contaminated},
                   {summary, "alone", s->alone}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assay_json_add_number(numbers[i].object, numbers[i].key, numbers[i].value);
    }
}

static void add_tokens(const assay_series *series, cJSON *metrics)
{
    assay_summary tokens;
    assay_error ignored;
    if (series->token_count == 0 ||
        assay_summarise(series->token, series->token_count, ASSAY_CONFIDENCE, &tokens, &ignored) !=
            ASSAY_OK) {
        return;
    }
    assay_json_add_number(metrics, "first_token_seconds", series->first_token);
    assay_json_add_number(metrics, "token_p50_seconds", tokens.median);
    assay_json_add_number(metrics, "token_p99_seconds", tokens.p99);
}

/* Of a call; on a device by the counter where it has one. 0: not known. */
static double joules_of(const assay_series *series)
{
    const double calls = assay_json_number_or(series->energy, "calls", 0.0);
    const double power = assay_json_number_or(series->energy, "power_joules", 0.0);
    if (calls > 0.0) {
        return assay_json_number_or(series->energy, "counter_joules", power) / calls;
    }
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(series->samples, "joules");
    double sum = 0.0;
    double count = 0.0;
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        if (cJSON_IsNumber(item)) {
            sum += item->valuedouble;
            count += 1.0;
        }
    }
    return count > 0.0 ? sum / count / (double)series->calls : 0.0;
}

static void add_metrics(const assay_series *series, double median, cJSON *timing)
{
    static const struct {
        const char *name, *work;
        double scale;
    } rates[] = {{"rows_per_second", "rows", 1.0},
                 {"tokens_per_second", "tokens", 1.0},
                 {"explanations_per_second", "explanations", 1.0},
                 {"gigaflops_per_second", "flops", 1e-9}};
    cJSON *const metrics = cJSON_AddObjectToObject(timing, "metrics");
    for (size_t i = 0; i < sizeof rates / sizeof *rates && median > 0.0; i++) {
        const double work = work_of(series, rates[i].work);
        if (work > 0.0) {
            assay_json_add_number(metrics, rates[i].name, work * rates[i].scale / median);
        }
    }
    const double bytes = work_of(series, "bytes_read") + work_of(series, "bytes_written");
    if (median > 0.0 && bytes > 0.0) {
        assay_json_add_number(metrics, "gigabytes_per_second", bytes * 1e-9 / median);
    }
    const double joules = joules_of(series);
    if (joules > 0.0 && work_of(series, "rows") > 0.0) {
        assay_json_add_number(metrics, "joules_per_row", joules / work_of(series, "rows"));
    }
    if (joules > 0.0 && work_of(series, "tokens") > 0.0) {
        assay_json_add_number(metrics, "joules_per_token", joules / work_of(series, "tokens"));
    }
    add_tokens(series, metrics);
}

static void add_key(const assay_series *series, uint64_t seed, cJSON *timing)
{
    const assay_timing_key *const key = &series->key;
    char text[32];
    (void)cJSON_AddStringToObject(timing, "op", assay_op_name(key->entry->op));
    (void)cJSON_AddStringToObject(timing, "impl", key->impl);
    if (key->kernel != NULL) {
        (void)cJSON_AddStringToObject(timing, "backend", key->kernel->backend);
        (void)cJSON_AddStringToObject(timing, "precision",
                                      assay_dtype_name(key->kernel->precision.multiply ==
                                                               ASSAY_NONE
                                                           ? key->kernel->precision.output
                                                           : key->kernel->precision.multiply));
    }
    (void)cJSON_AddStringToObject(timing, "case", key->entry->id);
    (void)cJSON_AddStringToObject(timing, "system", key->entry->system);
    (void)cJSON_AddNumberToObject(timing, "batch", (double)key->batch);
    (void)cJSON_AddStringToObject(timing, "cache", key->cold ? "cold" : "warm");
    (void)cJSON_AddNumberToObject(timing, "threads", key->threads);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    (void)cJSON_AddStringToObject(timing, "seed", text);
    const cJSON *const shape = cJSON_GetObjectItemCaseSensitive(key->entry->json, "shape");
    const cJSON *const model = cJSON_GetObjectItemCaseSensitive(key->entry->json, "model");
    if (shape != NULL || model != NULL) {
        (void)cJSON_AddItemToObject(timing, "shape",
                                    cJSON_Duplicate(shape != NULL ? shape : model, true));
    }
}

static void add_verdict(const assay_series *series, cJSON *timing)
{
    const assay_result *const verdict = &series->verdict;
    (void)cJSON_AddStringToObject(timing, "verdict", assay_verdict_name(verdict->verdict));
    assay_json_add_number(timing, "budget_used", verdict->budget_used);
    assay_json_add_number(timing, "rel_l2", verdict->rel_l2);
    assay_json_add_number(timing, "max_abs", verdict->max_abs);
    (void)cJSON_AddNumberToObject(timing, "outputs_checked", (double)series->checked);
    if (verdict->verdict != ASSAY_PASS) {
        (void)cJSON_AddStringToObject(timing, "message", verdict->message);
    }
}

static void add_circumstances(const assay_series *series, cJSON *timing)
{
    static const char *const answered[] = {"peak_bytes", "page_bytes", "empty_call_seconds"};
    cJSON *const stop = cJSON_AddObjectToObject(timing, "stop");
    (void)cJSON_AddItemToObject(timing, "prepare_seconds", cJSON_Duplicate(series->prepare, true));
    (void)cJSON_AddNumberToObject(timing, "packed_bytes", series->opened_bytes);
    (void)cJSON_AddNumberToObject(timing, "workspace_bytes", series->workspace_bytes);
    for (size_t i = 0; i < sizeof answered / sizeof *answered; i++) {
        const cJSON *const item = cJSON_GetObjectItemCaseSensitive(series->answer, answered[i]);
        if (cJSON_IsNumber(item)) {
            (void)cJSON_AddNumberToObject(timing, answered[i], item->valuedouble);
        }
    }
    const cJSON *const gpu = cJSON_GetObjectItemCaseSensitive(series->answer, "gpu");
    if (gpu != NULL) {
        (void)cJSON_AddItemToObject(timing, "gpu", cJSON_Duplicate(gpu, true));
    }
    if (series->energy != NULL) {
        (void)cJSON_AddItemToObject(timing, "energy", cJSON_Duplicate(series->energy, true));
    }
    (void)cJSON_AddNumberToObject(timing, "calls_per_sample", (double)series->calls);
    (void)cJSON_AddStringToObject(stop, "rule", assay_stop_name(series->stop.rule.kind));
    (void)cJSON_AddNumberToObject(stop, "target", series->stop.rule.target);
    (void)cJSON_AddBoolToObject(stop, "reached", series->stop.reached);
    (void)cJSON_AddNumberToObject(stop, "seconds", series->spent);
}

/* The samples without the lists of what this machine cannot count (energy, on most virtual
 * ones). */
static void add_samples(const assay_series *series, cJSON *timing)
{
    cJSON *const samples = cJSON_Duplicate(series->samples, true);
    for (cJSON *list = samples != NULL ? samples->child : NULL; list != NULL;) {
        cJSON *const next = list->next;
        const cJSON *item = list->child;
        while (item != NULL && cJSON_IsNumber(item)) {
            item = item->next;
        }
        if (item != NULL) {
            cJSON_Delete(cJSON_DetachItemViaPointer(samples, list));
        }
        list = next;
    }
    (void)cJSON_AddItemToObject(timing, "samples", samples);
}

cJSON *assay_series_timing(const assay_series *series, const assay_ceilings *ceilings,
                           uint64_t seed)
{
    series_summary s;
    if (series->count == 0 || !summarise(series, &s)) {
        return NULL;
    }
    const double median = s.grouped.median;
    cJSON *const timing = cJSON_CreateObject();
    const assay_floor floor = floor_of(&series->key, series->work, ceilings, "bytes_read");
    add_key(series, seed, timing);
    add_verdict(series, timing);
    add_circumstances(series, timing);
    add_summary(series, &s, timing);
    add_metrics(series, median, timing);
    if (floor.seconds > 0.0 && median > 0.0) {
        cJSON *const object = cJSON_AddObjectToObject(timing, "floor");
        assay_json_add_number(object, "seconds", floor.seconds);
        assay_json_add_number(object, "fraction", floor.seconds / median);
        (void)cJSON_AddStringToObject(object, "bound", floor.bound);
    }
    (void)cJSON_AddBoolToObject(timing, "impossible", assay_series_impossible(series, ceilings));
    (void)cJSON_AddItemToObject(timing, "work", cJSON_Duplicate(series->work, true));
    cJSON *const parts = assay_parts_at(series->watched, median);
    if (parts != NULL) {
        (void)cJSON_AddItemToObject(timing, "parts", parts);
    }
    add_samples(series, timing);
    return timing;
}
