#include "bench/cases.h"

#include <stdlib.h>

#include "fixtures/io/case_file.h"
#include "fixtures/io/json_file.h"
#include "fixtures/synth/cases.h"

enum { ENTRIES_MAX = 10000, ID_MAX = 96, BATCH_LARGEST = 1 << 20 };

static assay_status refuse(const char *where, const char *key, const char *expected,
                           assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_INPUT, "%s: key '%s': expected %s", where, key, expected);
}

static assay_status check_keys(const char *where, const cJSON *json, assay_error *error)
{
    static const char *const known[] = {"id",   "system", "batch", "full",
                                        "case", "stage",  "past",  "new"};
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            found = found || strcmp(known[i], item->string) == 0;
        }
        if (!found) {
            return assay_fail(error, ASSAY_BAD_INPUT, "%s: unknown key '%.40s'; remove it", where,
                              item->string);
        }
    }
    return ASSAY_OK;
}

/* Adds a list's sizes in their order. */
static assay_status read_batches(const char *where, const cJSON *json, const char *key, bool full,
                                 assay_bench_entry *entry, assay_error *error)
{
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(json, key);
    if (list == NULL) {
        return ASSAY_OK;
    }
    bool good = cJSON_IsArray(list);
    for (const cJSON *item = good ? list->child : NULL; item != NULL && good; item = item->next) {
        good = cJSON_IsNumber(item) && item->valuedouble >= 1 &&
               item->valuedouble <= BATCH_LARGEST &&
               item->valuedouble == (double)(int64_t)item->valuedouble &&
               entry->batch_count < ASSAY_BATCHES_MAX;
        for (size_t i = 0; i < entry->batch_count && good; i++) {
            good = entry->batch[i] != (int64_t)item->valuedouble;
        }
        if (good) {
            entry->full[entry->batch_count] = full;
            entry->batch[entry->batch_count++] = (int64_t)item->valuedouble;
        }
    }
    return good ? ASSAY_OK
                : refuse(where, key, "distinct whole numbers from 1 to 1048576, at most 64", error);
}

static void sort_batches(assay_bench_entry *entry)
{
    for (size_t i = 1; i < entry->batch_count; i++) {
        for (size_t j = i; j > 0 && entry->batch[j - 1] > entry->batch[j]; j--) {
            const int64_t batch = entry->batch[j];
            const bool full = entry->full[j];
            entry->batch[j] = entry->batch[j - 1];
            entry->full[j] = entry->full[j - 1];
            entry->batch[j - 1] = batch;
            entry->full[j - 1] = full;
        }
    }
}

static assay_status find_op(const char *where, const cJSON *body, assay_bench_entry *entry,
                            assay_error *error)
{
    const char *name;
    const assay_status status = assay_json_string(where, body, "op", &name, error);
    const int first = entry->stage ? ASSAY_OP_capture : 0;
    const int last = entry->stage ? ASSAY_OP_COUNT : ASSAY_OP_capture;
    for (int op = first; op < last && status == ASSAY_OK; op++) {
        if (strcmp(name, assay_op_name((assay_op)op)) == 0) {
            entry->op = (assay_op)op;
            return ASSAY_OK;
        }
    }
    return status != ASSAY_OK ? status
                              : refuse(where, "op",
                                       entry->stage ? "a stage: capture, generate or explain"
                                                    : "a single step; see `assay list ops`",
                                       error);
}

/* past and new, of attention. */
static assay_status read_span(const char *where, const cJSON *json, const char *key, double least,
                              double *value, assay_error *error)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (item == NULL) {
        return ASSAY_OK;
    }
    if (!cJSON_IsNumber(item) || item->valuedouble < least || item->valuedouble > 1e6 ||
        item->valuedouble != (double)(int64_t)item->valuedouble) {
        return refuse(where, key, "a whole number up to 1000000", error);
    }
    *value = item->valuedouble;
    return ASSAY_OK;
}

/* What assay_bench_case_at adds must not be there: of two keys of one name the first would
 * count. */
static assay_status check_added(const char *where, const assay_bench_entry *entry,
                                assay_error *error)
{
    const cJSON *const shape = cJSON_GetObjectItemCaseSensitive(entry->json, "shape");
    static const struct {
        const char *key;
        bool stage, step;
    } added[] = {{"id", true, true}, {"batch", true, false}, {"sequences", false, true}};
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        if ((entry->stage ? added[i].stage : added[i].step) &&
            cJSON_GetObjectItemCaseSensitive(entry->json, added[i].key) != NULL) {
            return refuse(where, added[i].key, "beside 'case' and not in it", error);
        }
    }
    if (!entry->stage && !cJSON_IsObject(shape)) {
        return refuse(where, "shape", "an object of sizes in 'case'", error);
    }
    return entry->stage || cJSON_GetObjectItemCaseSensitive(shape, "n") == NULL
               ? ASSAY_OK
               : refuse(where, "n", "none in 'shape': it is the batch", error);
}

static assay_status read_body(const char *where, const cJSON *json, assay_bench_entry *entry,
                              assay_error *error)
{
    const cJSON *const step = cJSON_GetObjectItemCaseSensitive(json, "case");
    const cJSON *const stage = cJSON_GetObjectItemCaseSensitive(json, "stage");
    const cJSON *const body = step != NULL ? step : stage;
    if ((step == NULL) == (stage == NULL) || !cJSON_IsObject(body)) {
        return refuse(where, "case", "exactly one object of 'case' and 'stage'", error);
    }
    entry->stage = stage != NULL;
    entry->json = body;
    entry->fresh = 1.0;
    assay_status status = read_span(where, json, "past", 0.0, &entry->past, error);
    if (status == ASSAY_OK) {
        status = read_span(where, json, "new", 1.0, &entry->fresh, error);
    }
    if (status == ASSAY_OK) {
        status = find_op(where, body, entry, error);
    }
    if (status == ASSAY_OK) {
        status = check_added(where, entry, error);
    }
    return status == ASSAY_OK && !entry->stage
               ? assay_case_keys_check(where, body, entry->op, error)
               : status;
}

static assay_status read_entry(const char *path, const cJSON *json, size_t index,
                               assay_bench_entry *entry, assay_error *error)
{
    char where[ASSAY_MESSAGE_MAX / 2];
    (void)snprintf(where, sizeof where, "%.300s: case %zu", path, index);
    if (!cJSON_IsObject(json)) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s: expected an object", where);
    }
    assay_status status = assay_json_id(where, json, ID_MAX, &entry->id, error);
    if (status == ASSAY_OK) {
        (void)snprintf(where, sizeof where, "%.300s: case '%.96s'", path, entry->id);
        status = assay_json_string(where, json, "system", &entry->system, error);
    }
    if (status == ASSAY_OK) {
        status = check_keys(where, json, error);
    }
    if (status == ASSAY_OK) {
        status = read_batches(where, json, "batch", false, entry, error);
    }
    if (status == ASSAY_OK) {
        status = read_batches(where, json, "full", true, entry, error);
    }
    if (status == ASSAY_OK && entry->batch_count == 0) {
        status = refuse(where, "batch", "at least one size", error);
    }
    sort_batches(entry);
    return status == ASSAY_OK ? read_body(where, json, entry, error) : status;
}

static assay_status read_list(const char *path, assay_bench_list *list, assay_error *error)
{
    const cJSON *cases = NULL;
    assay_status status =
        assay_case_file_read(path, "assay-bench-cases", ENTRIES_MAX, &list->root, &cases, error);
    if (status != ASSAY_OK) {
        return status;
    }
    list->entries = calloc((size_t)cJSON_GetArraySize(cases) + 1, sizeof *list->entries);
    if (list->entries == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "%s: no memory for its cases", path);
    }
    for (const cJSON *json = cases->child; json != NULL && status == ASSAY_OK; json = json->next) {
        status = read_entry(path, json, list->count, &list->entries[list->count], error);
        list->count++;
    }
    return status == ASSAY_OK ? assay_case_ids_check(path, cases, error) : status;
}

assay_status assay_bench_list_open(const char *path, assay_bench_list *list, assay_error *error)
{
    memset(list, 0, sizeof *list);
    const assay_status status = read_list(path, list, error);
    if (status != ASSAY_OK) {
        assay_bench_list_close(list);
    }
    return status;
}

void assay_bench_list_close(assay_bench_list *list)
{
    free(list->entries);
    cJSON_Delete(list->root);
    memset(list, 0, sizeof *list);
}

static bool add_sequences(const assay_bench_entry *entry, int64_t batch, cJSON *made)
{
    const double pair[2] = {entry->past, entry->fresh};
    cJSON *const sequences = cJSON_AddArrayToObject(made, "sequences");
    bool good = sequences != NULL;
    for (int64_t i = 0; i < batch && good; i++) {
        good = cJSON_AddItemToArray(sequences, cJSON_CreateDoubleArray(pair, 2)) != 0;
    }
    return good;
}

cJSON *assay_bench_case_at(const assay_bench_entry *entry, int64_t batch)
{
    cJSON *const made = cJSON_Duplicate(entry->json, true);
    bool good = made != NULL && cJSON_AddStringToObject(made, "id", entry->id) != NULL;
    if (good && entry->stage) {
        good = cJSON_AddNumberToObject(made, "batch", (double)batch) != NULL;
    } else if (good && entry->op == ASSAY_OP_attention) {
        good = add_sequences(entry, batch, made);
    } else if (good) {
        cJSON *const shape = cJSON_GetObjectItemCaseSensitive(made, "shape");
        good = cJSON_AddNumberToObject(shape, "n", (double)batch) != NULL;
    }
    if (!good) {
        cJSON_Delete(made);
        return NULL;
    }
    return made;
}
