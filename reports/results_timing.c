/* Timings out of result files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/fields.h"
#include "reports/results_parts.h"
#include "reports/samples.h"

#define AT(member) offsetof(results_timing, member)

static const assay_field identity[] = {
    {"op", ASSAY_FIELD_TEXT, AT(op), true},
    {"impl", ASSAY_FIELD_TEXT, AT(impl), true},
    {"case", ASSAY_FIELD_TEXT, AT(case_id), true},
    {"batch", ASSAY_FIELD_COUNT, AT(batch), true},
    {"cache", ASSAY_FIELD_TEXT, AT(cache), true},
    {"threads", ASSAY_FIELD_COUNT, AT(threads), true},
    {"verdict", ASSAY_FIELD_VERDICT, AT(verdict), true},
    {"backend", ASSAY_FIELD_TEXT, AT(backend), false},
    {"precision", ASSAY_FIELD_TEXT, AT(precision), false},
    {"system", ASSAY_FIELD_TEXT, AT(system), false},
    {"seed", ASSAY_FIELD_TEXT, AT(seed), false},
    {"budget_used", ASSAY_FIELD_REAL, AT(budget_used), false},
    {"rel_l2", ASSAY_FIELD_REAL, AT(rel_l2), false},
    {"max_abs", ASSAY_FIELD_REAL, AT(max_abs), false},
    {"outputs_checked", ASSAY_FIELD_COUNT, AT(outputs_checked), false},
    {"packed_bytes", ASSAY_FIELD_REAL, AT(packed_bytes), false},
    {"workspace_bytes", ASSAY_FIELD_REAL, AT(workspace_bytes), false},
    {"peak_bytes", ASSAY_FIELD_REAL, AT(peak_bytes), false},
    {"page_bytes", ASSAY_FIELD_REAL, AT(page_bytes), false},
    {"empty_call_seconds", ASSAY_FIELD_REAL, AT(empty_call_seconds), false},
    {"calls_per_sample", ASSAY_FIELD_COUNT, AT(calls_per_sample), false},
    {"impossible", ASSAY_FIELD_FLAG, AT(impossible), false},
    {"metrics", ASSAY_FIELD_NODE, AT(metrics), false},
    {"shape", ASSAY_FIELD_NODE, AT(shape), false},
    {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_field work[] = {
    {"rows", ASSAY_FIELD_REAL, AT(rows), false},
    {"tokens", ASSAY_FIELD_REAL, AT(tokens), false},
    {"explanations", ASSAY_FIELD_REAL, AT(explanations), false},
    {"flops", ASSAY_FIELD_REAL, AT(flops), false},
    {"bytes_read", ASSAY_FIELD_REAL, AT(bytes_read), false},
    {"bytes_written", ASSAY_FIELD_REAL, AT(bytes_written), false},
    {"latents_per_row", ASSAY_FIELD_REAL, AT(latents_per_row), false},
    {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_field summary[] = {{"mode_seconds", ASSAY_FIELD_REAL, AT(mode_seconds), false},
                                      {"p99_seconds", ASSAY_FIELD_REAL, AT(p99_seconds), false},
                                      {"dispersion", ASSAY_FIELD_REAL, AT(dispersion), false},
                                      {"contaminated", ASSAY_FIELD_COUNT, AT(contaminated), false},
                                      {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_field floors[] = {{"seconds", ASSAY_FIELD_REAL, AT(floor_seconds), false},
                                     {"fraction", ASSAY_FIELD_REAL, AT(floor_fraction), false},
                                     {"bound", ASSAY_FIELD_TEXT, AT(floor_bound), false},
                                     {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_field gpu[] = {{"name", ASSAY_FIELD_TEXT, AT(gpu), false},
                                  {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_field stop[] = {{"rule", ASSAY_FIELD_TEXT, AT(stop_rule), false},
                                   {"target", ASSAY_FIELD_REAL, AT(stop_target), false},
                                   {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_field part_fields[] = {
    {"name", ASSAY_FIELD_TEXT, offsetof(results_part, name), true},
    {"seconds", ASSAY_FIELD_REAL, offsetof(results_part, seconds), true},
    {"calls", ASSAY_FIELD_REAL, offsetof(results_part, calls), false},
    {NULL, ASSAY_FIELD_FLAG, 0, false}};

static const assay_node no_members = {.kind = ASSAY_NODE_OBJECT};

static assay_status read_inner(const assay_field *table, const assay_node *object, const char *key,
                               const assay_place *place, void *target, assay_error *error)
{
    const assay_node *const inner = assay_node_get(object, key);
    if (inner != NULL && inner->kind != ASSAY_NODE_OBJECT) {
        return assay_place_fail(place, inner, key, "an object", error);
    }
    return assay_fields_read(table, inner != NULL ? inner : &no_members, place, target, error);
}

static assay_status read_samples(const assay_node *object, const assay_place *place,
                                 results_samples *samples, assay_error *error)
{
    const struct {
        const char *key;
        const double **list;
    } lists[] = {
        {"seconds", &samples->seconds},          {"process", &samples->process},
        {"switches", &samples->switches},        {"steal_seconds", &samples->steal_seconds},
        {"megahertz", &samples->megahertz},      {"joules", &samples->joules},
        {"core_share", &samples->core_share},    {"contaminated", &samples->contaminated}};
    const assay_node *const node = assay_node_get(object, "samples");
    if (node == NULL || node->kind != ASSAY_NODE_OBJECT) {
        return assay_place_fail(place, node, "samples", "an object of lists", error);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        size_t count;
        const assay_status status =
            assay_numbers_read(node, lists[i].key, i == 0, place, lists[i].list, &count, error);
        if (status != ASSAY_OK) {
            return status;
        }
        samples->count = i == 0 ? count : samples->count;
        if (*lists[i].list != NULL && count != samples->count) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "%s: %s[%zu]: samples.%s has %zu entries where samples.seconds has "
                              "%zu: one entry a sample in every list",
                              place->path, place->list, place->index, lists[i].key, count,
                              samples->count);
        }
    }
    return ASSAY_OK;
}

assay_status results_read_estimate(const assay_node *object, const char *key,
                                   const assay_place *place, results_estimate *estimate,
                                   assay_error *error)
{
    static const assay_field table[] = {
        {"value", ASSAY_FIELD_REAL, offsetof(results_estimate, value), true},
        {"low", ASSAY_FIELD_REAL, offsetof(results_estimate, low), true},
        {"high", ASSAY_FIELD_REAL, offsetof(results_estimate, high), true},
        {NULL, ASSAY_FIELD_FLAG, 0, false}};
    const assay_node *const node = assay_node_get(object, key);
    if (node == NULL || node->kind != ASSAY_NODE_OBJECT) {
        return assay_place_fail(place, node, key, "an object with value, low and high", error);
    }
    return assay_fields_read(table, node, place, estimate, error);
}

/* Which samples count, and of how many processes they are. */
static assay_status read_used(const assay_place *place, results_timing *timing, assay_error *error)
{
    assay_sample *const list = report_samples(timing, &timing->used, &timing->alone);
    timing->processes = timing->used > 0;
    for (size_t i = 1; i < timing->used; i++) {
        timing->processes += list[i].process != list[i - 1].process;
    }
    free(list);
    return list != NULL ? ASSAY_OK
                        : assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", place->path);
}

static assay_status read_parts(assay_doc *doc, const assay_node *object, const assay_place *place,
                               results_timing *timing, assay_error *error)
{
    const assay_node *const list = assay_node_get(object, "parts");
    timing->part = NULL;
    timing->part_count = 0;
    if (list == NULL) {
        return ASSAY_OK;
    }
    if (list->kind != ASSAY_NODE_LIST) {
        return assay_place_fail(place, list, "parts", "a list of objects", error);
    }
    timing->part = assay_doc_alloc(doc, list->count * sizeof *timing->part + 1);
    if (timing->part == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", place->path);
    }
    for (const assay_node *part = list->as.first; part != NULL; part = part->next) {
        const assay_status status =
            assay_fields_read(part_fields, part, place, &timing->part[timing->part_count++], error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

assay_status results_check_identity(const assay_node *object, const assay_place *place,
                                    const char *cache, double batch, double threads,
                                    assay_error *error)
{
    if (strcmp(cache, "cold") != 0 && strcmp(cache, "warm") != 0) {
        return assay_place_fail(place, assay_node_get(object, "cache"), "cache", "'cold' or 'warm'",
                                error);
    }
    if (batch < 1.0 || threads < 1.0) {
        const char *const key = batch < 1.0 ? "batch" : "threads";
        return assay_place_fail(place, assay_node_get(object, key), key, "a whole number from 1",
                                error);
    }
    return ASSAY_OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(const double *list, size_t count)
{
    double kept[64];
    const size_t used = count < 64 ? count : 64;
    if (used == 0) {
        return (double)NAN;
    }
    memcpy(kept, list, used * sizeof *kept);
    qsort(kept, used, sizeof *kept, by_value);
    return 0.5 * (kept[(used - 1) / 2] + kept[used / 2]);
}

assay_status results_read_timing(assay_doc *doc, const assay_node *object, const assay_place *place,
                                 results_timing *timing, assay_error *error)
{
    const assay_node *const reached = assay_node_get(assay_node_get(object, "stop"), "reached");
    const double *prepare = NULL;
    size_t prepare_count = 0;
    assay_status status = assay_fields_read(identity, object, place, timing, error);
    if (status == ASSAY_OK) {
        status = results_check_identity(object, place, timing->cache, timing->batch,
                                        timing->threads, error);
    }
    if (status == ASSAY_OK) {
        status = read_samples(object, place, &timing->samples, error);
    }
    if (status == ASSAY_OK) {
        status = read_used(place, timing, error);
    }
    if (status == ASSAY_OK) {
        status = read_inner(summary, object, "summary", place, timing, error);
    }
    if (status == ASSAY_OK) {
        status = results_read_estimate(assay_node_get(object, "summary"), "seconds", place,
                                       &timing->seconds, error);
    }
    if (status == ASSAY_OK) {
        status = read_inner(work, object, "work", place, timing, error);
    }
    if (status == ASSAY_OK) {
        status = read_inner(floors, object, "floor", place, timing, error);
    }
    if (status == ASSAY_OK) {
        status = read_inner(stop, object, "stop", place, timing, error);
    }
    if (status == ASSAY_OK) {
        status = read_inner(gpu, object, "gpu", place, timing, error);
    }
    if (status == ASSAY_OK) {
        status = assay_numbers_read(object, "prepare_seconds", false, place, &prepare,
                                    &prepare_count, error);
    }
    if (status == ASSAY_OK) {
        status = read_parts(doc, object, place, timing, error);
    }
    timing->prepare_seconds = middle(prepare, prepare_count);
    timing->stop_missed = reached != NULL && reached->kind == ASSAY_NODE_BOOL && !reached->as.truth;
    return status;
}
