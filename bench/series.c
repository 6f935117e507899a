#include "bench/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gpu/sample.h"
#include "bench/sampler.h"

void assay_series_free(assay_series *series)
{
    free(series->sample);
    free(series->token);
    cJSON_Delete(series->samples);
    cJSON_Delete(series->answer);
    cJSON_Delete(series->work);
    cJSON_Delete(series->energy);
    cJSON_Delete(series->watched);
    cJSON_Delete(series->prepare);
    memset(series, 0, sizeof *series);
}

static bool make_room(assay_series *series, size_t more)
{
    if (series->count + more <= series->capacity) {
        return true;
    }
    const size_t capacity = 2 * (series->count + more);
    assay_sample *const sample = realloc(series->sample, capacity * sizeof *sample);
    if (sample == NULL) {
        return false;
    }
    series->sample = sample;
    series->capacity = capacity;
    return true;
}

static cJSON *list_of(cJSON *samples, const char *name)
{
    cJSON *const list = cJSON_GetObjectItemCaseSensitive(samples, name);
    return list != NULL ? list : cJSON_AddArrayToObject(samples, name);
}

/* Moves every element of from[name] to the samples. A peer need not give all lists. */
static void move_list(cJSON *answer, const char *name, cJSON *samples)
{
    cJSON *const from = cJSON_GetObjectItemCaseSensitive(answer, name);
    cJSON *const to = from != NULL && cJSON_IsArray(from) ? list_of(samples, name) : NULL;
    while (to != NULL && from->child != NULL) {
        (void)cJSON_AddItemToArray(to, cJSON_DetachItemViaPointer(from, from->child));
    }
}

void assay_series_tokens(assay_series *series, const cJSON *answer)
{
    const cJSON *const first = cJSON_GetObjectItemCaseSensitive(answer, "first_token_seconds");
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "token_seconds");
    const size_t more = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    double *const token =
        more > 0 ? realloc(series->token, (series->token_count + more) * sizeof *token) : NULL;
    if (token == NULL) {
        return;
    }
    series->token = token;
    series->first_token = cJSON_IsNumber(first) ? first->valuedouble : 0.0;
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        series->token[series->token_count++] = item->valuedouble;
    }
}

/* Tokens of the median one; the others' times are what makes them others. */
static void take_watched(assay_series *series, cJSON *answer)
{
    cJSON *const notes = cJSON_GetObjectItemCaseSensitive(answer, "watched");
    const int count = cJSON_IsArray(notes) ? cJSON_GetArraySize(notes) : 0;
    if (count == 0) {
        return;
    }
    series->watched = series->watched != NULL ? series->watched : cJSON_CreateArray();
    assay_series_tokens(series, cJSON_GetArrayItem(notes, (count - 1) / 2));
    while (notes->child != NULL && series->watched != NULL) {
        (void)cJSON_AddItemToArray(series->watched,
                                   cJSON_DetachItemViaPointer(notes, notes->child));
    }
}

static const cJSON *first_of(const cJSON *answer, const char *name)
{
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, name);
    return list != NULL ? list->child : NULL;
}

static const cJSON *next_of(const cJSON *item)
{
    return item != NULL ? item->next : NULL;
}

static double value_of(const cJSON *item)
{
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

assay_status assay_series_add(assay_series *series, int64_t process, cJSON *answer,
                              assay_error *error)
{
    const cJSON *const seconds = cJSON_GetObjectItemCaseSensitive(answer, "seconds");
    const size_t more = cJSON_IsArray(seconds) ? (size_t)cJSON_GetArraySize(seconds) : 0;
    series->samples = series->samples != NULL ? series->samples : cJSON_CreateObject();
    if (more == 0 || series->samples == NULL || !make_room(series, more)) {
        cJSON_Delete(answer);
        return more == 0 ? assay_fail(error, ASSAY_BAD_INPUT, "a timing process gave no samples")
                         : assay_fail(error, ASSAY_NO_MEMORY, "no memory for samples");
    }
    cJSON *const processes = list_of(series->samples, "process");
    /* a peer need not know these */
    const cJSON *mark = first_of(answer, "contaminated");
    const cJSON *share = first_of(answer, "core_share");
    const cJSON *switches = first_of(answer, "switches");
    const cJSON *steal = first_of(answer, "steal_seconds");
    for (const cJSON *item = seconds->child; item != NULL; item = item->next) {
        const double seconds_each = value_of(item);
        series->sample[series->count++] = (assay_sample){
            .seconds = seconds_each,
            .process = process,
            .disturbed = value_of(mark) > 0.0,
            .alone = assay_alone(seconds_each * (double)series->calls, value_of(switches),
                                 value_of(steal), value_of(share))};
        mark = next_of(mark);
        share = next_of(share);
        switches = next_of(switches);
        steal = next_of(steal);
        (void)cJSON_AddItemToArray(processes, cJSON_CreateNumber((double)process));
    }
    for (int i = 0; i < ASSAY_SAMPLE_LISTS; i++) {
        move_list(answer, assay_sample_list[i], series->samples);
    }
    for (int i = 0; i < ASSAY_GPU_LISTS; i++) {
        move_list(answer, assay_gpu_list[i], series->samples);
    }
    take_watched(series, answer);
    cJSON_Delete(series->answer);
    series->answer = answer;
    return ASSAY_OK;
}
