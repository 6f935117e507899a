#include "bench/peer_marks.h"

#include <math.h>

#include "bench/counters.h"

/* Lists beside the seconds are dropped where they are not one entry a sample. */
static void check_lists(cJSON *answer, int samples)
{
    static const char *const names[] = {"switches", "steal_seconds", "megahertz", "joules"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, names[i]);
        bool good = cJSON_IsArray(list) && cJSON_GetArraySize(list) == samples;
        for (const cJSON *item = good ? list->child : NULL; item != NULL; item = item->next) {
            good = good && (cJSON_IsNumber(item) || cJSON_IsNull(item));
        }
        if (!good) {
            cJSON_DeleteItemFromObjectCaseSensitive(answer, names[i]);
        }
    }
}

/* By the rule for processes of our own, as far as it counts what the rule needs. */
static void mark_contaminated(double calls, double share, cJSON *answer)
{
    const cJSON *switches = cJSON_GetObjectItemCaseSensitive(answer, "switches");
    const cJSON *steal = cJSON_GetObjectItemCaseSensitive(answer, "steal_seconds");
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "contaminated");
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "core_share");
    if (isnan(share) && (switches == NULL || steal == NULL)) {
        return;
    }
    cJSON *const marks = cJSON_AddArrayToObject(answer, "contaminated");
    cJSON *const shares = isnan(share) ? NULL : cJSON_AddArrayToObject(answer, "core_share");
    switches = switches != NULL ? switches->child : NULL;
    steal = steal != NULL ? steal->child : NULL;
    for (const cJSON *second = cJSON_GetObjectItemCaseSensitive(answer, "seconds")->child;
         second != NULL; second = second->next) {
        const bool marked = assay_contaminated(
            second->valuedouble * calls,
            switches != NULL ? (int64_t)switches->valuedouble : 0,
            steal != NULL ? steal->valuedouble : 0.0, share);
        (void)cJSON_AddItemToArray(marks, cJSON_CreateNumber(marked));
        if (shares != NULL) {
            (void)cJSON_AddItemToArray(shares, cJSON_CreateNumber(share));
        }
        switches = switches != NULL ? switches->next : NULL;
        steal = steal != NULL ? steal->next : NULL;
    }
}

void assay_peer_marks(int samples, double calls, double share, cJSON *answer)
{
    check_lists(answer, samples);
    mark_contaminated(calls, share, answer);
}
