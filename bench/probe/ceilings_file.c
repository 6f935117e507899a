#include "bench/probe/ceilings_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/probe/probe.h"
#include "fixtures/io/json_file.h"
#include "verify/cache_folder.h"
#include "verify/environment.h"
#include "verify/result_json.h"

enum { PATH_LENGTH = 4096, FILE_MOST = 1 << 20 };

static bool path_of(const char *machine, char *folder, char *path, size_t size)
{
    if (!assay_cache_folder(folder, PATH_LENGTH)) {
        return false;
    }
    return snprintf(path, size, "%s/probe-%s.json", folder, machine) < (int)size;
}

cJSON *assay_ceilings_results(const assay_ceilings *ceilings)
{
    cJSON *const root = assay_results_begin();
    cJSON *const object = assay_ceilings_to_json(ceilings);
    if (root == NULL || object == NULL ||
        cJSON_AddItemToObject(root, "ceilings", object) == 0) {
        cJSON_Delete(object);
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

/* Loops that change would make older values another thing: then these words change with them. */
static const char method[] = "probe 1";

static assay_status check(const char *path, const cJSON *root, const cJSON *object,
                          assay_error *error)
{
    const char *format = NULL;
    const char *how = NULL;
    assay_status status = assay_json_string(path, root, "format", &format, error);
    if (status == ASSAY_OK && (strcmp(format, "assay-results") != 0 || !cJSON_IsObject(object))) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: not a results file with ceilings: remove it, or probe again with "
                            "assay probe --fresh",
                            path);
    }
    if (status == ASSAY_OK) {
        status = assay_json_string(path, object, "method", &how, error);
    }
    if (status == ASSAY_OK && strcmp(how, method) != 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: key 'method' is not '%s': probe again with assay probe --fresh",
                            path, method);
    }
    return status;
}

assay_status assay_ceilings_read(assay_ceilings *ceilings, assay_error *error)
{
    char machine[ASSAY_MACHINE_DIGEST + 1];
    assay_machine_digest(machine);
    return assay_ceilings_read_of(machine, ceilings, error);
}

assay_status assay_ceilings_read_of(const char *machine, assay_ceilings *ceilings,
                                    assay_error *error)
{
    char folder[PATH_LENGTH];
    char path[PATH_LENGTH + 64];
    cJSON *root = NULL;
    if (!path_of(machine, folder, path, sizeof path) || access(path, F_OK) != 0) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "this machine's ceilings are not known: measure them with assay probe");
    }
    assay_status status = assay_json_read(path, FILE_MOST, &root, error);
    const cJSON *const object = cJSON_GetObjectItemCaseSensitive(root, "ceilings");
    if (status == ASSAY_OK) {
        status = check(path, root, object, error);
    }
    if (status == ASSAY_OK) {
        status = assay_ceilings_from_json(path, object, ceilings, error);
    }
    if (status == ASSAY_OK && strcmp(ceilings->machine, machine) != 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: measured on machine %s, this is %s: probe again with assay probe "
                            "--fresh",
                            path, ceilings->machine, machine);
    }
    cJSON_Delete(root);
    return status;
}

static bool write_text(const char *path, const char *temporary, const char *text)
{
    FILE *const file = fopen(temporary, "w");
    bool good = file != NULL && fputs(text, file) >= 0 && fputc('\n', file) != EOF;
    good = file != NULL && fclose(file) == 0 && good;
    return good && rename(temporary, path) == 0;
}

assay_status assay_ceilings_write(const assay_ceilings *ceilings, assay_error *error)
{
    char machine[ASSAY_MACHINE_DIGEST + 1];
    assay_machine_digest(machine);
    return assay_ceilings_write_of(machine, ceilings, error);
}

assay_status assay_ceilings_write_of(const char *machine, const assay_ceilings *ceilings,
                                     assay_error *error)
{
    char folder[PATH_LENGTH];
    char path[PATH_LENGTH + 64];
    char temporary[PATH_LENGTH + 96];
    if (!path_of(machine, folder, path, sizeof path)) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "no folder to keep ceilings in: set ASSAY_CACHE or HOME");
    }
    (void)snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    cJSON *const root = assay_ceilings_results(ceilings);
    cJSON *const object = cJSON_GetObjectItemCaseSensitive(root, "ceilings");
    (void)cJSON_AddStringToObject(object, "method", method);
    char *const text = cJSON_Print(root);
    assay_status status = ASSAY_OK;
    assay_make_folders(folder);
    if (text == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the ceilings' text");
    } else if (!write_text(path, temporary, text)) {
        status = assay_fail(error, ASSAY_IO, "%s: cannot be written: %s", path, strerror(errno));
        (void)unlink(temporary);
    }
    free(text);
    cJSON_Delete(root);
    return status;
}

void assay_ceilings_merge(assay_ceilings *newer, const assay_ceilings *older)
{
    if (!(newer->device_cache_bytes > 0.0)) {
        newer->device_cache_bytes = older->device_cache_bytes;
    }
    for (size_t i = 0; i < older->count; i++) {
        const assay_ceiling *const old = &older->entry[i];
        const bool latency = strcmp(assay_ceiling_unit(old->name), "s") == 0;
        size_t at = 0;
        while (at < newer->count && strcmp(newer->entry[at].name, old->name) != 0) {
            at++;
        }
        if (at == newer->count) {
            if (newer->count < ASSAY_CEILINGS_MAX) {
                newer->entry[newer->count++] = *old;
            }
        } else if (latency ? old->best < newer->entry[at].best
                           : old->best > newer->entry[at].best) {
            newer->entry[at].best = old->best;
        }
    }
}

static assay_status probe_quickly(assay_ceilings *ceilings, assay_error *error)
{
    const assay_probe_options quick = {.quick = true};
    return assay_probe_run(&quick, ceilings, error);
}

assay_status assay_ceilings_load(assay_ceilings *ceilings, assay_error *error)
{
    assay_error said = {.message = ""};
    const assay_status kept = assay_ceilings_read(ceilings, &said);
    if (kept == ASSAY_OK) {
        return ASSAY_OK;
    }
    if (kept != ASSAY_UNSUPPORTED) {
        (void)fprintf(stderr, "assay: ceilings are measured anew: %s\n", said.message);
    }
    const assay_status status = probe_quickly(ceilings, error);
    if (status == ASSAY_OK) {
        (void)assay_ceilings_write(ceilings, NULL); /* not kept: measured again next time */
    }
    return status;
}

assay_status assay_ceilings_refresh(assay_ceilings *ceilings, assay_error *error)
{
    assay_ceilings *const newer = malloc(sizeof *newer);
    if (newer == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the ceilings");
    }
    const assay_status status = probe_quickly(newer, error);
    if (status == ASSAY_OK) {
        assay_ceilings_merge(newer, ceilings);
        *ceilings = *newer;
        (void)assay_ceilings_write(ceilings, NULL);
    }
    free(newer);
    return status;
}
