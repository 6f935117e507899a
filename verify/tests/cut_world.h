/* A small part of the committed world: eight concepts with their texts and latents, the model, SAEs
 * and adapters as they are. Through the second SAE half of them are wrong, by what its registry and
 * the figures are made to say: three have one another's best latents, one has none. */
#ifndef VERIFY_TESTS_CUT_WORLD_H
#define VERIFY_TESTS_CUT_WORLD_H

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <unistd.h>

#include "verify/tests/run_assay.h"

#define CUT_WORLD ASSAY_SOURCE_DIR "/fixtures/world/trained"

enum { CUT_CONCEPTS = 8, CUT_TURNED = 3, CUT_WRONG = 4 };

#define CUT_ADAPTER "llamascope-scalar-affine"

static inline cJSON *cut_read(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = NULL;
    size_t room = 0;
    cr_assert(getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    cJSON *const root = cJSON_Parse(text);
    cr_assert_not_null(root, "%s", path);
    free(text);
    return root;
}

/* Deletes root. */
static inline void cut_write(const char *folder, const char *name, cJSON *root)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *const text = cJSON_PrintUnformatted(root);
    unlink(path);
    FILE *const file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fputs(text, file);
    fclose(file);
    cJSON_free(text);
    cJSON_Delete(root);
}

/* The labels that a world's figures give as wrong through an adapter; the caller deletes them. */
static inline cJSON *cut_wrong(const char *folder, const char *adapter)
{
    cJSON *const figures = cut_read(folder, "figures.json");
    const cJSON *const one =
        cJSON_GetObjectItem(cJSON_GetObjectItem(figures, "adapter"), adapter);
    cJSON *const labels = cJSON_CreateArray();
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(one, "wrong"))
    {
        cJSON_AddItemToArray(labels,
                             cJSON_Duplicate(cJSON_GetObjectItem(item, "planted"), true));
    }
    cJSON_Delete(figures);
    return labels;
}

static inline bool cut_holds(const cJSON *labels, const char *label)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, labels)
    {
        if (strcmp(item->valuestring, label) == 0) {
            return true;
        }
    }
    return false;
}

/* kept[new] = old: the first that every scalar affine adapter says rightly. */
static inline void cut_choose(const cJSON *concepts, int kept[CUT_CONCEPTS])
{
    cJSON *const first = cut_wrong(CUT_WORLD, "goodfire-scalar-affine");
    cJSON *const second = cut_wrong(CUT_WORLD, CUT_ADAPTER);
    const cJSON *item = NULL;
    int count = 0;
    int at = 0;
    cJSON_ArrayForEach(item, concepts)
    {
        const char *const label = cJSON_GetObjectItem(item, "label")->valuestring;
        if (count < CUT_CONCEPTS && !cut_holds(first, label) && !cut_holds(second, label)) {
            kept[count++] = at;
        }
        at++;
    }
    cr_assert_eq(count, CUT_CONCEPTS, "%d", count);
    cJSON_Delete(first);
    cJSON_Delete(second);
}

static inline int cut_new(const int kept[CUT_CONCEPTS], int old)
{
    for (int i = 0; i < CUT_CONCEPTS; i++) {
        if (kept[i] == old) {
            return i;
        }
    }
    return -1;
}

/* Keeps rows whose element `at` (a number, or the member "concept") is a kept concept. */
static inline void cut_rows(cJSON *root, const char *key, int at, const int kept[CUT_CONCEPTS])
{
    cJSON *const made = cJSON_CreateArray();
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, key))
    {
        const cJSON *const old =
            at < 0 ? cJSON_GetObjectItem(item, "concept") : cJSON_GetArrayItem(item, at);
        const int now = cut_new(kept, old->valueint);
        if (now >= 0) {
            cJSON *const copy = cJSON_Duplicate(item, true);
            cJSON *const number = at < 0 ? cJSON_GetObjectItem(copy, "concept")
                                         : cJSON_GetArrayItem(copy, at);
            (void)cJSON_SetNumberHelper(number, now);
            cJSON_AddItemToArray(made, copy);
        }
    }
    cJSON_ReplaceItemInObject(root, key, made);
}

/* Of the concepts 0 .. CUT_TURNED - 1 each gets the next one's best latent; the one after them,
 * none. */
static inline void cut_turn(cJSON *registry)
{
    cJSON *const best = cJSON_GetObjectItem(registry, "best");
    cJSON *row = NULL;
    int latent[CUT_WRONG];
    int gone = -1;
    int at = 0;
    cJSON_ArrayForEach(row, best)
    {
        const int concept = cJSON_GetArrayItem(row, 0)->valueint;
        if (concept < CUT_WRONG) {
            latent[concept] = cJSON_GetArrayItem(row, 1)->valueint;
        }
        gone = concept == CUT_TURNED ? at : gone;
        at++;
    }
    cJSON_ArrayForEach(row, best)
    {
        const int concept = cJSON_GetArrayItem(row, 0)->valueint;
        if (concept < CUT_TURNED) {
            (void)cJSON_SetNumberHelper(cJSON_GetArrayItem(row, 1),
                                        latent[(concept + 1) % CUT_TURNED]);
        }
    }
    cJSON_DeleteItemFromArray(best, gone);
}

/* What the figures then give as wrong. */
static inline void cut_figures(const char *folder, const cJSON *concepts)
{
    cJSON *const figures = cut_read(CUT_WORLD, "figures.json");
    cJSON *const wrong = cJSON_CreateArray();
    for (int i = 0; i < CUT_WRONG; i++) {
        const cJSON *const said = cJSON_GetArrayItem(concepts, (i + 1) % CUT_TURNED);
        cJSON *const item = cJSON_CreateObject();
        cJSON_AddItemToObject(
            item, "planted",
            cJSON_Duplicate(cJSON_GetObjectItem(cJSON_GetArrayItem(concepts, i), "label"), true));
        cJSON_AddItemToObject(item, "said",
                              i == CUT_TURNED
                                  ? cJSON_CreateNull()
                                  : cJSON_Duplicate(cJSON_GetObjectItem(said, "label"), true));
        cJSON_AddItemToArray(wrong, item);
    }
    cJSON *const adapter =
        cJSON_GetObjectItem(cJSON_GetObjectItem(figures, "adapter"), CUT_ADAPTER);
    cJSON_ReplaceItemInObject(adapter, "wrong", wrong);
    cut_write(folder, "figures.json", figures);
}

static inline void cut_link(const char *folder, const char *name)
{
    char from[1024];
    char to[1024];
    snprintf(from, sizeof from, "%s/%s", CUT_WORLD, name);
    snprintf(to, sizeof to, "%s/%s", folder, name);
    cr_assert_eq(symlink(from, to), 0, "%s", to);
}

/* folder: [64], receives its name. */
static inline void cut_world(char *folder)
{
    static const char *const registries[] = {"registry/goodfire.json", "registry/l2r-8x.json"};
    static const char *const links[] = {"model", "sae", "adapter"};
    int kept[CUT_CONCEPTS];
    char path[128];
    strcpy(folder, "./assay-world-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "mkdir %s/registry", folder);
    cr_assert_eq(system(path), 0);
    cJSON *const language = cut_read(CUT_WORLD, "language.json");
    const cJSON *const concepts = cJSON_GetObjectItem(language, "concepts");
    cut_choose(concepts, kept);
    cJSON *const made = cJSON_CreateArray();
    for (int i = 0; i < CUT_CONCEPTS; i++) {
        cJSON_AddItemToArray(made, cJSON_Duplicate(cJSON_GetArrayItem(concepts, kept[i]), true));
    }
    cJSON_ReplaceItemInObject(language, "concepts", made);
    cut_rows(language, "prompts", -1, kept);
    cut_figures(folder, made);
    cut_write(folder, "language.json", language);
    for (size_t i = 0; i < 2; i++) {
        cJSON *const registry = cut_read(CUT_WORLD, registries[i]);
        cut_rows(registry, "latents", 1, kept);
        cut_rows(registry, "best", 0, kept);
        if (i == 1) {
            cut_turn(registry);
        }
        cut_write(folder, registries[i], registry);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        cut_link(folder, links[i]);
    }
}

static inline void cut_remove(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

#endif
