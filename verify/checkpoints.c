#include "verify/checkpoints.h"

#include <stdlib.h>

#include "verify/checkpoint_paths.h"

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

/* What is asked for. */
typedef struct wish {
    entry_kind kind;
    const char *key, *path;
    assay_recipe recipe;         /* of an SAE */
    const char *mean, *mean_key; /* of an adapter, or NULL */
} wish;

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

static assay_status adapter_open(const wish *w, assay_adapter_file *adapter, assay_error *error)
{
    assay_status status = assay_adapter_open(w->path, adapter, error);
    if (status == ASSAY_OK && w->mean != NULL) {
        status = assay_adapter_set_mean(adapter, w->mean, w->mean_key, error);
        if (status != ASSAY_OK) {
            assay_adapter_close(adapter);
        }
    }
    return status;
}

static assay_status entry_open(const wish *w, entry *e, assay_error *error)
{
    switch (w->kind) {
    case ENTRY_MODEL: return assay_model_open(w->path, &e->as.model, error);
    case ENTRY_TOKENIZER: return assay_tokenizer_open(w->path, &e->as.tokenizer, error);
    case ENTRY_SAE: return assay_sae_open(w->path, w->recipe, &e->as.sae, error);
    case ENTRY_ADAPTER: return adapter_open(w, &e->as.adapter, error);
    }
    return ASSAY_INTERNAL;
}

/* The entry of that kind and key, opened now unless it was before. */
static assay_status entry_of(assay_checkpoints *checkpoints, const wish *w, entry **found,
                             assay_error *error)
{
    *found = find(checkpoints, w->kind, w->key);
    if (*found != NULL) {
        return ASSAY_OK;
    }
    entry *const e = calloc(1, sizeof *e);
    char *const key = strdup(w->key);
    assay_status status = e == NULL || key == NULL
                              ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory")
                              : entry_open(w, e, error);
    if (status != ASSAY_OK) {
        free(e);
        free(key);
        return status;
    }
    e->kind = w->kind;
    e->key = key;
    e->next = checkpoints->first;
    checkpoints->first = e;
    *found = e;
    return ASSAY_OK;
}

assay_status assay_checkpoints_folder(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                      const char *key, char **folder, assay_error *error)
{
    const assay_overrides *const given = &checkpoints->overrides;
    const bool explainer = strcmp(key, "explainer") == 0;
    return assay_checkpoint_folder(&(assay_checkpoint_place){checkpoints->bundle, c}, key,
                                   explainer ? given->explainer : given->model, folder, error);
}

static assay_status of_folder(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                              entry_kind kind, const char *key, entry **e, assay_error *error)
{
    char *folder = NULL;
    assay_status status = assay_checkpoints_folder(checkpoints, c, key, &folder, error);
    if (status == ASSAY_OK) {
        status = entry_of(checkpoints, &(wish){.kind = kind, .key = folder, .path = folder}, e,
                          error);
    }
    free(folder);
    return status;
}

assay_status assay_checkpoints_model(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                     const char *key, const assay_model_file **model,
                                     assay_error *error)
{
    entry *e = NULL;
    const assay_status status = of_folder(checkpoints, c, ENTRY_MODEL, key, &e, error);
    if (status == ASSAY_OK) {
        *model = &e->as.model;
    }
    return status;
}

assay_status assay_checkpoints_tokenizer(assay_checkpoints *checkpoints,
                                         const assay_bundle_case *c, const char *key,
                                         const assay_tokenizer **tokenizer, assay_error *error)
{
    entry *e = NULL;
    const assay_status status = of_folder(checkpoints, c, ENTRY_TOKENIZER, key, &e, error);
    if (status == ASSAY_OK) {
        *tokenizer = e->as.tokenizer;
    }
    return status;
}

assay_status assay_checkpoints_sae(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                   const assay_sae_file **sae, assay_error *error)
{
    const assay_checkpoint_place place = {checkpoints->bundle, c};
    const char *recipe_name = "auto";
    wish w = {.kind = ENTRY_SAE};
    char *path = NULL;
    char *key = NULL;
    entry *e = NULL;
    assay_status status = assay_checkpoint_text(&place, "recipe", &recipe_name, error);
    if (status == ASSAY_OK) {
        status = assay_recipe_parse(recipe_name, &w.recipe, error);
    }
    if (status == ASSAY_OK) {
        status = assay_checkpoint_sae(&place, checkpoints->overrides.sae, &path, error);
    }
    if (status == ASSAY_OK && asprintf(&key, "%s %s", recipe_name, path) < 0) {
        key = NULL;
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (status == ASSAY_OK) {
        w.key = key;
        w.path = path;
        status = entry_of(checkpoints, &w, &e, error);
    }
    free(path);
    free(key);
    if (status == ASSAY_OK) {
        *sae = &e->as.sae;
    }
    return status;
}

assay_status assay_checkpoints_adapter(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                       const assay_adapter_file **adapter, assay_error *error)
{
    const assay_checkpoint_place place = {checkpoints->bundle, c};
    const assay_overrides *const given = &checkpoints->overrides;
    const char *tensor = "";
    char *path = NULL;
    char *mean = NULL;
    char *key = NULL;
    entry *e = NULL;
    assay_status status = assay_checkpoint_text(&place, "mean_key", &tensor, error);
    if (status == ASSAY_OK) {
        status = assay_checkpoint_adapter(&place, "adapter", given->adapter, &path, error);
    }
    if (status == ASSAY_OK && cJSON_GetObjectItemCaseSensitive(c->params, "mean") != NULL) {
        status = assay_checkpoint_adapter(&place, "mean", given->mean, &mean, error);
    }
    if (status == ASSAY_OK &&
        asprintf(&key, "%s %s %s", path, mean != NULL ? mean : "", tensor) < 0) {
        key = NULL;
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (status == ASSAY_OK) {
        const wish w = {.kind = ENTRY_ADAPTER,
                        .key = key,
                        .path = path,
                        .mean = mean,
                        .mean_key = tensor};
        status = entry_of(checkpoints, &w, &e, error);
    }
    free(path);
    free(mean);
    free(key);
    if (status == ASSAY_OK) {
        *adapter = &e->as.adapter;
    }
    return status;
}
