/* Identities of results, their order, and what is asked of one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/results.h"

static int by_number(double a, double b)
{
    return (a > b) - (a < b);
}

/* The first comparison that is not 0. */
static int first_of(const int *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (order[i] != 0) {
            return order[i];
        }
    }
    return 0;
}

/* Ops in the order of the pipeline, its stages first; unknown ones behind, by name. */
static int by_op(const char *a, const char *b)
{
    static const char *const order[] = {"capture",   "sae_encode", "sae_decode",
                                        "sae_steer", "adapter",    "generate",
                                        "explain",   "linear",     "attention"};
    size_t rank[2] = {0, 0};
    const char *const name[2] = {a, b};
    for (size_t side = 0; side < 2; side++) {
        while (rank[side] < sizeof order / sizeof *order &&
               strcmp(order[rank[side]], name[side]) != 0) {
            rank[side]++;
        }
    }
    return rank[0] != rank[1] ? (rank[0] < rank[1] ? -1 : 1) : strcmp(a, b);
}

int assay_timing_compare(const results_timing *a, const results_timing *b)
{
    const int order[] = {by_op(a->op, b->op),        strcmp(a->case_id, b->case_id),
                         strcmp(a->cache, b->cache), by_number(a->threads, b->threads),
                         strcmp(a->impl, b->impl),   by_number(a->batch, b->batch)};
    return first_of(order, sizeof order / sizeof *order);
}

int assay_verdict_compare(const results_verdict *a, const results_verdict *b)
{
    const int order[] = {by_op(a->op, b->op), strcmp(a->impl, b->impl),
                         strcmp(a->golden, b->golden), strcmp(a->case_id, b->case_id),
                         strcmp(a->seed, b->seed)};
    return first_of(order, sizeof order / sizeof *order);
}

static int comparison_compare(const results_comparison *a, const results_comparison *b)
{
    const int order[] = {by_op(a->op, b->op),          strcmp(a->case_id, b->case_id),
                         strcmp(a->cache, b->cache),   by_number(a->threads, b->threads),
                         strcmp(a->impl, b->impl),     strcmp(a->against, b->against),
                         by_number(a->batch, b->batch)};
    return first_of(order, sizeof order / sizeof *order);
}

static int skipped_compare(const results_skipped *a, const results_skipped *b)
{
    const int order[] = {
        by_op(a->op, b->op), strcmp(a->impl, b->impl), strcmp(a->reason, b->reason),
        strcmp(a->case_id, b->case_id),
        by_number(isnan(a->batch) ? 0.0 : a->batch, isnan(b->batch) ? 0.0 : b->batch)};
    return first_of(order, sizeof order / sizeof *order);
}

/* Sorting with the files at hand: of one identity the newest file's comes first, of files of one
 * date the one given last. */
typedef struct ordering {
    const results_file *file;
    int (*compare)(const void *a, const void *b);
    size_t file_offset;
} ordering;

static int by_identity_then_age(const void *a, const void *b, void *context)
{
    const ordering *const o = context;
    const size_t one = *(const size_t *)(const void *)((const char *)a + o->file_offset);
    const size_t other = *(const size_t *)(const void *)((const char *)b + o->file_offset);
    const int same = o->compare(a, b);
    if (same != 0) {
        return same;
    }
    const int age = strcmp(o->file[other].date, o->file[one].date);
    return age != 0 ? age : (other > one) - (other < one);
}

static void unify(assay_results *results, void *items, size_t *count, size_t size,
                  size_t file_offset, int (*compare)(const void *a, const void *b))
{
    const ordering o = {results->file, compare, file_offset};
    char *const at = items;
    size_t kept = 0;
    size_t within = 0; /* a file that names a thing twice does not replace another */
    if (*count == 0) {
        return;
    }
    qsort_r(items, *count, size, by_identity_then_age, (void *)(uintptr_t)&o);
    for (size_t i = 1; i < *count; i++) {
        if (compare(at + kept * size, at + i * size) != 0) {
            kept++;
            memmove(at + kept * size, at + i * size, size);
        } else {
            within += *(const size_t *)(const void *)(at + kept * size + file_offset) ==
                      *(const size_t *)(const void *)(at + i * size + file_offset);
        }
    }
    results->replaced += *count - (kept + 1) - within;
    *count = kept + 1;
}

#define UNTYPED(name, type, typed)                                                                 \
    static int name(const void *a, const void *b)                                                  \
    {                                                                                              \
        const type *const one = a;                                                                 \
        const type *const other = b;                                                               \
        return typed(one, other);                                                                  \
    }
UNTYPED(order_timings, results_timing, assay_timing_compare)
UNTYPED(order_verdicts, results_verdict, assay_verdict_compare)
UNTYPED(order_comparisons, results_comparison, comparison_compare)
UNTYPED(order_skipped, results_skipped, skipped_compare)
UNTYPED(order_evaluations, results_evaluation, assay_evaluation_compare)

void assay_results_unify(assay_results *results)
{
#define UNIFY(list, order)                                                                         \
    unify(results, results->list, &results->list##_count, sizeof *results->list,                   \
          offsetof(results_##list, file), order)
    UNIFY(timing, order_timings);
    UNIFY(verdict, order_verdicts);
    UNIFY(comparison, order_comparisons);
    UNIFY(skipped, order_skipped);
    UNIFY(evaluation, order_evaluations);
#undef UNIFY
}

double assay_timing_items(const results_timing *timing, const char **unit)
{
    *unit = "explanations";
    if (strcmp(timing->op, "explain") == 0 && timing->explanations > 0.0) {
        return timing->explanations;
    }
    *unit = "tokens";
    if (strcmp(timing->op, "generate") == 0 && timing->tokens > 0.0) {
        return timing->tokens;
    }
    *unit = "rows";
    return timing->rows > 0.0 ? timing->rows : timing->batch;
}

double assay_results_ceiling(const results_file *file, const char *name)
{
    const assay_node *entry = file->ceilings != NULL ? file->ceilings->as.first : NULL;
    for (; entry != NULL; entry = entry->next) {
        if (strcmp(assay_node_text(entry, "name", ""), name) == 0) {
            return assay_node_real(entry, "value", (double)NAN);
        }
    }
    return (double)NAN;
}
