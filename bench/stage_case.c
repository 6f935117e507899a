#include "bench/stage_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixtures/synth/checkpoint.h"
#include "verify/cache_folder.h"

enum { PATH_BYTES = 4096, TOKENS_MOST = 131072, CHECKPOINT_FORM = 1 };

static assay_status refuse(const char *id, const char *key, const char *expected,
                           assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_INPUT, "case '%s': key '%s': expected %s", id, key,
                      expected);
}

static const char *text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static bool whole(const cJSON *json, const char *key, int64_t missing, int64_t most, int64_t *value)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(json, key);
    *value = missing;
    if (item == NULL) {
        return missing >= 0;
    }
    if (!cJSON_IsNumber(item) || item->valuedouble < 1.0 || item->valuedouble > (double)most) {
        return false;
    }
    *value = (int64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static assay_status read_op(const cJSON *json, const char *id, assay_stage_case *read,
                            assay_error *error)
{
    const char *const name = text_of(json, "op");
    for (int op = ASSAY_OP_capture; op < ASSAY_OP_COUNT; op++) {
        if (name != NULL && strcmp(name, assay_op_name((assay_op)op)) == 0) {
            read->op = (assay_op)op;
            return ASSAY_OK;
        }
    }
    return refuse(id, "op", "capture, generate or explain", error);
}

static assay_status check_keys(const cJSON *json, const char *id, assay_error *error)
{
    static const char *const known[] = {"op",         "id",   "batch",   "model",     "tokens",
                                        "new_tokens", "hook", "adapter", "checkpoint"};
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            found = found || strcmp(item->string, known[i]) == 0;
        }
        if (!found) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "case '%s': unknown key '%.40s' in a stage; remove it", id,
                              item->string);
        }
    }
    return ASSAY_OK;
}

assay_status assay_stage_case_read(const cJSON *json, assay_stage_case *read, assay_error *error)
{
    const char *const id = text_of(json, "id") != NULL ? text_of(json, "id") : "?";
    const cJSON *const model = cJSON_GetObjectItemCaseSensitive(json, "model");
    memset(read, 0, sizeof *read);
    assay_status status = read_op(json, id, read, error);
    if (status == ASSAY_OK) {
        status = check_keys(json, id, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    read->model = text_of(model, "name");
    read->checkpoint = text_of(json, "checkpoint");
    read->hook = text_of(json, "hook");
    if (read->model == NULL || !whole(model, "layers", 0, 1000, &read->layers)) {
        return refuse(id, "model", "{\"name\": …, \"layers\": N}; see `assay synth --help`", error);
    }
    if (!whole(json, "batch", 1, 1 << 20, &read->batch) ||
        !whole(json, "tokens", -1, TOKENS_MOST, &read->tokens)) {
        return refuse(id, "tokens", "a whole number from 1 to 131072", error);
    }
    const bool generates = read->op != ASSAY_OP_capture;
    if (!whole(json, "new_tokens", generates ? -1 : 0, TOKENS_MOST, &read->new_tokens)) {
        return refuse(id, "new_tokens", "a whole number from 1 to 131072", error);
    }
    const char *const adapter = text_of(json, "adapter");
    read->adapter = ASSAY_ADAPTER_SCALAR_AFFINE;
    return adapter != NULL ? assay_adapter_type_parse(adapter, &read->adapter, error) : ASSAY_OK;
}

static assay_status write_checkpoint(const assay_stage_case *read, const char *folder,
                                     assay_error *error)
{
    assay_synth_options options = {.sae_layer = -1, .seed = 1, .force = true};
    char partial[PATH_BYTES + 32];
    uint64_t bytes = 0;
    assay_status status = assay_model_shape_find(read->model, &options.shape, error);
    if (status != ASSAY_OK) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "model '%.64s' of a stage is not known: see `assay synth --help`",
                          read->model);
    }
    if (read->layers > options.shape.layers) {
        return assay_fail(error, ASSAY_BAD_INPUT, "model '%s' has %lld layers, not %lld",
                          read->model, (long long)options.shape.layers, (long long)read->layers);
    }
    options.shape.layers = read->layers > 0 ? read->layers : options.shape.layers;
    (void)snprintf(partial, sizeof partial, "%s.%ld.partial", folder, (long)getpid());
    options.directory = partial;
    status = assay_synth_write(&options, &bytes, error);
    /* Another process may have been first: then its folder is as good. */
    if (status == ASSAY_OK && rename(partial, folder) != 0 && access(folder, R_OK) != 0) {
        status = assay_fail(error, ASSAY_IO, "%s: cannot be made; set ASSAY_CACHE to a folder that "
                                             "can be written", folder);
    }
    return status;
}

assay_status assay_stage_case_settle(cJSON *json, assay_error *error)
{
    assay_stage_case read;
    char cache[PATH_BYTES / 2];
    char folder[PATH_BYTES];
    assay_status status = assay_stage_case_read(json, &read, error);
    if (status != ASSAY_OK || read.checkpoint != NULL) {
        return status;
    }
    if (!assay_cache_folder(cache, sizeof cache)) {
        return assay_fail(error, ASSAY_IO, "no folder for checkpoints: set ASSAY_CACHE or HOME");
    }
    assay_make_folders(cache);
    (void)snprintf(folder, sizeof folder, "%s/bench-%s-%lld-form%d", cache, read.model,
                   (long long)read.layers, (int)CHECKPOINT_FORM);
    if (access(folder, R_OK) != 0) {
        status = write_checkpoint(&read, folder, error);
    }
    if (status == ASSAY_OK) {
        const size_t used = strlen(folder);
        (void)snprintf(folder + used, sizeof folder - used, "/model");
        (void)cJSON_AddStringToObject(json, "checkpoint", folder);
    }
    return status;
}
