#include "bench/memory_use.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A line "Key:   123 kB" of a file in /proc/self, as bytes. */
static double kilobytes(const char *path, const char *key)
{
    char line[256];
    double bytes = 0.0;
    FILE *const file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned long long value = 0;
        if (strncmp(line, key, strlen(key)) == 0 &&
            sscanf(line + strlen(key), ": %llu", &value) == 1) {
            bytes = 1024.0 * (double)value;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

double assay_resident_bytes(void)
{
    return kilobytes("/proc/self/status", "VmRSS");
}

double assay_peak_bytes(void)
{
    return kilobytes("/proc/self/status", "VmHWM");
}

double assay_page_bytes(void)
{
    const double all = kilobytes("/proc/self/smaps_rollup", "Anonymous");
    const double huge = kilobytes("/proc/self/smaps_rollup", "AnonHugePages");
    return huge >= 0.5 * all && huge > 0.0 ? 2097152.0 : (double)sysconf(_SC_PAGESIZE);
}
