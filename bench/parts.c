#include "bench/parts.h"

#include <stdbool.h>
#include <string.h>

static double number(const cJSON *object, const char *key)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

static const cJSON *part_named(const cJSON *parts, const char *name)
{
    const cJSON *part = parts != NULL ? parts->child : NULL;
    while (part != NULL) {
        const char *const own =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "name"));
        if (own != NULL && strcmp(own, name) == 0) {
            break;
        }
        part = part->next;
    }
    return part;
}

/* Adds share times what a sample has of each part; with `only_new` only of parts that `other` does
 * not have, since those were added with it. */
static void add_shares(cJSON *made, const cJSON *parts, double share, const cJSON *other,
                       double other_share, bool only_new)
{
    for (const cJSON *part = parts != NULL ? parts->child : NULL; part != NULL;
         part = part->next) {
        const char *const name =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "name"));
        const cJSON *const same = name != NULL ? part_named(other, name) : NULL;
        if (name == NULL || (only_new && same != NULL)) {
            continue;
        }
        cJSON *const added = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(added, "name", name);
        (void)cJSON_AddNumberToObject(
            added, "seconds",
            share * number(part, "seconds") + other_share * number(same, "seconds"));
        (void)cJSON_AddNumberToObject(
            added, "calls", share * number(part, "calls") + other_share * number(same, "calls"));
        (void)cJSON_AddItemToArray(made, added);
    }
}

cJSON *assay_parts_at(const cJSON *samples, double seconds)
{
    const cJSON *below = NULL;
    const cJSON *above = NULL;
    for (const cJSON *s = samples != NULL ? samples->child : NULL; s != NULL; s = s->next) {
        const double own = number(s, "seconds");
        if (own <= seconds && (below == NULL || own > number(below, "seconds"))) {
            below = s;
        }
        if (own >= seconds && (above == NULL || own < number(above, "seconds"))) {
            above = s;
        }
    }
    below = below != NULL ? below : above;
    above = above != NULL ? above : below;
    cJSON *const made = below != NULL ? cJSON_CreateArray() : NULL;
    if (made == NULL) {
        return NULL;
    }
    const double low = number(below, "seconds");
    const double span = number(above, "seconds") - low;
    const double share = span > 0.0 ? (seconds - low) / span : 0.0; /* of the slower one */
    const cJSON *const fast = cJSON_GetObjectItemCaseSensitive(below, "parts");
    const cJSON *const slow = cJSON_GetObjectItemCaseSensitive(above, "parts");
    add_shares(made, fast, 1.0 - share, slow, share, false);
    add_shares(made, slow, share, fast, 0.0, true);
    return made;
}
