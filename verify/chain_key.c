#include "verify/chain_key.h"

#include <stdlib.h>

char *assay_chain_key(assay_arena *arena, const char *kind, const assay_key_part *part,
                      size_t count)
{
    cJSON *const all = cJSON_CreateArray();
    char *key = NULL;
    bool room = all != NULL && cJSON_AddItemToArray(all, cJSON_CreateString(kind));
    for (size_t p = 0; p < count; p++) {
        for (size_t k = 0; room && k < part[p].count; k++) {
            const cJSON *const item =
                cJSON_GetObjectItemCaseSensitive(part[p].object, part[p].key[k]);
            room = cJSON_AddItemToArray(all, item != NULL ? cJSON_Duplicate(item, true)
                                                          : cJSON_CreateNull());
        }
    }
    char *const text = room ? cJSON_PrintUnformatted(all) : NULL;
    if (text != NULL) {
        key = assay_arena_take(arena, strlen(text) + 1);
        if (key != NULL) {
            memcpy(key, text, strlen(text) + 1);
        }
    }
    cJSON_free(text);
    cJSON_Delete(all);
    return key;
}
