#include "verify/explain/dump_links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixtures/io/json_file.h"

assay_status assay_dump_make_folder(const char *directory, assay_error *error)
{
    if (mkdir(directory, 0777) != 0 && (errno != EEXIST || rmdir(directory) != 0 ||
                                        mkdir(directory, 0777) != 0)) {
        return assay_fail(error, ASSAY_IO, "%s: --dump needs a new or empty folder that can be "
                          "created: %s", directory, strerror(errno));
    }
    return ASSAY_OK;
}

/* directory/name -> the absolute path of target. */
static assay_status link_one(const char *directory, const char *name, const char *target,
                             assay_error *error)
{
    char *const absolute = realpath(target, NULL);
    char *const path = assay_path_join(directory, name);
    assay_status status = ASSAY_OK;
    if (absolute == NULL || path == NULL || symlink(absolute, path) != 0) {
        status = assay_fail(error, ASSAY_IO, "%s/%s: could not be linked to %s: %s", directory,
                            name, target, strerror(errno));
    }
    free(absolute);
    free(path);
    return status;
}

static assay_status make_below(const char *directory, const char *name, char **path,
                               assay_error *error)
{
    *path = assay_path_join(directory, name);
    if (*path == NULL || (mkdir(*path, 0777) != 0 && errno != EEXIST)) {
        return assay_fail(error, ASSAY_IO, "%s/%s: could not be created: %s", directory, name,
                          strerror(errno));
    }
    return ASSAY_OK;
}

static const char *base_of(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The file's name without its extension, or fallback where nothing would be left. */
static char *stem_of(const char *absolute, const char *fallback)
{
    char *const stem = strdup(base_of(absolute));
    if (stem == NULL) {
        return NULL;
    }
    char *const dot = strrchr(stem, '.');
    if (dot != NULL && dot != stem) {
        *dot = '\0';
    }
    if (*stem == '\0' || strstr(stem, "..") != NULL) {
        free(stem);
        return strdup(fallback);
    }
    return stem;
}

/* A file lies in a folder of its own; a folder is linked whole. */
static assay_status link_sae(const char *directory, const char *path, char **name,
                             assay_error *error)
{
    char *all = NULL;
    char *own = NULL;
    char *const absolute = realpath(path, NULL);
    assay_status status = make_below(directory, "sae", &all, error);
    if (status == ASSAY_OK) {
        *name = absolute != NULL ? stem_of(absolute, "sae") : NULL;
        status = *name != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (status == ASSAY_OK && assay_path_is_directory(path)) {
        status = link_one(all, *name, path, error);
    } else if (status == ASSAY_OK) {
        status = make_below(all, *name, &own, error);
        if (status == ASSAY_OK) {
            status = link_one(own, base_of(absolute), path, error);
        }
    }
    free(absolute);
    free(all);
    free(own);
    return status;
}

/* adapter/<name>.safetensors or .pt; the extension tells a reader the form. */
static assay_status link_adapter(const char *directory, const char *path, const char *fallback,
                                 char **name, assay_error *error)
{
    if (strcmp(path, "identity") == 0) {
        *name = strdup(path);
        return *name != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    char *all = NULL;
    char file[512] = "";
    assay_status status = make_below(directory, "adapter", &all, error);
    if (status == ASSAY_OK) {
        *name = stem_of(path, fallback);
        status = *name != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (status == ASSAY_OK) {
        const char *const dot = strrchr(base_of(path), '.');
        const bool torch = dot != NULL && (strcmp(dot, ".pt") == 0 || strcmp(dot, ".pth") == 0);
        (void)snprintf(file, sizeof file, "%s%s", *name, torch ? ".pt" : ".safetensors");
        status = link_one(all, file, path, error);
    }
    free(all);
    return status;
}

assay_status assay_dump_link(const assay_explain_session *session, assay_dump_names *names,
                             assay_error *error)
{
    memset(names, 0, sizeof *names);
    const assay_explain_options *const o = session->options;
    assay_status status = ASSAY_OK;
    /* Without --model the explainer is all there is. */
    names->model = "model";
    status = link_one(o->dump, "model", o->model != NULL ? o->model : o->explainer, error);
    if (status == ASSAY_OK && o->model != NULL && o->explainer != NULL) {
        names->explainer = "explainer";
        status = link_one(o->dump, "explainer", o->explainer, error);
    }
    if (status == ASSAY_OK && o->sae != NULL) {
        status = link_sae(o->dump, o->sae, &names->sae, error);
    }
    if (status == ASSAY_OK && o->adapter != NULL) {
        status = link_adapter(o->dump, o->adapter, "adapter", &names->adapter, error);
    }
    if (status == ASSAY_OK && o->mean != NULL) {
        status = link_adapter(o->dump, o->mean, "mean-vectors", &names->mean, error);
    }
    return status;
}

void assay_dump_names_free(assay_dump_names *names)
{
    free(names->sae);
    free(names->adapter);
    free(names->mean);
    memset(names, 0, sizeof *names);
}
