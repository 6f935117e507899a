/* SAEs with their registries and adapters: those that the world's figures name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"
#include "fixtures/io/json_file.h"
#include "verify/evaluate/world.h"

enum { JSON_MOST = 64 << 20 };

static assay_status no_memory(assay_error *error)
{
    return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a world's SAEs");
}

/* folder/kind/name+ending; NULL when memory is out. */
static char *path_of(const assay_world *world, const char *kind, const char *name,
                     const char *ending)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s/%s%s", world->folder, kind, name, ending) > 0 ? path : NULL;
}

/* Names become parts of paths. */
static bool is_plain(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* Whole numbers of a registry's row, checked: element `at` within 0 .. most. */
static assay_status number(const char *where, size_t row, const cJSON *list, int at,
                           const char *what, int64_t most, int64_t *value, assay_error *error)
{
    const cJSON *const item = cJSON_GetArrayItem(list, at);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0) ||
        item->valuedouble > (double)most || item->valuedouble != floor(item->valuedouble)) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s[%zu]: expected %s from 0 to %lld", where,
                          row, what, (long long)most);
    }
    *value = (int64_t)item->valuedouble;
    return ASSAY_OK;
}

/* Rows [index, value, …] of one key into a table. swap: rows are [value, index]. */
static assay_status read_rows(const char *path, const cJSON *root, const char *key,
                              const char *const what[2], const int64_t most[2], int index,
                              int64_t *table, assay_error *error)
{
    char where[4096 + 64];
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(root, key);
    const cJSON *item = NULL;
    size_t row = 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s: key '%s': expected a list of [%s, %s]",
                          path, key, what[0], what[1]);
    }
    (void)snprintf(where, sizeof where, "%s: %s", path, key);
    cJSON_ArrayForEach(item, list)
    {
        int64_t value[2];
        for (int i = 0; i < 2; i++) {
            const assay_status status =
                number(where, row, item, i, what[i], most[i], &value[i], error);
            if (status != ASSAY_OK) {
                return status;
            }
        }
        if (table[value[index]] != -1) {
            return assay_fail(error, ASSAY_BAD_INPUT, "%s[%zu]: %s %lld stands there twice", where,
                              row, what[index], (long long)value[index]);
        }
        table[value[index]] = value[1 - index];
        row++;
    }
    return ASSAY_OK;
}

static assay_status read_registry(const assay_world *world, assay_world_pair *pair,
                                  const char *path, assay_error *error)
{
    static const char *const latent_first[2] = {"a latent", "a concept"};
    static const char *const concept_first[2] = {"a concept", "a latent"};
    const int64_t latents = pair->sae.sae.d_sae;
    const int64_t concepts = (int64_t)world->concept_count;
    cJSON *root = NULL;
    pair->about = malloc((size_t)latents * sizeof *pair->about);
    pair->best = malloc((size_t)concepts * sizeof *pair->best);
    if (pair->about == NULL || pair->best == NULL) {
        return no_memory(error);
    }
    memset(pair->about, 0xff, (size_t)latents * sizeof *pair->about); /* -1 each */
    memset(pair->best, 0xff, (size_t)concepts * sizeof *pair->best);
    assay_status status = assay_json_read(path, JSON_MOST, &root, error);
    if (status == ASSAY_OK) {
        status = read_rows(path, root, "latents", latent_first,
                           (const int64_t[2]){latents - 1, concepts - 1}, 0, pair->about, error);
    }
    if (status == ASSAY_OK) {
        status = read_rows(path, root, "best", concept_first,
                           (const int64_t[2]){concepts - 1, latents - 1}, 0, pair->best, error);
    }
    cJSON_Delete(root);
    return status;
}

/* The least value that the world's figures demand of "name: what"; NaN: none. */
static double gate_of(const cJSON *figures, const char *name, const char *what)
{
    const size_t length = strlen(name);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(figures, "gates"))
    {
        const char *const text =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "what"));
        const cJSON *const least = cJSON_GetObjectItemCaseSensitive(item, "least");
        if (text != NULL && strncmp(text, name, length) == 0 &&
            strncmp(text + length, ": ", 2) == 0 && strcmp(text + length + 2, what) == 0 &&
            cJSON_IsNumber(least)) {
            return least->valuedouble;
        }
    }
    return (double)NAN;
}

static assay_status check_widths(const assay_world *world, const assay_world_pair *pair,
                                 assay_error *error)
{
    const int64_t d = world->model.model.d_model;
    const assay_sae *const sae = &pair->sae.sae;
    if (sae->d_in != d || sae->d_out != d) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s/sae/%s takes rows of %lld and gives %lld, but the model has d_model "
                          "%lld: they do not belong together",
                          world->folder, pair->sae_name, (long long)sae->d_in,
                          (long long)sae->d_out, (long long)d);
    }
    if (pair->adapter.d_model != 0 && pair->adapter.d_model != d) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s/adapter/%s.safetensors is for vectors of %lld, but the model has "
                          "d_model %lld: they do not belong together",
                          world->folder, pair->adapter_name, (long long)pair->adapter.d_model,
                          (long long)d);
    }
    return ASSAY_OK;
}

static assay_status open_pair(const assay_world *world, assay_world_pair *pair, assay_error *error)
{
    char *const sae = path_of(world, "sae", pair->sae_name, "");
    char *const adapter = path_of(world, "adapter", pair->adapter_name, ".safetensors");
    char *const registry = path_of(world, "registry", pair->sae_name, ".json");
    assay_status status = sae != NULL && adapter != NULL && registry != NULL ? ASSAY_OK
                                                                             : no_memory(error);
    if (status == ASSAY_OK) {
        status = assay_sae_open(sae, ASSAY_RECIPE_AUTO, &pair->sae, error);
    }
    if (status == ASSAY_OK) {
        status = assay_adapter_open(adapter, &pair->adapter, error);
    }
    if (status == ASSAY_OK) {
        status = check_widths(world, pair, error);
    }
    if (status == ASSAY_OK) {
        status = read_registry(world, pair, registry, error);
    }
    pair->least_labels = gate_of(world->figures, pair->adapter_name, "label_accuracy");
    pair->least_variance = gate_of(world->figures, pair->sae_name, "variance_explained");
    free(registry);
    free(adapter);
    free(sae);
    return status;
}

assay_status assay_world_read_pairs(assay_world *world, const char *sae, const char *adapter,
                                    assay_error *error)
{
    const cJSON *const adapters = cJSON_GetObjectItemCaseSensitive(world->figures, "adapter");
    const cJSON *item = NULL;
    assay_status status = ASSAY_OK;
    if (!cJSON_IsObject(adapters)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s/figures.json: key 'adapter' is missing: expected an object of "
                          "adapters",
                          world->folder);
    }
    world->pair = calloc((size_t)cJSON_GetArraySize(adapters) + 1, sizeof *world->pair);
    if (world->pair == NULL) {
        return no_memory(error);
    }
    cJSON_ArrayForEach(item, adapters)
    {
        /* Adapters of activations belong to no SAE. */
        const char *const name =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "sae"));
        if (status != ASSAY_OK || name == NULL || !assay_filter_matches(sae, name) ||
            !assay_filter_matches(adapter, item->string)) {
            continue;
        }
        if (!is_plain(name) || !is_plain(item->string)) {
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s/figures.json: key 'adapter': '%s' for '%s': expected names "
                                "of files",
                                world->folder, item->string, name);
            continue;
        }
        assay_world_pair *const pair = &world->pair[world->pair_count++];
        pair->sae_name = name;
        pair->adapter_name = item->string;
        status = open_pair(world, pair, error);
    }
    if (status == ASSAY_OK && world->pair_count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "%s/figures.json names no adapter '%s' for an SAE '%s'", world->folder,
                            adapter != NULL ? adapter : "*", sae != NULL ? sae : "*");
    }
    return status;
}

void assay_world_close_pairs(assay_world *world)
{
    for (size_t i = 0; i < world->pair_count; i++) {
        assay_world_pair *const pair = &world->pair[i];
        assay_sae_close(&pair->sae);
        assay_adapter_close(&pair->adapter);
        free(pair->about);
        free(pair->best);
    }
    free(world->pair);
    world->pair = NULL;
    world->pair_count = 0;
}
