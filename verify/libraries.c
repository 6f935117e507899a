#include "verify/libraries.h"

#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <zip.h>
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

static void add_pcre2(cJSON *list)
{
    char text[64] = ""; /* "10.42 2022-12-11" */
    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) < (int)sizeof text &&
        pcre2_config(PCRE2_CONFIG_VERSION, text) > 0) {
        text[strcspn(text, " ")] = '\0';
        (void)cJSON_AddStringToObject(list, "PCRE2", text);
    }
}

cJSON *assay_libraries_json(void)
{
    char openmp[16]; /* the specification's date, as the compiler has it */
    cJSON *const list = cJSON_CreateObject();
    (void)snprintf(openmp, sizeof openmp, "%d", _OPENMP);
#if defined(__GLIBC__)
    (void)cJSON_AddStringToObject(list, "glibc", gnu_get_libc_version());
#endif
    (void)cJSON_AddStringToObject(list, "OpenMP", openmp);
    (void)cJSON_AddStringToObject(list, "cJSON", cJSON_Version());
    add_pcre2(list);
    (void)cJSON_AddStringToObject(list, "libzip", zip_libzip_version());
    (void)cJSON_AddStringToObject(list, "hwloc", ASSAY_HWLOC_VERSION);
    (void)cJSON_AddStringToObject(list, "SQLite", ASSAY_SQLITE_VERSION);
    return list;
}
