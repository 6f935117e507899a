#include "bench/parts.h"

#include <string.h>

#include "fixtures/io/json_file.h"

static const char *name_of(const cJSON *part)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "name"));
}

/* The part of that name in made, an empty one where it has none. NULL: out of memory. */
static cJSON *part_named(cJSON *made, const char *name)
{
    cJSON *part = made->child;
    while (part != NULL && (name_of(part) == NULL || strcmp(name_of(part), name) != 0)) {
        part = part->next;
    }
    if (part == NULL) {
        part = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(part, "name", name);
        (void)cJSON_AddNumberToObject(part, "seconds", 0.0);
        (void)cJSON_AddNumberToObject(part, "calls", 0.0);
        (void)cJSON_AddItemToArray(made, part);
    }
    return part;
}

static void add_to(cJSON *part, const char *key, double more)
{
    cJSON *const item = cJSON_GetObjectItemCaseSensitive(part, key);
    if (item != NULL) {
        (void)cJSON_SetNumberValue(item, item->valuedouble + more);
    }
}

/* Adds share times what the sample has of each part. */
static void add_shares(cJSON *made, const cJSON *sample, double share)
{
    const cJSON *const parts = cJSON_GetObjectItemCaseSensitive(sample, "parts");
    for (const cJSON *own = parts != NULL ? parts->child : NULL; own != NULL; own = own->next) {
        if (name_of(own) != NULL) {
            cJSON *const part = part_named(made, name_of(own));
            add_to(part, "seconds", share * assay_json_number_or(own, "seconds", 0.0));
            add_to(part, "calls", share * assay_json_number_or(own, "calls", 0.0));
        }
    }
}

static double seconds_of(const cJSON *sample)
{
    return assay_json_number_or(sample, "seconds", 0.0);
}

cJSON *assay_parts_at(const cJSON *samples, double seconds)
{
    const cJSON *below = NULL;
    const cJSON *above = NULL;
    for (const cJSON *s = samples != NULL ? samples->child : NULL; s != NULL; s = s->next) {
        const double own = seconds_of(s);
        if (own <= seconds && (below == NULL || own > seconds_of(below))) {
            below = s;
        }
        if (own >= seconds && (above == NULL || own < seconds_of(above))) {
            above = s;
        }
    }
    below = below != NULL ? below : above;
    above = above != NULL ? above : below;
    cJSON *const made = below != NULL ? cJSON_CreateArray() : NULL;
    if (made == NULL) {
        return NULL;
    }
    const double low = seconds_of(below);
    const double span = seconds_of(above) - low;
    const double share = span > 0.0 ? (seconds - low) / span : 0.0; /* of the slower one */
    add_shares(made, below, 1.0 - share);
    add_shares(made, above, share);
    return made;
}
