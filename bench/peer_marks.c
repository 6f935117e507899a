#include "bench/peer_marks.h"

#include <math.h>

#include "bench/counters.h"
#include "bench/gpu/gpu.h"
#include "bench/gpu/sample.h"

/* The list if it is one entry a sample, each a number or null; else it is dropped. */
static const cJSON *check_list(cJSON *answer, const char *name, int samples)
{
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, name);
    bool good = cJSON_IsArray(list) && cJSON_GetArraySize(list) == samples;
    for (const cJSON *item = good ? list->child : NULL; item != NULL; item = item->next) {
        good = good && (cJSON_IsNumber(item) || cJSON_IsNull(item));
    }
    if (!good) {
        cJSON_DeleteItemFromObjectCaseSensitive(answer, name);
    }
    return good ? list : NULL;
}

static const cJSON *first_of(const cJSON *list)
{
    return list != NULL ? list->child : NULL;
}

static const cJSON *next_of(const cJSON *item)
{
    return item != NULL ? item->next : NULL;
}

/* By the rule for processes of our own, as far as it counts what the rule needs. */
static void mark_by_host(int samples, double calls, double share, cJSON *answer)
{
    const cJSON *const switches = check_list(answer, "switches", samples);
    const cJSON *const steal = check_list(answer, "steal_seconds", samples);
    (void)check_list(answer, "megahertz", samples);
    (void)check_list(answer, "joules", samples);
    if (isnan(share) && (switches == NULL || steal == NULL)) {
        return;
    }
    cJSON *const marks = cJSON_AddArrayToObject(answer, "contaminated");
    cJSON *const shares = isnan(share) ? NULL : cJSON_AddArrayToObject(answer, "core_share");
    const cJSON *switched = first_of(switches);
    const cJSON *stolen = first_of(steal);
    for (const cJSON *second = cJSON_GetObjectItemCaseSensitive(answer, "seconds")->child;
         second != NULL; second = second->next) {
        const bool marked = assay_contaminated(
            second->valuedouble * calls, switched != NULL ? (int64_t)switched->valuedouble : 0,
            stolen != NULL ? stolen->valuedouble : 0.0, share);
        (void)cJSON_AddItemToArray(marks, cJSON_CreateNumber(marked));
        if (shares != NULL) {
            (void)cJSON_AddItemToArray(shares, cJSON_CreateNumber(share));
        }
        switched = next_of(switched);
        stolen = next_of(stolen);
    }
}

/* By the rule for samples that a device's clock took: what held that down, and how far. */
static void mark_by_device(int samples, cJSON *answer)
{
    static const char *const of_host[] = {"switches", "steal_seconds", "megahertz", "joules"};
    const cJSON *const gpu = cJSON_GetObjectItemCaseSensitive(answer, "gpu");
    const cJSON *const settled = cJSON_GetObjectItemCaseSensitive(gpu, "settled_megahertz");
    for (size_t i = 0; i < sizeof of_host / sizeof *of_host; i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(answer, of_host[i]);
    }
    for (int i = 0; i < ASSAY_GPU_LISTS; i++) {
        (void)check_list(answer, assay_gpu_list[i], samples);
    }
    const double least = settled != NULL ? ASSAY_GPU_CLOCK_LEAST * settled->valuedouble : 0.0;
    const cJSON *held = first_of(cJSON_GetObjectItemCaseSensitive(answer, "gpu_throttle"));
    const cJSON *clock = first_of(cJSON_GetObjectItemCaseSensitive(answer, "sm_megahertz"));
    cJSON *const marks = cJSON_AddArrayToObject(answer, "contaminated");
    for (int i = 0; i < samples; i++) {
        const bool known = cJSON_IsNumber(held) && held->valuedouble >= 0.0;
        const uint64_t reasons = known ? (uint64_t)held->valuedouble : 0;
        const bool slow = cJSON_IsNumber(clock) && clock->valuedouble < least;
        (void)cJSON_AddItemToArray(
            marks, cJSON_CreateNumber(slow || (reasons & ASSAY_THROTTLE_DISTURBS) != 0));
        held = next_of(held);
        clock = next_of(clock);
    }
}

static bool is_number(const cJSON *object, const char *key, bool needed)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item == NULL ? !needed : cJSON_IsNumber(item) && item->valuedouble >= 0.0;
}

/* What results may say of its clock; without a gate nothing but these two can be. */
static bool good_gpu(const cJSON *gpu)
{
    static const char *const numbers[] = {"event_pair_seconds", "settled_megahertz",
                                          "megahertz_most", "watts_most"};
    const cJSON *const timer = cJSON_GetObjectItemCaseSensitive(gpu, "timer");
    const cJSON *const without = cJSON_GetObjectItemCaseSensitive(gpu, "without_nvml");
    bool good = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(gpu, "name")) &&
                cJSON_IsString(timer) && (without == NULL || cJSON_IsString(without)) &&
                (strcmp(timer->valuestring, "events") == 0 ||
                 strcmp(timer->valuestring, "graph") == 0 ||
                 strcmp(timer->valuestring, "span") == 0) &&
                is_number(gpu, "device", true);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        good = good && is_number(gpu, numbers[i], false);
    }
    return good;
}

bool assay_peer_marks(int samples, double calls, double share, cJSON *answer)
{
    const cJSON *const gpu = cJSON_GetObjectItemCaseSensitive(answer, "gpu");
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "contaminated");
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "core_share");
    if (gpu != NULL && !good_gpu(gpu)) {
        return false;
    }
    if (gpu != NULL) {
        mark_by_device(samples, answer);
        return true;
    }
    for (int i = 0; i < ASSAY_GPU_LISTS; i++) { /* no device, no word of one */
        cJSON_DeleteItemFromObjectCaseSensitive(answer, assay_gpu_list[i]);
    }
    mark_by_host(samples, calls, share, answer);
    return true;
}
