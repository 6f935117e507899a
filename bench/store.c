#include "bench/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/result.h"
#include "bench/store_parts.h"
#include "verify/report.h"
#include "verify/results_path.h"

cJSON *assay_store_list(assay_bench_store *store, const char *name)
{
    cJSON *const list = cJSON_GetObjectItemCaseSensitive(store->lists, name);
    return list != NULL ? list : cJSON_AddArrayToObject(store->lists, name);
}

assay_status assay_store_open(const char *path, const char *options, bool resume,
                              assay_bench_store **store, assay_error *error)
{
    assay_bench_store *const made = calloc(1, sizeof *made);
    *store = made;
    if (made == NULL || (made->lists = cJSON_CreateObject()) == NULL) {
        assay_store_close(store);
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for results");
    }
    made->journal = -1;
    made->options = strdup(options);
    assay_status status =
        made->options != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    bool plain = false;
    if (path != NULL && status == ASSAY_OK) {
        made->path = assay_results_path(path);
        status = made->path != NULL ? assay_results_path_check(made->path, resume, &plain, error)
                                    : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (status == ASSAY_OK && plain) {
        status = assay_store_open_journal(made, options, resume, error);
    }
    if (status != ASSAY_OK) {
        assay_store_close(store);
    }
    return status;
}

void assay_store_close(assay_bench_store **store)
{
    assay_bench_store *const s = *store;
    if (s == NULL) {
        return;
    }
    if (s->journal >= 0) {
        (void)close(s->journal);
    }
    cJSON_Delete(s->lists);
    free(s->journal_path);
    free(s->path);
    free(s->options);
    free(s);
    *store = NULL;
}

assay_status assay_store_add(assay_bench_store *store, const char *list, cJSON *item,
                             assay_error *error)
{
    if (item == NULL || !cJSON_AddItemToArray(assay_store_list(store, list), item)) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for results");
    }
    return assay_store_append(store, list, item, error);
}

static bool same_text(const cJSON *object, const char *key, const char *text)
{
    const char *const value =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return value != NULL && strcmp(value, text) == 0;
}

static bool same_key(const cJSON *item, const assay_timing_key *key)
{
    const cJSON *const batch = cJSON_GetObjectItemCaseSensitive(item, "batch");
    const cJSON *const cache = cJSON_GetObjectItemCaseSensitive(item, "cache");
    return same_text(item, "case", key->entry->id) && same_text(item, "impl", key->impl) &&
           cJSON_IsNumber(batch) && (int64_t)batch->valuedouble == key->batch &&
           (cache == NULL || same_text(item, "cache", key->cold ? "cold" : "warm"));
}

bool assay_store_has(const assay_bench_store *store, const char *list, const assay_timing_key *key,
                     const char *against)
{
    const cJSON *const items = cJSON_GetObjectItemCaseSensitive(store->lists, list);
    for (const cJSON *item = items != NULL ? items->child : NULL; item != NULL;
         item = item->next) {
        if (same_key(item, key) && (against == NULL || same_text(item, "against", against))) {
            return true;
        }
    }
    return false;
}

/* Whether a text begins with the name of a bad verdict. */
static bool says_wrong(const char *text)
{
    bool wrong = false;
    for (int v = ASSAY_PASS; text != NULL && v <= ASSAY_SKIP; v++) {
        const char *const name = assay_verdict_name((assay_verdict)v);
        wrong = wrong || (assay_verdict_is_bad((assay_verdict)v) &&
                          strncmp(text, name, strlen(name)) == 0);
    }
    return wrong;
}

bool assay_store_found_wrong(const assay_bench_store *store)
{
    static const char *const where[][2] = {{"timings", "verdict"}, {"skipped", "reason"}};
    bool wrong = false;
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(store->lists, where[i][0]);
        for (item = item != NULL ? item->child : NULL; item != NULL; item = item->next) {
            wrong = wrong || says_wrong(cJSON_GetStringValue(
                                 cJSON_GetObjectItemCaseSensitive(item, where[i][1])));
        }
    }
    return wrong;
}

const cJSON *assay_store_lists(const assay_bench_store *store)
{
    return store->lists;
}

assay_status assay_store_finish(assay_bench_store *store, cJSON *head, assay_error *error)
{
    assay_status status = ASSAY_OK;
    (void)cJSON_AddStringToObject(head, "options", store->options);
    for (cJSON *list = store->lists->child; list != NULL; list = list->next) {
        (void)cJSON_AddItemReferenceToObject(head, list->string, list);
    }
    if (store->path != NULL) {
        status = assay_json_write(head, store->path, error);
    }
    cJSON_Delete(head);
    if (status == ASSAY_OK && store->journal_path != NULL) {
        (void)unlink(store->journal_path);
    }
    return status;
}
