#include "verify/golden_path.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixtures/io/json_file.h"

static const char working_folder[] = "fixtures/golden";

enum { PATH_SIZE = 4096 }; /* PATH_MAX of Linux, which realpath wants */

/* <folder of this program>/ASSAY_SHARE/name when it exists, else NULL. resolved: [PATH_SIZE]. */
static const char *installed(const char *name, char *resolved)
{
    char path[PATH_SIZE + 64];
    char program[PATH_SIZE];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return NULL;
    }
    program[length] = '\0';
    char *const slash = strrchr(program, '/');
    if (slash == NULL) {
        return NULL;
    }
    *slash = '\0';
    const int wrote = snprintf(path, sizeof path, "%s/" ASSAY_SHARE "/%s", program, name);
    return wrote > 0 && (size_t)wrote < sizeof path ? realpath(path, resolved) : NULL;
}

const char *assay_golden_root(const char **why)
{
    static _Thread_local char share[PATH_SIZE];
    const char *named = getenv("ASSAY_GOLDEN");
    const char *reason = NULL;
    const char *root = NULL;
    if (named != NULL && *named != '\0') {
        reason = "ASSAY_GOLDEN"; /* even when it does not exist: the error then names it */
        root = named;
    } else if (assay_path_is_directory(working_folder)) {
        reason = "working folder";
        root = working_folder;
    } else if (installed("golden", share) != NULL) {
        reason = "installed data";
        root = share;
    } else if (assay_path_is_directory(ASSAY_GOLDEN_DIR)) {
        reason = "source folder";
        root = ASSAY_GOLDEN_DIR;
    }
    if (why != NULL) {
        *why = reason;
    }
    return root;
}

/* A list of cases by its name, into path [PATH_SIZE]. */
static const char *case_file(const char *name, char *path)
{
    char below[128];
    (void)snprintf(path, PATH_SIZE, "fixtures/cases/%s", name);
    if (assay_path_exists(path)) {
        return path;
    }
    (void)snprintf(below, sizeof below, "cases/%s", name);
    if (installed(below, path) != NULL) {
        return path;
    }
    (void)snprintf(path, PATH_SIZE, ASSAY_GOLDEN_DIR "/../cases/%s", name);
    return assay_path_exists(path) ? path : NULL;
}

const char *assay_case_file_path(void)
{
    static _Thread_local char path[PATH_SIZE];
    return case_file("verify.json", path);
}

const char *assay_bench_file_path(void)
{
    static _Thread_local char path[PATH_SIZE];
    return case_file("bench.json", path);
}

/* The folder below the working one when it exists, else what is installed by that name, else the
 * one of the source, into path [PATH_SIZE]; NULL when there is none. */
static const char *data_folder(const char *folder, const char *name, char *path)
{
    if (assay_path_is_directory(folder)) {
        return folder;
    }
    if (installed(name, path) != NULL) {
        return path;
    }
    (void)snprintf(path, PATH_SIZE, ASSAY_GOLDEN_DIR "/../../%s", folder);
    return assay_path_is_directory(path) ? path : NULL;
}

const char *assay_world_path(void)
{
    static _Thread_local char path[PATH_SIZE];
    return data_folder("fixtures/world/trained", "world", path);
}

const char *assay_peers_folder(void)
{
    static _Thread_local char path[PATH_SIZE];
    return data_folder("bench/peers", "peers", path);
}

/* 1 when directory holds a manifest, 0 when not, -1 when memory is out. */
static int is_bundle(const char *directory)
{
    char *manifest = assay_path_join(directory, "manifest.json");
    if (manifest == NULL) {
        return -1;
    }
    const bool found = assay_path_exists(manifest);
    free(manifest);
    return found ? 1 : 0;
}

/* Takes path over, also when it fails. */
static assay_status append(assay_path_list *list, char *path, assay_error *error)
{
    char **grown = path == NULL ? NULL : realloc(list->path, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(path);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory while listing golden bundles");
    }
    list->path = grown;
    list->path[list->count++] = path;
    return ASSAY_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static assay_status scan(const char *root, assay_path_list *list, assay_error *error)
{
    DIR *folder = opendir(root);
    if (folder == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: no such folder of golden bundles (expected one folder per bundle, "
                          "each with a manifest.json)", root);
    }
    assay_status status = ASSAY_OK;
    const struct dirent *entry;
    while (status == ASSAY_OK && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char *path = assay_path_join(root, entry->d_name);
        const int found = path == NULL ? -1 : is_bundle(path);
        if (found == 0) {
            free(path);
        } else if (found < 0) {
            free(path);
            status = append(list, NULL, error);
        } else {
            status = append(list, path, error);
        }
    }
    closedir(folder);
    return status;
}

/* The world, unless a folder of bundles is named. */
static assay_status add_world(assay_path_list *list, assay_error *error)
{
    const char *const named = getenv("ASSAY_GOLDEN");
    const char *const world = named == NULL || *named == '\0' ? assay_world_path() : NULL;
    return world != NULL && is_bundle(world) == 1 ? append(list, strdup(world), error) : ASSAY_OK;
}

assay_status assay_golden_list(const char *root, assay_path_list *list, assay_error *error)
{
    memset(list, 0, sizeof *list);
    const char *const where = root != NULL ? root : assay_golden_root(NULL);
    if (where == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "no golden bundles: neither %s nor %s exists; name a folder with "
                          "--golden DIR or ASSAY_GOLDEN", working_folder, ASSAY_GOLDEN_DIR);
    }
    assay_status status;
    if (is_bundle(where) == 1) {
        status = append(list, strdup(where), error);
    } else {
        status = scan(where, list, error);
    }
    if (status == ASSAY_OK && root == NULL) {
        status = add_world(list, error);
    }
    if (status == ASSAY_OK && list->count == 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: no golden bundle in it (expected a manifest.json there or in its "
                            "folders)", where);
    }
    if (status != ASSAY_OK) {
        assay_path_list_free(list);
        return status;
    }
    qsort(list->path, list->count, sizeof *list->path, by_name);
    return ASSAY_OK;
}

void assay_path_list_free(assay_path_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->path[i]);
    }
    free(list->path);
    list->path = NULL;
    list->count = 0;
}
