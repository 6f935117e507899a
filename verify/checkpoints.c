#include "verify/checkpoints.h"

#include <stdlib.h>

#include "fixtures/io/json_file.h"

typedef enum entry_kind { ENTRY_MODEL, ENTRY_TOKENIZER, ENTRY_SAE, ENTRY_ADAPTER } entry_kind;

typedef struct entry {
    entry_kind kind;
    char *key; /* path, and what else makes it this one */
    union {
        assay_model_file model;
        assay_tokenizer *tokenizer;
        assay_sae_file sae;
        assay_adapter_file adapter;
    } as;
    struct entry *next;
} entry;

struct assay_checkpoints {
    const assay_bundle *bundle;
    assay_overrides overrides;
    entry *first;
};

assay_status assay_checkpoints_open(const assay_bundle *bundle, const assay_overrides *overrides,
                                    assay_checkpoints **checkpoints, assay_error *error)
{
    *checkpoints = calloc(1, sizeof **checkpoints);
    if (*checkpoints == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    (*checkpoints)->bundle = bundle;
    (*checkpoints)->overrides = *overrides;
    return ASSAY_OK;
}

static void entry_free(entry *e)
{
    switch (e->kind) {
    case ENTRY_MODEL: assay_model_close(&e->as.model); break;
    case ENTRY_TOKENIZER: assay_tokenizer_close(&e->as.tokenizer); break;
    case ENTRY_SAE: assay_sae_close(&e->as.sae); break;
    case ENTRY_ADAPTER: assay_adapter_close(&e->as.adapter); break;
    }
    free(e->key);
    free(e);
}

void assay_checkpoints_close(assay_checkpoints **checkpoints)
{
    if (*checkpoints == NULL) {
        return;
    }
    while ((*checkpoints)->first != NULL) {
        entry *const e = (*checkpoints)->first;
        (*checkpoints)->first = e->next;
        entry_free(e);
    }
    free(*checkpoints);
    *checkpoints = NULL;
}

static entry *find(const assay_checkpoints *checkpoints, entry_kind kind, const char *key)
{
    entry *e = checkpoints->first;
    while (e != NULL && (e->kind != kind || strcmp(e->key, key) != 0)) {
        e = e->next;
    }
    return e;
}

/* An entry that is not yet in the list; assay_checkpoints_* link it once it is open. */
static entry *fresh(entry_kind kind, const char *key)
{
    entry *const e = calloc(1, sizeof *e);
    char *const copy = strdup(key);
    if (e == NULL || copy == NULL) {
        free(e);
        free(copy);
        return NULL;
    }
    e->kind = kind;
    e->key = copy;
    return e;
}

static assay_status keep(assay_checkpoints *checkpoints, entry *e, assay_status opened)
{
    if (opened != ASSAY_OK) {
        free(e->key);
        free(e);
        return opened;
    }
    e->next = checkpoints->first;
    checkpoints->first = e;
    return ASSAY_OK;
}

/* A name in a manifest stays inside the bundle. */
static assay_status safe_name(const assay_bundle *bundle, const assay_bundle_case *c,
                              const char *key, const char **name, assay_error *error)
{
    char where[512];
    (void)snprintf(where, sizeof where, "%s/manifest.json: case '%s': params", bundle->directory,
                   c->id);
    const assay_status status = assay_json_string(where, c->params, key, name, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (**name == '\0' || **name == '/' || strstr(*name, "..") != NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: '%s' is '%s': expected a name inside the bundle", where, key, *name);
    }
    return ASSAY_OK;
}

static assay_status inside(const assay_checkpoints *checkpoints, const char *folder,
                           const char *name, const char *suffix, char **path, assay_error *error)
{
    if (asprintf(path, "%s%s%s/%s%s", checkpoints->bundle->directory, *folder == '\0' ? "" : "/",
                 folder, name, suffix) < 0) {
        *path = NULL;
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    return ASSAY_OK;
}

static assay_status copied(const char *path, char **copy, assay_error *error)
{
    *copy = strdup(path);
    return *copy != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
}

assay_status assay_checkpoints_folder(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                      const char *key, char **folder, assay_error *error)
{
    const char *const given = strcmp(key, "explainer") == 0 ? checkpoints->overrides.explainer
                                                            : checkpoints->overrides.model;
    if (given != NULL) {
        return copied(given, folder, error);
    }
    const char *name = NULL;
    const assay_status status = safe_name(checkpoints->bundle, c, key, &name, error);
    return status == ASSAY_OK ? inside(checkpoints, "", name, "", folder, error) : status;
}

assay_status assay_checkpoints_model(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                     const char *key, const assay_model_file **model,
                                     assay_error *error)
{
    char *folder = NULL;
    assay_status status = assay_checkpoints_folder(checkpoints, c, key, &folder, error);
    if (status != ASSAY_OK) {
        return status;
    }
    entry *e = find(checkpoints, ENTRY_MODEL, folder);
    if (e == NULL) {
        e = fresh(ENTRY_MODEL, folder);
        status = e == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory")
                           : keep(checkpoints, e, assay_model_open(folder, &e->as.model, error));
    }
    free(folder);
    if (status == ASSAY_OK) {
        *model = &e->as.model;
    }
    return status;
}

assay_status assay_checkpoints_tokenizer(assay_checkpoints *checkpoints,
                                         const assay_bundle_case *c, const char *key,
                                         const assay_tokenizer **tokenizer, assay_error *error)
{
    char *folder = NULL;
    assay_status status = assay_checkpoints_folder(checkpoints, c, key, &folder, error);
    if (status != ASSAY_OK) {
        return status;
    }
    entry *e = find(checkpoints, ENTRY_TOKENIZER, folder);
    if (e == NULL) {
        e = fresh(ENTRY_TOKENIZER, folder);
        status = e == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory")
                           : keep(checkpoints, e,
                                  assay_tokenizer_open(folder, &e->as.tokenizer, error));
    }
    free(folder);
    if (status == ASSAY_OK) {
        *tokenizer = e->as.tokenizer;
    }
    return status;
}

assay_status assay_checkpoints_sae(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                   const assay_sae_file **sae, assay_error *error)
{
    const char *name = checkpoints->overrides.sae;
    const char *recipe_name = "auto";
    assay_recipe recipe = ASSAY_RECIPE_AUTO;
    char *path = NULL;
    char *key = NULL;
    const cJSON *const given = cJSON_GetObjectItemCaseSensitive(c->params, "recipe");
    if (cJSON_IsString(given)) {
        recipe_name = given->valuestring;
    }
    assay_status status = assay_recipe_parse(recipe_name, &recipe, error);
    if (status == ASSAY_OK && name != NULL) {
        status = copied(name, &path, error);
    } else if (status == ASSAY_OK) {
        status = safe_name(checkpoints->bundle, c, "sae", &name, error);
        if (status == ASSAY_OK) {
            status = inside(checkpoints, "sae", name, "", &path, error);
        }
    }
    if (status == ASSAY_OK && asprintf(&key, "%s %s", recipe_name, path) < 0) {
        key = NULL;
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    entry *e = status == ASSAY_OK ? find(checkpoints, ENTRY_SAE, key) : NULL;
    if (status == ASSAY_OK && e == NULL) {
        e = fresh(ENTRY_SAE, key);
        status = e == NULL
                     ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory")
                     : keep(checkpoints, e, assay_sae_open(path, recipe, &e->as.sae, error));
    }
    free(path);
    free(key);
    if (status == ASSAY_OK) {
        *sae = &e->as.sae;
    }
    return status;
}

/* adapter/<name>.safetensors, else adapter/<name>.pt. */
static assay_status adapter_path(const assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                 const char *key, const char *override, char **path,
                                 assay_error *error)
{
    if (override != NULL) {
        return copied(override, path, error);
    }
    if (cJSON_GetObjectItemCaseSensitive(c->params, key) == NULL) {
        return copied("identity", path, error);
    }
    const char *name = NULL;
    assay_status status = safe_name(checkpoints->bundle, c, key, &name, error);
    if (status == ASSAY_OK && strcmp(name, "identity") == 0) {
        return copied(name, path, error);
    }
    if (status == ASSAY_OK) {
        status = inside(checkpoints, "adapter", name, ".safetensors", path, error);
    }
    if (status == ASSAY_OK && !assay_path_exists(*path)) {
        free(*path);
        status = inside(checkpoints, "adapter", name, ".pt", path, error);
    }
    return status;
}

static assay_status adapter_open(const char *path, const char *mean_path, const char *mean_key,
                                 assay_adapter_file *adapter, assay_error *error)
{
    assay_status status = assay_adapter_open(path, adapter, error);
    if (status == ASSAY_OK && mean_path != NULL) {
        status = assay_adapter_set_mean(adapter, mean_path, mean_key, error);
        if (status != ASSAY_OK) {
            assay_adapter_close(adapter);
        }
    }
    return status;
}

assay_status assay_checkpoints_adapter(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                       const assay_adapter_file **adapter, assay_error *error)
{
    char *path = NULL;
    char *mean = NULL;
    char *key = NULL;
    const cJSON *const mean_key = cJSON_GetObjectItemCaseSensitive(c->params, "mean_key");
    const char *const tensor = cJSON_IsString(mean_key) ? mean_key->valuestring : "";
    assay_status status =
        adapter_path(checkpoints, c, "adapter", checkpoints->overrides.adapter, &path, error);
    if (status == ASSAY_OK && cJSON_GetObjectItemCaseSensitive(c->params, "mean") != NULL) {
        status = adapter_path(checkpoints, c, "mean", checkpoints->overrides.mean, &mean, error);
    }
    if (status == ASSAY_OK &&
        asprintf(&key, "%s %s %s", path, mean != NULL ? mean : "", tensor) < 0) {
        key = NULL;
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    entry *e = status == ASSAY_OK ? find(checkpoints, ENTRY_ADAPTER, key) : NULL;
    if (status == ASSAY_OK && e == NULL) {
        e = fresh(ENTRY_ADAPTER, key);
        status = e == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory")
                           : keep(checkpoints, e,
                                  adapter_open(path, mean, tensor, &e->as.adapter, error));
    }
    free(path);
    free(mean);
    free(key);
    if (status == ASSAY_OK) {
        *adapter = &e->as.adapter;
    }
    return status;
}
