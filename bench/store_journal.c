/* Results on disk as they come, line by line, and what an earlier run left of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/lines.h"
#include "bench/store_parts.h"
#include "fixtures/io/json_file.h"
#include "verify/results_path.h"

/* Of results to go on with. */
static const size_t results_limit = (size_t)4 << 30;
static const char *const list_names[] = {"timings", "comparisons", "skipped"};
enum { LISTS = sizeof list_names / sizeof *list_names };

static assay_status journal_error(const assay_bench_store *store, assay_error *error)
{
    return assay_fail(error, ASSAY_IO,
                      "%s: cannot be written: %s: check folder and space, or name another file "
                      "with --json",
                      store->journal_path, strerror(errno));
}

static bool known_list(const char *name)
{
    bool known = false;
    for (size_t i = 0; name != NULL && i < LISTS; i++) {
        known = known || strcmp(name, list_names[i]) == 0;
    }
    return known;
}

/* What every item has: the words that tell it from the others. */
static bool is_item(const cJSON *item)
{
    static const char *const texts[] = {"op", "impl", "case"};
    bool good = cJSON_IsObject(item) &&
                cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(item, "batch"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        good = good && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(item, texts[i]));
    }
    return good;
}

/* A line {"list": name, "item": …}; false: torn by a kill, or not one of ours. */
static bool take_line(assay_bench_store *store, cJSON *line)
{
    const char *const name =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "list"));
    cJSON *const item = cJSON_DetachItemFromObject(line, "item");
    if (!known_list(name) || !is_item(item)) {
        cJSON_Delete(item);
        return false;
    }
    (void)cJSON_AddItemToArray(assay_store_list(store, name), item);
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
    for (size_t i = 0; status == ASSAY_OK && i < LISTS; i++) {
        cJSON *const list = cJSON_DetachItemFromObjectCaseSensitive(root, list_names[i]);
        bool good = list == NULL || cJSON_IsArray(list);
        for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL && good;
             item = item->next) {
            good = is_item(item);
        }
        if (list != NULL) {
            (void)cJSON_AddItemToObject(store->lists, list_names[i], list);
        }
        if (!good) {
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s: key '%s': expected a list of objects with op, impl, case and "
                                "batch; leave --resume out to begin anew",
                                store->path, list_names[i]);
        }
    }
    cJSON_Delete(root);
    return status;
}

/* Lines behind the first. A kill can tear the last one alone: that is cut off. Another one that is
 * wrong was not written by bench, and what stands behind it must not be lost without a word. */
static assay_status read_items(assay_bench_store *store, assay_lines *lines, assay_error *error)
{
    size_t number = 1;
    for (;;) {
        cJSON *line = NULL;
        const assay_line read = assay_lines_read(lines, -1.0, &line);
        number++;
        if (read == ASSAY_LINE_END) {
            return ASSAY_OK;
        }
        const bool good = read == ASSAY_LINE_READ && take_line(store, line);
        cJSON_Delete(line);
        if (!good) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "%s: line %zu: not a result of bench; remove that line, or leave "
                              "--resume out to begin anew",
                              store->journal_path, number);
        }
    }
}

/* Reads what an earlier run kept. */
static assay_status read_journal(assay_bench_store *store, const char *options, assay_error *error)
{
    assay_lines lines = {.in = store->journal};
    cJSON *line = NULL;
    const assay_line first = assay_lines_read(&lines, -1.0, &line);
    const char *const made_with =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "options"));
    assay_status status = ASSAY_OK;
    if (first == ASSAY_LINE_BAD) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: line 1: not a journal of bench; leave --resume out to begin anew",
                            store->journal_path);
    } else if (first == ASSAY_LINE_READ) {
        status = made_with == NULL || strcmp(made_with, options) != 0
                     ? other_run(store->journal_path, made_with, error)
                     : read_items(store, &lines, error);
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

assay_status assay_store_append(assay_bench_store *store, const char *list, const cJSON *item,
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
 * end cannot stand in the middle. It is held before it takes the other's place. */
static assay_status start_journal(assay_bench_store *store, const char *options, assay_error *error)
{
    char *fresh = NULL;
    const int old = store->journal;
    cJSON *const head = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(head, "options", options);
    if (asprintf(&fresh, "%s.new", store->journal_path) < 0) {
        cJSON_Delete(head);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    store->journal = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assay_status status = store->journal >= 0 && assay_journal_take(store->journal)
                              ? write_line(store, head, error)
                              : journal_error(store, error);
    for (const cJSON *list = store->lists->child; list != NULL; list = list->next) {
        for (const cJSON *item = list->child; item != NULL && status == ASSAY_OK;
             item = item->next) {
            status = assay_store_append(store, list->string, item, error);
        }
    }
    if (status == ASSAY_OK && rename(fresh, store->journal_path) != 0) {
        status = journal_error(store, error);
    }
    if (status != ASSAY_OK) {
        (void)unlink(fresh);
    }
    (void)close(old);
    free(fresh);
    cJSON_Delete(head);
    return status;
}

/* An empty one is what assay_journal_hold made. */
static bool is_empty(int file)
{
    struct stat info;
    return fstat(file, &info) == 0 && info.st_size == 0;
}

assay_status assay_store_open_journal(assay_bench_store *store, const char *options, bool resume,
                                      assay_error *error)
{
    if (asprintf(&store->journal_path, "%s.journal", store->path) < 0) {
        store->journal_path = NULL;
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    assay_status status = assay_journal_hold(store->journal_path, &store->journal, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const bool empty = is_empty(store->journal);
    if (resume) {
        status = empty ? read_finished(store, options, error)
                       : read_journal(store, options, error);
    }
    if (status == ASSAY_OK) {
        return start_journal(store, options, error);
    }
    if (empty) {
        (void)unlink(store->journal_path);
    }
    return status;
}
