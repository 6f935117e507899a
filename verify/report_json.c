#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/devices.h"
#include "verify/report.h"
#include "verify/result_json.h"
#include "verify/results_path.h"

static assay_status write_text(const char *path, const char *text, assay_error *error)
{
    struct stat info;
    /* A pipe or a device is written to; put in its place, a file would take it away. */
    const bool special = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    char *const target = assay_results_path(path); /* through links: they stay */
    char *partial = NULL;
    if (target == NULL || asprintf(&partial, "%s.%ld.partial", target, (long)getpid()) < 0) {
        free(target);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    FILE *const file = fopen(special ? path : partial, "w");
    bool good = file != NULL && fputs(text, file) >= 0 && fputc('\n', file) != EOF;
    good = file != NULL && fclose(file) == 0 && good;
    good = good && (special || rename(partial, target) == 0);
    const int reason = errno;
    if (!good && !special) {
        (void)unlink(partial);
    }
    free(partial);
    free(target);
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: %s: check folder and space",
                             path, strerror(reason));
}

assay_status assay_json_write(const cJSON *root, const char *path, assay_error *error)
{
    char *const text = cJSON_Print(root);
    if (text == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the results' text");
    }
    const assay_status status = strcmp(path, "-") == 0
                                    ? (puts(text) >= 0 ? ASSAY_OK : ASSAY_IO)
                                    : write_text(path, text, error);
    free(text);
    return status;
}

/* Kernels of plug-ins may have run on them. */
static void name_devices(const assay_report *report, cJSON *root)
{
    cJSON *const environment = cJSON_GetObjectItemCaseSensitive(root, "environment");
    cJSON *const gpus = cJSON_GetObjectItemCaseSensitive(environment, "gpus");
    assay_error none;
    for (size_t i = 0; i < report->plugin_count; i++) {
        (void)assay_devices_add(report->plugin[i], gpus, &none);
    }
}

assay_status assay_report_write_json(const assay_report *report, const char *path,
                                     assay_error *error)
{
    cJSON *const root = assay_results_begin();
    name_devices(report, root);
    cJSON *const verdicts = cJSON_AddArrayToObject(root, "verdicts");
    for (size_t i = 0; i < report->count; i++) {
        (void)cJSON_AddItemToArray(verdicts, assay_result_to_json(&report->result[i]));
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}
