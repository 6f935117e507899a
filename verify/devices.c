#include "verify/devices.h"

#include "verify/isolation/session.h"

/* 12040 is 12.4. */
static void add_version(cJSON *entry, const char *key, int32_t version)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%d.%d", (int)(version / 1000), (int)(version % 1000 / 10));
    (void)cJSON_AddStringToObject(entry, key, text);
}

static void add_device(cJSON *list, const assay_accelerator_device *facts)
{
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(entry, "index", facts->device.index);
    (void)cJSON_AddStringToObject(entry, "model", facts->name);
    (void)cJSON_AddStringToObject(entry, "identity", facts->identity);
    (void)cJSON_AddNumberToObject(entry, "compute_capability", facts->device.compute / 10.0);
    (void)cJSON_AddNumberToObject(entry, "multiprocessors", facts->multiprocessors);
    (void)cJSON_AddNumberToObject(entry, "memory_bytes", (double)facts->device.memory_bytes);
    (void)cJSON_AddNumberToObject(entry, "memory_total_bytes", (double)facts->memory_total);
    (void)cJSON_AddNumberToObject(entry, "cache_bytes", (double)facts->cache_bytes);
    add_version(entry, "driver_version", facts->driver);
    add_version(entry, "runtime_version", facts->runtime);
    (void)cJSON_AddItemToArray(list, entry);
}

int32_t assay_devices_add(const char *plugin, cJSON *list, assay_error *why)
{
    const assay_session_options options = {.plugin = plugin};
    assay_session *session = NULL;
    assay_accelerator_device facts;
    int32_t count = 0;
    assay_status status = assay_session_open(&options, &session, why);
    for (int32_t i = 0; status == ASSAY_OK && (i == 0 || i < count); i++) {
        status = assay_session_device(session, i, &count, &facts, why);
        if (status == ASSAY_OK) {
            add_device(list, &facts);
        }
    }
    assay_session_close(&session);
    return status == ASSAY_OK ? count : 0;
}

static const char *how_many(int32_t count, char *text, size_t size)
{
    (void)snprintf(text, size, "%s %d device%s", count == 1 ? "is" : "are", (int)count,
                   count == 1 ? "" : "s");
    return text;
}

assay_status assay_devices_expect(const char *plugin, int32_t number, assay_error *error)
{
    const assay_session_options options = {.plugin = plugin};
    assay_session *session = NULL;
    assay_accelerator_device facts;
    assay_error why = {.message = ""};
    int32_t count = 0;
    char text[32];
    assay_status status = assay_session_open(&options, &session, error);
    if (status != ASSAY_OK) {
        return status;
    }
    status = assay_session_device(session, number, &count, &facts, &why);
    assay_session_close(&session);
    if (status == ASSAY_OK) {
        return ASSAY_OK;
    }
    return count > 0 && number >= count
               ? assay_fail(error, ASSAY_BAD_INPUT,
                            "--device %d: there %s, counted from 0: 'assay list devices --plugin "
                            "%s' names them", (int)number, how_many(count, text, sizeof text),
                            plugin)
               : assay_fail(error, ASSAY_BAD_INPUT, "--device %d: %.900s", (int)number,
                            why.message);
}
