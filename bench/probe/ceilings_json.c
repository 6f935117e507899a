/* Ceilings as the results' schema has them, and back. What is read may come from anybody. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/probe/ceilings.h"
#include "fixtures/io/json_file.h"

/* No machine is faster or slower than these: rates per second, latencies in seconds. */
#define RATE_LEAST 1e3
#define RATE_MOST 1e18
#define LATENCY_LEAST 1e-12
#define LATENCY_MOST 1e2

static void entry_to_json(cJSON *list, const assay_ceiling *entry)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "name", entry->name);
    (void)cJSON_AddStringToObject(object, "unit", assay_ceiling_unit(entry->name));
    (void)cJSON_AddNumberToObject(object, "value", entry->value);
    (void)cJSON_AddNumberToObject(object, "best", entry->best);
    (void)cJSON_AddNumberToObject(object, "median", entry->median);
    (void)cJSON_AddNumberToObject(object, "low", entry->low);
    (void)cJSON_AddNumberToObject(object, "high", entry->high);
    (void)cJSON_AddItemToArray(list, object);
}

cJSON *assay_ceilings_to_json(const assay_ceilings *ceilings)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "date", ceilings->date);
    (void)cJSON_AddStringToObject(object, "machine", ceilings->machine);
    cJSON *const list = cJSON_AddArrayToObject(object, "entries");
    for (size_t i = 0; list != NULL && i < ceilings->count; i++) {
        entry_to_json(list, &ceilings->entry[i]);
    }
    if (cJSON_GetArraySize(list) != (int)ceilings->count) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static assay_status read_number(const char *where, const cJSON *object, const char *key,
                                bool latency, double *value, assay_error *error)
{
    const double least = latency ? LATENCY_LEAST : RATE_LEAST;
    const double most = latency ? LATENCY_MOST : RATE_MOST;
    const assay_status status = assay_json_real(where, object, key, value, error);
    if (status == ASSAY_OK && !(*value >= least && *value <= most)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: key '%s' is %g, expected %g to %g: probe again with assay probe "
                          "--fresh",
                          where, key, *value, least, most);
    }
    return status;
}

/* What only newer files have is what `value` says. */
static assay_status read_optional(const char *where, const cJSON *object, const char *key,
                                  bool latency, double fallback, double *value,
                                  assay_error *error)
{
    *value = fallback;
    return cJSON_HasObjectItem(object, key) != 0
               ? read_number(where, object, key, latency, value, error)
               : ASSAY_OK;
}

static assay_status read_text(const char *where, const cJSON *object, const char *key, char *text,
                              size_t size, assay_error *error)
{
    const char *found = NULL;
    const assay_status status = assay_json_string(where, object, key, &found, error);
    if (status == ASSAY_OK && strlen(found) >= size) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: key '%s' has %zu bytes, expected at most %zu", where, key,
                          strlen(found), size - 1);
    }
    for (const char *c = found; status == ASSAY_OK && *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~') { /* it may be printed on a terminal */
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "%s: key '%s' has byte 0x%02x at %zu, expected a plain word", where,
                              key, (unsigned)(unsigned char)*c, (size_t)(c - found));
        }
    }
    if (status == ASSAY_OK) {
        (void)snprintf(text, size, "%s", found);
    }
    return status;
}

static assay_status read_entry(const char *file, const cJSON *object, assay_ceilings *ceilings,
                               assay_error *error)
{
    char where[512];
    assay_ceiling entry;
    (void)snprintf(where, sizeof where, "%.400s: ceilings.entries[%zu]", file, ceilings->count);
    assay_status status = read_text(where, object, "name", entry.name, sizeof entry.name, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const bool latency = strcmp(assay_ceiling_unit(entry.name), "s") == 0;
    status = read_number(where, object, "value", latency, &entry.value, error);
    struct {
        const char *key;
        double *value;
    } const rest[] = {{"median", &entry.median},
                      {"low", &entry.low},
                      {"high", &entry.high},
                      {"best", &entry.best}};
    for (size_t i = 0; status == ASSAY_OK && i < sizeof rest / sizeof *rest; i++) {
        status = read_optional(where, object, rest[i].key, latency, entry.value, rest[i].value,
                               error);
    }
    if (status == ASSAY_OK && assay_ceilings_find(ceilings, entry.name) > 0) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s: the name '%s' stands there twice", where,
                          entry.name);
    }
    if (status == ASSAY_OK) {
        ceilings->entry[ceilings->count++] = entry;
    }
    return status;
}

assay_status assay_ceilings_from_json(const char *where, const cJSON *object,
                                      assay_ceilings *ceilings, assay_error *error)
{
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(object, "entries");
    memset(ceilings, 0, sizeof *ceilings);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > ASSAY_CEILINGS_MAX) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: key 'ceilings' has no list 'entries' of at most %d", where,
                          ASSAY_CEILINGS_MAX);
    }
    assay_status status =
        read_text(where, object, "date", ceilings->date, sizeof ceilings->date, error);
    if (status == ASSAY_OK) {
        status = read_text(where, object, "machine", ceilings->machine, sizeof ceilings->machine,
                           error);
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        status = status == ASSAY_OK ? read_entry(where, entry, ceilings, error) : status;
    }
    return status;
}
