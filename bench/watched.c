#include "bench/watched.h"

#include <stdlib.h>

static double seconds_of(const cJSON *note)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(note, "seconds"));
}

static int faster_first(const void *a, const void *b)
{
    const double x = seconds_of(*(const cJSON *const *)a);
    const double y = seconds_of(*(const cJSON *const *)b);
    return (x > y) - (x < y);
}

void assay_watched_thin_out(cJSON *watched)
{
    const size_t count = (size_t)cJSON_GetArraySize(watched);
    cJSON **const notes = malloc((count + 1) * sizeof *notes);
    for (size_t i = 0; i < count && notes != NULL; i++) {
        notes[i] = cJSON_DetachItemViaPointer(watched, watched->child);
    }
    if (notes != NULL) {
        qsort(notes, count, sizeof *notes, faster_first);
    }
    for (size_t i = 0; i < count && notes != NULL; i++) {
        if (i == 0 || i == (count - 1) / 2 || i == count - 1) {
            (void)cJSON_AddItemToArray(watched, notes[i]);
        } else {
            cJSON_Delete(notes[i]);
        }
    }
    free(notes);
}
