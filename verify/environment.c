#include "verify/environment.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "kernels/registry.h"

/* "model name" of /proc/cpuinfo; "unknown" elsewhere. */
static void cpu_model(char *text, size_t size)
{
    char line[512];
    FILE *const file = fopen("/proc/cpuinfo", "r");
    (void)snprintf(text, size, "unknown");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *const colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            (void)snprintf(text, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void add_features(cJSON *environment, uint32_t features)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {ASSAY_FEATURE_AVX2_FMA, "avx2_fma"},       {ASSAY_FEATURE_AVX512, "avx512"},
        {ASSAY_FEATURE_AVX512_BF16, "avx512_bf16"}, {ASSAY_FEATURE_AVX512_VNNI, "avx512_vnni"},
        {ASSAY_FEATURE_AMX_BF16, "amx_bf16"},       {ASSAY_FEATURE_AMX_INT8, "amx_int8"},
        {ASSAY_FEATURE_AVX_VNNI, "avx_vnni"}};
    cJSON *const list = cJSON_AddArrayToObject(environment, "cpu_features");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((features & names[i].bit) != 0) {
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(names[i].name));
        }
    }
}

cJSON *assay_environment_json(void)
{
    char text[256];
    struct utsname system;
    const time_t now = time(NULL);
    struct tm utc;
    const assay_device device = assay_host_device();
    cJSON *const environment = cJSON_CreateObject();
    if (gmtime_r(&now, &utc) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0) {
        (void)cJSON_AddStringToObject(environment, "date", text);
    }
    (void)cJSON_AddStringToObject(environment, "assay_version", ASSAY_VERSION);
    (void)cJSON_AddStringToObject(environment, "revision", ASSAY_REVISION);
    (void)cJSON_AddStringToObject(environment, "compiler", ASSAY_COMPILER);
    (void)cJSON_AddStringToObject(environment, "build_type", ASSAY_BUILD_TYPE);
    cpu_model(text, sizeof text);
    (void)cJSON_AddStringToObject(environment, "cpu", text);
    add_features(environment, device.features);
    (void)cJSON_AddNumberToObject(environment, "threads", omp_get_max_threads());
    if (uname(&system) == 0) {
        (void)snprintf(text, sizeof text, "%.60s %.120s %.60s", system.sysname, system.release,
                       system.machine);
        (void)cJSON_AddStringToObject(environment, "system", text);
    }
    return environment;
}
