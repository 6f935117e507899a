#include "verify/environment.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "fixtures/io/sha256.h"
#include "kernels/registry.h"
#include "verify/libraries.h"
#include "verify/topology.h"

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

/* The first line of a small file, without its end; false when it cannot be read or is empty. */
static bool first_line(const char *path, char *text, size_t size)
{
    FILE *const file = fopen(path, "r");
    text[0] = '\0';
    if (file != NULL) {
        if (fgets(text, (int)size, file) != NULL) {
            text[strcspn(text, "\n")] = '\0';
        }
        (void)fclose(file);
    }
    return text[0] != '\0';
}

static void add_file(cJSON *environment, const char *key, const char *path)
{
    char text[128];
    if (first_line(path, text, sizeof text)) {
        (void)cJSON_AddStringToObject(environment, key, text);
    }
}

static void add_features(cJSON *environment, uint32_t features)
{
    cJSON *const list = cJSON_AddArrayToObject(environment, "cpu_features");
    for (int i = 0; i < ASSAY_FEATURE_COUNT; i++) {
        if ((features >> i & 1u) != 0) {
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(assay_feature_name(i)));
        }
    }
}

static void add_date(cJSON *environment)
{
    char text[32];
    struct tm utc;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &utc) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0) {
        (void)cJSON_AddStringToObject(environment, "date", text);
    }
}

static void add_build(cJSON *environment)
{
    (void)cJSON_AddStringToObject(environment, "assay_version", ASSAY_VERSION);
    (void)cJSON_AddStringToObject(environment, "revision", ASSAY_REVISION);
    (void)cJSON_AddStringToObject(environment, "compiler", ASSAY_COMPILER);
    (void)cJSON_AddStringToObject(environment, "flags", ASSAY_FLAGS);
    (void)cJSON_AddStringToObject(environment, "build_type", ASSAY_BUILD_TYPE);
    (void)cJSON_AddItemToObject(environment, "libraries", assay_libraries_json());
}

static void add_processors(cJSON *environment)
{
    char text[256];
    const assay_topology *const topology = assay_topology_get();
    cpu_model(text, sizeof text);
    (void)cJSON_AddStringToObject(environment, "cpu", text);
    add_features(environment, assay_host_device().features);
    (void)cJSON_AddNumberToObject(environment, "threads", omp_get_max_threads());
    (void)cJSON_AddNumberToObject(environment, "cores", topology->cores);
    (void)cJSON_AddNumberToObject(environment, "packages", topology->packages);
    (void)cJSON_AddNumberToObject(environment, "memory_nodes", topology->nodes);
    if (topology->quota > 0) {
        (void)cJSON_AddNumberToObject(environment, "cpu_quota", topology->quota);
    }
    cJSON *const caches = cJSON_AddArrayToObject(environment, "cache_bytes");
    for (int i = 0; i < ASSAY_CACHE_LEVELS && topology->cache_bytes[i] > 0; i++) {
        (void)cJSON_AddItemToArray(caches, cJSON_CreateNumber((double)topology->cache_bytes[i]));
    }
    (void)cJSON_AddNumberToObject(environment, "memory_bytes", (double)topology->memory_bytes);
}

/* A processor that runs under a hypervisor says so; what kind, the system's firmware may tell. */
static void add_virtualisation(cJSON *environment)
{
    char line[4096];
    char vendor[128] = "";
    bool guest = false;
    FILE *const file = fopen("/proc/cpuinfo", "r");
    while (!guest && file != NULL && fgets(line, sizeof line, file) != NULL) {
        guest = strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor") != NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)first_line("/sys/class/dmi/id/sys_vendor", vendor, sizeof vendor);
    char text[192];
    (void)snprintf(text, sizeof text, "%s%s%s%s", guest ? "virtual machine" : "none seen",
                   guest && *vendor != '\0' ? " (" : "", guest ? vendor : "",
                   guest && *vendor != '\0' ? ")" : "");
    (void)cJSON_AddStringToObject(environment, "virtualisation", text);
    const bool contained = access("/.dockerenv", F_OK) == 0 ||
                           access("/run/.containerenv", F_OK) == 0 || getenv("container") != NULL;
    (void)cJSON_AddStringToObject(environment, "container", contained ? "yes" : "none seen");
}

static void add_system(cJSON *environment)
{
    char text[256];
    struct utsname system;
    if (uname(&system) == 0) {
        (void)snprintf(text, sizeof text, "%.60s %.120s %.60s", system.sysname, system.release,
                       system.machine);
        (void)cJSON_AddStringToObject(environment, "system", text);
    }
    (void)cJSON_AddNumberToObject(environment, "page_bytes", (double)sysconf(_SC_PAGESIZE));
    add_file(environment, "huge_pages", "/sys/kernel/mm/transparent_hugepage/enabled");
    add_file(environment, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    add_file(environment, "clock",
             "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    add_virtualisation(environment);
}

void assay_machine_digest(char digest[ASSAY_MACHINE_DIGEST + 1])
{
    char model[256];
    char text[512];
    char whole[65];
    assay_sha256 hash;
    const assay_topology *const topology = assay_topology_get();
    cpu_model(model, sizeof model);
    const int length =
        snprintf(text, sizeof text, "%s|%d|%llu|%llu|%llu|%llu|%.0f", model, (int)topology->cores,
                 (unsigned long long)topology->cache_bytes[0],
                 (unsigned long long)topology->cache_bytes[1],
                 (unsigned long long)topology->cache_bytes[2],
                 (unsigned long long)topology->cache_bytes[3],
                 (double)topology->memory_bytes / (1024.0 * 1024.0 * 1024.0));
    assay_sha256_begin(&hash);
    assay_sha256_add(&hash, text, (size_t)length);
    assay_sha256_end(&hash, whole);
    (void)snprintf(digest, ASSAY_MACHINE_DIGEST + 1, "%.16s", whole);
}

cJSON *assay_environment_json(void)
{
    char digest[ASSAY_MACHINE_DIGEST + 1];
    cJSON *const environment = cJSON_CreateObject();
    assay_machine_digest(digest);
    add_date(environment);
    (void)cJSON_AddStringToObject(environment, "machine", digest);
    add_build(environment);
    add_processors(environment);
    add_system(environment);
    (void)cJSON_AddArrayToObject(environment, "gpus"); /* who asked a plug-in adds them */
    return environment;
}
