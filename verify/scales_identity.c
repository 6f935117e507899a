#include "verify/scales_identity.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fixtures/io/sha256.h"

enum { DEEPEST = 4 }; /* folders within folders; checkpoints have one or two */

static void add_file(assay_sha256 *hash, const char *path, const struct stat *about)
{
    const int64_t fact[] = {(int64_t)about->st_size, (int64_t)about->st_mtim.tv_sec,
                            (int64_t)about->st_mtim.tv_nsec, (int64_t)about->st_ino};
    assay_sha256_add(hash, path, strlen(path) + 1);
    assay_sha256_add(hash, fact, sizeof fact);
}

static bool add_path(assay_sha256 *hash, const char *path, int depth);

/* Entries in the order of their names. */
static bool add_folder(assay_sha256 *hash, const char *path, int depth)
{
    struct dirent **entry = NULL;
    const int count = depth < DEEPEST ? scandir(path, &entry, NULL, alphasort) : -1;
    bool good = count >= 0;
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        if (strcmp(entry[i]->d_name, ".") != 0 && strcmp(entry[i]->d_name, "..") != 0) {
            good = asprintf(&inner, "%s/%s", path, entry[i]->d_name) >= 0 &&
                   add_path(hash, inner, depth + 1) && good;
            free(inner);
        }
        free(entry[i]);
    }
    free(entry);
    return good;
}

static bool add_path(assay_sha256 *hash, const char *path, int depth)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return false;
    }
    if (S_ISDIR(about.st_mode)) {
        return add_folder(hash, path, depth);
    }
    add_file(hash, path, &about);
    return true;
}

assay_status assay_scales_open_for(const assay_bundle *bundle, const assay_overrides *overrides,
                                   assay_scales **scales, assay_error *error)
{
    const char *const given[] = {overrides->model, overrides->explainer, overrides->sae,
                                 overrides->adapter, overrides->mean};
    assay_sha256 hash;
    char identity[65];
    bool good = true;
    assay_sha256_begin(&hash);
    assay_sha256_add(&hash, bundle->hash, strlen(bundle->hash));
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        const char mark = given[i] != NULL ? '+' : '-';
        assay_sha256_add(&hash, &mark, 1);
        good = good && (given[i] == NULL || add_path(&hash, given[i], 0));
    }
    assay_sha256_end(&hash, identity);
    /* what cannot be looked at is not kept: opening it will say why */
    return assay_scales_open(good ? identity : NULL, scales, error);
}
