#include "reports/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/results_parts.h"

#define AT(member) offsetof(results_verdict, member)
static const assay_field verdict_fields[] = {
    {"golden", ASSAY_FIELD_TEXT, AT(golden), false},
    {"source", ASSAY_FIELD_TEXT, AT(source), false},
    {"op", ASSAY_FIELD_TEXT, AT(op), true},
    {"impl", ASSAY_FIELD_TEXT, AT(impl), true},
    {"case", ASSAY_FIELD_TEXT, AT(case_id), true},
    {"verdict", ASSAY_FIELD_VERDICT, AT(verdict), true},
    {"check", ASSAY_FIELD_TEXT, AT(check), false},
    {"seed", ASSAY_FIELD_TEXT, AT(seed), false},
    {"message", ASSAY_FIELD_TEXT, AT(message), false},
    {"budget_used", ASSAY_FIELD_REAL, AT(budget_used), false},
    {"max_abs", ASSAY_FIELD_REAL, AT(max_abs), false},
    {"rel_l2", ASSAY_FIELD_REAL, AT(rel_l2), false},
    {"cosine", ASSAY_FIELD_REAL, AT(cosine), false},
    {"ulp", ASSAY_FIELD_REAL, AT(ulp), false},
    {"seconds", ASSAY_FIELD_REAL, AT(seconds), false},
    {"undecided", ASSAY_FIELD_REAL, AT(undecided), false},
    {"compared", ASSAY_FIELD_REAL, AT(compared), false},
    {"repeat_differs", ASSAY_FIELD_FLAG, AT(repeat_differs), false},
    {"batch_differs", ASSAY_FIELD_FLAG, AT(batch_differs), false},
    {NULL, ASSAY_FIELD_FLAG, 0, false}};
#undef AT

#define AT(member) offsetof(results_comparison, member)
static const assay_field comparison_fields[] = {{"op", ASSAY_FIELD_TEXT, AT(op), true},
                                                {"case", ASSAY_FIELD_TEXT, AT(case_id), true},
                                                {"batch", ASSAY_FIELD_COUNT, AT(batch), true},
                                                {"cache", ASSAY_FIELD_TEXT, AT(cache), true},
                                                {"threads", ASSAY_FIELD_COUNT, AT(threads), true},
                                                {"impl", ASSAY_FIELD_TEXT, AT(impl), true},
                                                {"against", ASSAY_FIELD_TEXT, AT(against), true},
                                                {"verdict", ASSAY_FIELD_TEXT, AT(verdict), true},
                                                {"p", ASSAY_FIELD_REAL, AT(p), false},
                                                {NULL, ASSAY_FIELD_FLAG, 0, false}};
#undef AT

#define AT(member) offsetof(results_skipped, member)
static const assay_field skipped_fields[] = {
    {"op", ASSAY_FIELD_TEXT, AT(op), true},         {"impl", ASSAY_FIELD_TEXT, AT(impl), true},
    {"case", ASSAY_FIELD_TEXT, AT(case_id), true},  {"reason", ASSAY_FIELD_TEXT, AT(reason), true},
    {"batch", ASSAY_FIELD_COUNT, AT(batch), false}, {NULL, ASSAY_FIELD_FLAG, 0, false}};
#undef AT

static assay_status read_verdict(assay_results *results, const assay_node *node,
                                 const assay_place *place, assay_error *error)
{
    results_verdict *const verdict = &results->verdict[results->verdict_count++];
    verdict->file = results->file_count;
    return assay_fields_read(verdict_fields, node, place, verdict, error);
}

static assay_status read_timing(assay_results *results, const assay_node *node,
                                const assay_place *place, assay_error *error)
{
    results_timing *const timing = &results->timing[results->timing_count++];
    timing->file = results->file_count;
    return results_read_timing(results->file[results->file_count].doc, node, place, timing, error);
}

static assay_status read_comparison(assay_results *results, const assay_node *node,
                                    const assay_place *place, assay_error *error)
{
    results_comparison *const comparison = &results->comparison[results->comparison_count++];
    const assay_node *const pairs = assay_node_get(node, "pairs");
    comparison->file = results->file_count;
    comparison->pairs = pairs != NULL && pairs->kind == ASSAY_NODE_LIST ? pairs->count : 0;
    assay_status status = assay_fields_read(comparison_fields, node, place, comparison, error);
    if (status == ASSAY_OK) {
        status = results_check_identity(node, place, comparison->cache, comparison->batch,
                                        comparison->threads, error);
    }
    return status == ASSAY_OK
               ? results_read_estimate(node, "ratio", place, &comparison->ratio, error)
               : status;
}

static assay_status read_skipped(assay_results *results, const assay_node *node,
                                 const assay_place *place, assay_error *error)
{
    results_skipped *const skipped = &results->skipped[results->skipped_count++];
    skipped->file = results->file_count;
    return assay_fields_read(skipped_fields, node, place, skipped, error);
}

static assay_status read_evaluation(assay_results *results, const assay_node *node,
                                    const assay_place *place, assay_error *error)
{
    results_evaluation *const evaluation = &results->evaluation[results->evaluation_count++];
    evaluation->file = results->file_count;
    return results_read_evaluation(node, place, evaluation, error);
}

typedef assay_status (*read_one)(assay_results *, const assay_node *, const assay_place *,
                                 assay_error *);

/* items with room for the file's list behind the first count; NULL when memory is out. */
static void *make_room(void *items, size_t count, size_t size, const assay_doc *doc,
                       const char *key)
{
    const assay_node *const list = assay_node_get(doc->root, key);
    const size_t more = list != NULL && list->kind == ASSAY_NODE_LIST ? list->count : 0;
    char *const grown = realloc(items, (count + more + 1) * size);
    if (grown != NULL) {
        memset(grown + count * size, 0, more * size);
    }
    return grown;
}

static assay_status read_list(assay_results *results, const assay_doc *doc, const char *key,
                              read_one read, assay_error *error)
{
    const assay_node *const list = assay_node_get(doc->root, key);
    assay_place place = {doc->path, key, 0};
    if (list == NULL) {
        return ASSAY_OK;
    }
    if (list->kind != ASSAY_NODE_LIST) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: byte %zu: key '%s' is %s: expected a list "
                          "of objects",
                          doc->path, list->at, key, assay_node_kind_name(list));
    }
    for (const assay_node *node = list->as.first; node != NULL; node = node->next, place.index++) {
        const assay_status status = read(results, node, &place, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

/* The form and the version that are read: number 1, or text 2.y.z. */
static assay_status check_form(const assay_doc *doc, assay_error *error)
{
    const assay_node *const version = assay_node_get(doc->root, "version");
    if (strcmp(assay_node_text(doc->root, "format", ""), "assay-results") != 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: not a result file: key 'format' is not \"assay-results\"; make one "
                          "with assay verify --json or assay bench --json",
                          doc->path);
    }
    const bool first =
        version != NULL && version->kind == ASSAY_NODE_NUMBER && version->as.number == 1.0;
    const bool second = version != NULL && version->kind == ASSAY_NODE_TEXT &&
                        strncmp(version->as.text, "2.", 2) == 0;
    if (!first && !second) {
        return assay_fail(
            error, ASSAY_BAD_INPUT,
            "%s: key 'version' is neither 1 nor \"2.y.z\": a newer assay is needed to "
            "read it",
            doc->path);
    }
    const assay_node *const environment = assay_node_get(doc->root, "environment");
    return environment != NULL && environment->kind == ASSAY_NODE_OBJECT
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: key 'environment' is %s: expected an object", doc->path,
                            assay_node_kind_name(environment));
}

static void describe_file(results_file *file, assay_doc *doc)
{
    const assay_node *const ceilings = assay_node_get(doc->root, "ceilings");
    const assay_node *const entries = assay_node_get(ceilings, "entries");
    file->doc = doc;
    file->path = doc->path;
    file->command = assay_node_text(doc->root, "command", "");
    file->environment = assay_node_get(doc->root, "environment");
    file->date = assay_node_text(file->environment, "date", "");
    file->machine = assay_node_text(file->environment, "machine", "");
    file->ceilings = entries != NULL && entries->kind == ASSAY_NODE_LIST ? entries : NULL;
    file->ceilings_date = assay_node_text(ceilings, "date", "");
}

assay_status assay_results_add_doc(assay_results *results, assay_doc *doc, assay_error *error)
{
    const assay_results before = *results;
    results_file *const grown = realloc(results->file, (results->file_count + 1) * sizeof *grown);
    assay_status status = grown == NULL
                              ? assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", doc->path)
                              : check_form(doc, error);
    if (grown != NULL) {
        results->file = grown;
        describe_file(&grown[results->file_count], doc);
    }
#define READ(list, key, one)                                                                       \
    if (status == ASSAY_OK) {                                                                      \
        void *const room =                                                                         \
            make_room(results->list, results->list##_count, sizeof *results->list, doc, key);      \
        results->list = room != NULL ? room : results->list;                                       \
        status = room != NULL                                                                      \
                     ? read_list(results, doc, key, one, error)                                    \
                     : assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", doc->path);         \
    }
    READ(verdict, "verdicts", read_verdict)
    READ(timing, "timings", read_timing)
    READ(comparison, "comparisons", read_comparison)
    READ(skipped, "skipped", read_skipped)
    READ(evaluation, "evaluations", read_evaluation)
#undef READ
    if (status != ASSAY_OK) {
        results->verdict_count = before.verdict_count;
        results->timing_count = before.timing_count;
        results->comparison_count = before.comparison_count;
        results->skipped_count = before.skipped_count;
        results->evaluation_count = before.evaluation_count;
        assay_doc_free(&doc);
        return status;
    }
    results->file_count++;
    return ASSAY_OK;
}

assay_status assay_results_add(assay_results *results, const char *path, assay_error *error)
{
    assay_doc *doc = NULL;
    const assay_status status = assay_doc_read(path, &doc, error);
    return status == ASSAY_OK ? assay_results_add_doc(results, doc, error) : status;
}

void assay_results_free(assay_results *results)
{
    for (size_t i = 0; i < results->file_count; i++) {
        assay_doc_free(&results->file[i].doc);
    }
    free(results->file);
    free(results->verdict);
    free(results->timing);
    free(results->comparison);
    free(results->skipped);
    free(results->evaluation);
    *results = (assay_results){0};
}
