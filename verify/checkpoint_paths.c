#include "verify/checkpoint_paths.h"

#include <stdlib.h>
#include <string.h>

#include "fixtures/io/bundle_files.h"
#include "fixtures/io/json_file.h"

assay_status assay_checkpoint_text(const assay_checkpoint_place *place, const char *key,
                                   const char **text, assay_error *error)
{
    char where[512];
    if (cJSON_GetObjectItemCaseSensitive(place->c->params, key) == NULL) {
        return ASSAY_OK;
    }
    (void)snprintf(where, sizeof where, "%s/manifest.json: case '%s': params",
                   place->bundle->directory, place->c->id);
    return assay_json_string(where, place->c->params, key, text, error);
}

/* A name in a manifest stays inside the bundle. */
static assay_status safe_name(const assay_checkpoint_place *place, const char *key,
                              const char **name, assay_error *error)
{
    *name = "";
    const assay_status status = assay_checkpoint_text(place, key, name, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (!assay_bundle_name_is_safe(*name)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s/manifest.json: case '%s': params: '%s' is '%s': expected a name "
                          "inside the bundle",
                          place->bundle->directory, place->c->id, key, *name);
    }
    return ASSAY_OK;
}

static assay_status inside(const assay_checkpoint_place *place, const char *folder,
                           const char *name, const char *suffix, char **path, assay_error *error)
{
    if (asprintf(path, "%s%s%s/%s%s", place->bundle->directory, *folder == '\0' ? "" : "/", folder,
                 name, suffix) < 0) {
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

assay_status assay_checkpoint_folder(const assay_checkpoint_place *place, const char *key,
                                     const char *given, char **path, assay_error *error)
{
    const char *name = NULL;
    if (given != NULL) {
        return copied(given, path, error);
    }
    const assay_status status = safe_name(place, key, &name, error);
    return status == ASSAY_OK ? inside(place, "", name, "", path, error) : status;
}

assay_status assay_checkpoint_sae(const assay_checkpoint_place *place, const char *given,
                                  char **path, assay_error *error)
{
    const char *name = NULL;
    if (given != NULL) {
        return copied(given, path, error);
    }
    const assay_status status = safe_name(place, "sae", &name, error);
    return status == ASSAY_OK ? inside(place, "sae", name, "", path, error) : status;
}

assay_status assay_checkpoint_adapter(const assay_checkpoint_place *place, const char *key,
                                      const char *given, char **path, assay_error *error)
{
    const char *name = "identity";
    if (given != NULL) {
        return copied(given, path, error);
    }
    assay_status status = ASSAY_OK;
    if (cJSON_GetObjectItemCaseSensitive(place->c->params, key) != NULL) {
        status = safe_name(place, key, &name, error);
    }
    if (status == ASSAY_OK) {
        status = inside(place, "adapter", name, ".safetensors", path, error);
    }
    if (status == ASSAY_OK && !assay_path_exists(*path)) {
        free(*path);
        status = inside(place, "adapter", name, ".pt", path, error);
    }
    /* A file of that name comes before the one that needs none. */
    if (status == ASSAY_OK && strcmp(name, "identity") == 0 && !assay_path_exists(*path)) {
        free(*path);
        status = copied(name, path, error);
    }
    return status;
}
