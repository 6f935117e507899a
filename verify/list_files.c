/* `assay list cases` and `assay list golden`. */
#include <string.h>

#include "fixtures/io/bundle.h"
#include "fixtures/synth/cases.h"
#include "verify/generated.h"
#include "verify/golden_path.h"
#include "verify/list_collect.h"

/* What is wrong is a row of the list rather than the end of it. */
static void add_problem(cJSON *list, const char *path, const assay_error *error)
{
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "path", path);
    (void)cJSON_AddStringToObject(entry, "error", error->message);
    (void)cJSON_AddItemToArray(list, entry);
}

static void add_case(cJSON *list, const assay_list_filter *filter, const char *golden,
                     const char *id, const char *op, const char *precision)
{
    if (!assay_filter_matches(filter->op, op) || !assay_filter_matches(filter->case_id, id)) {
        return;
    }
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "golden", golden);
    (void)cJSON_AddStringToObject(entry, "id", id);
    (void)cJSON_AddStringToObject(entry, "op", op);
    (void)cJSON_AddStringToObject(entry, "precision", precision);
    (void)cJSON_AddItemToArray(list, entry);
}

static void add_bundle_cases(cJSON *list, const assay_list_filter *filter,
                             const assay_bundle *bundle)
{
    for (size_t i = 0; i < bundle->case_count; i++) {
        const assay_bundle_case *const c = &bundle->cases[i];
        add_case(list, filter, bundle->name, c->id, c->op, c->precision);
    }
}

static void add_bundle(cJSON *list, const assay_list_filter *filter, const assay_bundle *bundle)
{
    (void)filter;
    cJSON *const entry = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(entry, "name", bundle->name);
    (void)cJSON_AddStringToObject(entry, "path", bundle->directory);
    (void)cJSON_AddNumberToObject(entry, "cases", (double)bundle->case_count);
    (void)cJSON_AddStringToObject(entry, "hash", bundle->hash);
    const cJSON *const producer = cJSON_GetObjectItemCaseSensitive(bundle->manifest, "producer");
    const cJSON *const program = cJSON_GetObjectItemCaseSensitive(producer, "program");
    (void)cJSON_AddStringToObject(entry, "producer",
                                  cJSON_IsString(program) ? program->valuestring : "not named");
    (void)cJSON_AddItemToArray(list, entry);
}

typedef void add_fn(cJSON *list, const assay_list_filter *filter, const assay_bundle *bundle);

static void each_bundle(cJSON *list, const assay_list_filter *filter, const char *root, add_fn *add)
{
    assay_error error;
    assay_path_list paths;
    if (assay_golden_list(root, &paths, &error) != ASSAY_OK) {
        const char *const where = root != NULL ? root : assay_golden_root(NULL);
        add_problem(list, where != NULL ? where : "fixtures/golden", &error);
        return;
    }
    for (size_t i = 0; i < paths.count; i++) {
        assay_bundle bundle;
        memset(&bundle, 0, sizeof bundle);
        if (assay_bundle_open(paths.path[i], &bundle, &error) == ASSAY_OK) {
            add(list, filter, &bundle);
        } else {
            add_problem(list, paths.path[i], &error);
        }
        assay_bundle_close(&bundle);
    }
    assay_path_list_free(&paths);
}

static bool is_generated(const char *golden)
{
    return strcmp(golden, "generated") == 0;
}

static cJSON *each_root(const assay_list_filter *filter, add_fn *add)
{
    cJSON *const list = cJSON_CreateArray();
    if (list != NULL && filter->golden_count == 0 && filter->cases == NULL) {
        each_bundle(list, filter, NULL, add);
    }
    for (size_t i = 0; list != NULL && i < filter->golden_count; i++) {
        if (!is_generated(filter->golden[i])) {
            each_bundle(list, filter, filter->golden[i], add);
        }
    }
    return list;
}

cJSON *assay_list_golden(const assay_list_filter *filter, assay_error *error)
{
    (void)error;
    return each_root(filter, add_bundle);
}

/* Drawn cases are listed as verify draws them when no seed is given. */
enum { DEFAULT_SEED = 1 };

static void add_generated(cJSON *list, const assay_list_filter *filter)
{
    assay_error error;
    assay_case_list cases;
    memset(&cases, 0, sizeof cases);
    const char *const path = filter->cases != NULL ? filter->cases : assay_case_file_path();
    if (path == NULL) {
        return;
    }
    if (assay_case_list_open(path, &cases, &error) != ASSAY_OK) {
        add_problem(list, path, &error);
        return;
    }
    if (filter->cases == NULL) {
        (void)assay_case_list_draw(&cases, DEFAULT_SEED, &error);
    }
    for (size_t i = 0; i < cases.count; i++) {
        add_case(list, filter, "generated", cases.entries[i].id,
                 assay_op_name(cases.entries[i].op), "f64");
    }
    assay_case_list_close(&cases);
}

cJSON *assay_list_cases(const assay_list_filter *filter, assay_error *error)
{
    (void)error;
    cJSON *const list = each_root(filter, add_bundle_cases);
    bool generated = filter->golden_count == 0 || filter->cases != NULL;
    for (size_t i = 0; i < filter->golden_count; i++) {
        generated = generated || is_generated(filter->golden[i]);
    }
    if (list != NULL && generated) {
        add_generated(list, filter);
    }
    return list;
}
