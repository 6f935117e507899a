#include "bench/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/lines.h"
#include "fixtures/io/json_file.h"
#include "verify/report.h"

/* Of results to go on with. */
static const size_t results_limit = (size_t)4 << 30;

struct assay_bench_store {
    char *options;
    char *path, *journal_path;
    int journal; /* -1: none */
    cJSON *lists;
};

static cJSON *list_of(assay_bench_store *store, const char *name)
{
    cJSON *const list = cJSON_GetObjectItemCaseSensitive(store->lists, name);
    return list != NULL ? list : cJSON_AddArrayToObject(store->lists, name);
}

static assay_status journal_error(const assay_bench_store *store, assay_error *error)
{
    return assay_fail(error, ASSAY_IO, "%s: cannot be written: %s", store->journal_path,
                      strerror(errno));
}

/* A line {"list": name, "item": …}; false: torn by a kill, or not one of ours. */
static bool take_line(assay_bench_store *store, cJSON *line)
{
    const char *const name =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "list"));
    cJSON *const item = cJSON_DetachItemFromObject(line, "item");
    if (name == NULL || item == NULL) {
        cJSON_Delete(item);
        return false;
    }
    (void)cJSON_AddItemToArray(list_of(store, name), item);
    return true;
}

static assay_status other_run(const char *path, const char *made_with, assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_ARGUMENT,
                      "%s: was begun with other options or another build (%.300s); give those, or "
                      "leave --resume out to begin anew",
                      path, made_with != NULL ? made_with : "not said");
}

/* Takes what a finished run wrote: there is nothing left to do of it. */
static assay_status read_finished(assay_bench_store *store, const char *options,
                                  assay_error *error)
{
    static const char *const lists[] = {"timings", "comparisons", "skipped"};
    cJSON *root = NULL;
    if (!assay_path_exists(store->path)) {
        return ASSAY_OK;
    }
    assay_status status = assay_json_read(store->path, results_limit, &root, error);
    const char *const made_with =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "options"));
    if (status == ASSAY_OK && (made_with == NULL || strcmp(made_with, options) != 0)) {
        status = other_run(store->path, made_with, error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < sizeof lists / sizeof *lists; i++) {
        cJSON *const list = cJSON_DetachItemFromObjectCaseSensitive(root, lists[i]);
        if (list != NULL) {
            (void)cJSON_AddItemToObject(store->lists, lists[i], list);
        }
    }
    cJSON_Delete(root);
    return status;
}

/* Reads what an earlier run kept; a torn last line is cut off. */
static assay_status read_journal(assay_bench_store *store, const char *options, assay_error *error)
{
    assay_lines lines = {.in = store->journal};
    cJSON *line = NULL;
    const assay_line first = assay_lines_read(&lines, -1.0, &line);
    const char *const made_with =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "options"));
    assay_status status = ASSAY_OK;
    if (first == ASSAY_LINE_READ && (made_with == NULL || strcmp(made_with, options) != 0)) {
        status = other_run(store->journal_path, made_with, error);
    }
    while (status == ASSAY_OK && first == ASSAY_LINE_READ) {
        cJSON_Delete(line);
        if (assay_lines_read(&lines, -1.0, &line) != ASSAY_LINE_READ || !take_line(store, line)) {
            break;
        }
    }
    cJSON_Delete(line);
    assay_lines_free(&lines);
    return status;
}

static assay_status write_line(assay_bench_store *store, const cJSON *line, assay_error *error)
{
    const assay_lines lines = {.out = store->journal};
    return store->journal < 0 || (assay_lines_write(&lines, line) && fsync(store->journal) == 0)
               ? ASSAY_OK
               : journal_error(store, error);
}

static assay_status append(assay_bench_store *store, const char *list, const cJSON *item,
                           assay_error *error)
{
    cJSON *const line = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(line, "list", list);
    (void)cJSON_AddItemReferenceToObject(line, "item", (cJSON *)(uintptr_t)item);
    const assay_status status = write_line(store, line, error);
    cJSON_Delete(line);
    return status;
}

/* A journal of its own file name, swapped in whole: what was read is written anew, so that a torn
 * end cannot stand in the middle. */
static assay_status start_journal(assay_bench_store *store, const char *options, assay_error *error)
{
    char *fresh = NULL;
    cJSON *const head = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(head, "options", options);
    if (store->journal >= 0) {
        (void)close(store->journal);
    }
    if (asprintf(&fresh, "%s.new", store->journal_path) < 0) {
        cJSON_Delete(head);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    store->journal = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assay_status status =
        store->journal >= 0 ? write_line(store, head, error) : journal_error(store, error);
    for (const cJSON *list = store->lists->child; list != NULL; list = list->next) {
        for (const cJSON *item = list->child; item != NULL && status == ASSAY_OK;
             item = item->next) {
            status = append(store, list->string, item, error);
        }
    }
    if (status == ASSAY_OK && rename(fresh, store->journal_path) != 0) {
        status = journal_error(store, error);
    }
    free(fresh);
    cJSON_Delete(head);
    return status;
}

static assay_status open_journal(assay_bench_store *store, const char *options, bool resume,
                                 assay_error *error)
{
    assay_status status = ASSAY_OK;
    if (asprintf(&store->journal_path, "%s.journal", store->path) < 0) {
        store->journal_path = NULL;
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (resume) {
        store->journal = open(store->journal_path, O_RDONLY | O_CLOEXEC);
        if (store->journal < 0 && errno != ENOENT) {
            return assay_fail(error, ASSAY_IO, "%s: cannot be read: %s", store->journal_path,
                              strerror(errno));
        }
        status = store->journal >= 0 ? read_journal(store, options, error)
                                     : read_finished(store, options, error);
    }
    return status == ASSAY_OK ? start_journal(store, options, error) : status;
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
    if (path != NULL && status == ASSAY_OK) {
        made->path = strdup(path);
        status = made->path != NULL ? open_journal(made, options, resume, error)
                                    : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
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
    if (item == NULL || !cJSON_AddItemToArray(list_of(store, list), item)) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for results");
    }
    return append(store, list, item, error);
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
