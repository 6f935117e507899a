/* `assay list devices`: the host, and the GPUs that a plug-in's accelerator sees, or why it sees
 * none. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/json_file.h"
#include "kernels/registry.h"
#include "verify/beside.h"
#include "verify/cache_folder.h"
#include "verify/devices.h"
#include "verify/environment.h"
#include "verify/list_collect.h"

/* The processor's name as the kernel reports it, or "unknown". */
static void cpu_model(char *name, size_t size)
{
    (void)snprintf(name, size, "unknown");
    FILE *const file = fopen("/proc/cpuinfo", "r");
    if (file == NULL) {
        return;
    }
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *const colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL && colon[1] == ' ') {
            (void)snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    (void)fclose(file);
}

/* Whether `assay probe` has left this machine's ceilings. */
static bool ceilings_known(void)
{
    char folder[4096];
    char path[4096 + 64];
    char machine[ASSAY_MACHINE_DIGEST + 1];
    if (!assay_cache_folder(folder, sizeof folder)) {
        return false;
    }
    assay_machine_digest(machine);
    (void)snprintf(path, sizeof path, "%s/probe-%s.json", folder, machine);
    return assay_path_exists(path);
}

static cJSON *host(void)
{
    const assay_device device = assay_host_device();
    char model[256];
    cpu_model(model, sizeof model);
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "name", "host");
    (void)cJSON_AddBoolToObject(entry, "available", 1);
    (void)cJSON_AddStringToObject(entry, "model", model);
    (void)cJSON_AddNumberToObject(entry, "threads", omp_get_max_threads());
    (void)cJSON_AddNumberToObject(entry, "memory_bytes", (double)device.memory_bytes);
    cJSON *const have = cJSON_AddArrayToObject(entry, "features");
    cJSON *const lack = cJSON_AddArrayToObject(entry, "missing_features");
    for (int i = 0; i < ASSAY_FEATURE_COUNT; i++) {
        cJSON *const list = (device.features >> i & 1u) != 0 ? have : lack;
        (void)cJSON_AddItemToArray(list, cJSON_CreateString(assay_feature_name(i)));
    }
    (void)cJSON_AddBoolToObject(entry, "ceilings_known", ceilings_known());
    return entry;
}

static void add_missing(cJSON *list, const char *what, const char *cost)
{
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "what", what);
    (void)cJSON_AddStringToObject(entry, "cost", cost);
    (void)cJSON_AddItemToArray(list, entry);
}

static cJSON *cuda(const char *plugin)
{
    const bool driver = assay_path_exists("/proc/driver/nvidia/version");
    const bool toolkit = ASSAY_CUDA_TOOLKIT[0] != '\0';
    assay_error why = {.message = ""};
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "name", "cuda");
    cJSON *const devices = cJSON_AddArrayToObject(entry, "devices");
    char beside[ASSAY_BESIDE_PATH];
    bool available = false;
    if (plugin == NULL && assay_beside("assay_cuda.so", beside, &why) != ASSAY_OK) {
        (void)assay_fail(&why, ASSAY_UNSUPPORTED, "the CUDA module was not built here");
    } else {
        available = assay_devices_add(plugin != NULL ? plugin : beside, devices, &why) > 0;
    }
    (void)cJSON_AddBoolToObject(entry, "available", available);
    (void)cJSON_AddStringToObject(entry, "reason", why.message);
    (void)cJSON_AddStringToObject(entry, "toolkit", ASSAY_CUDA_TOOLKIT);
    cJSON *const missing = cJSON_AddArrayToObject(entry, "missing");
    if (!available && !driver) {
        add_missing(missing, "NVIDIA driver",
                    "no GPU can be used here; everything on the host is unaffected");
    }
    if (!toolkit) {
        add_missing(missing, "CUDA toolkit (nvcc) when this was built",
                    "no GPU kernel could be compiled; everything on the host is unaffected; "
                    "install it and build again");
    }
    if (!available) {
        add_missing(missing, "device", why.message);
    }
    return entry;
}

cJSON *assay_list_devices(const assay_list_filter *filter, assay_error *error)
{
    (void)error;
    cJSON *const list = cJSON_CreateArray();
    if (list != NULL) {
        (void)cJSON_AddItemToArray(list, host());
        (void)cJSON_AddItemToArray(list, cuda(filter->plugin));
    }
    return list;
}
