#include "reports/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/filter.h"
#include "bench/statistics/order.h"
#include "reports/page.h"

static bool wanted(const compare_options *o, const results_timing *t)
{
    return assay_filter_matches(o->op, t->op) && assay_filter_matches(o->impl, t->impl) &&
           assay_filter_matches(o->case_id, t->case_id) &&
           (o->from == NULL || strcmp(o->from, t->impl) == 0) && t->verdict == ASSAY_PASS &&
           !t->impossible;
}

static int untyped(const void *a, const void *b)
{
    const results_timing *const one = a;
    const results_timing *const other = b;
    return assay_timing_compare(one, other);
}

static const results_timing *find(const assay_results *results, const results_timing *like,
                                  const char *impl)
{
    results_timing key = *like;
    key.impl = impl;
    return results->timing_count == 0
               ? NULL
               : bsearch(&key, results->timing, results->timing_count, sizeof key, untyped);
}

/* Items of one file, behind those there are. */
static assay_status match(comparison *c, size_t file, assay_error *error)
{
    const assay_results *const base = &c->file[0].results;
    compare_file *const other = &c->file[file];
    const char *const to = c->options.to;
    compare_case *const grown =
        realloc(c->item, (c->item_count + base->timing_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the cases");
    }
    c->item = grown;
    for (size_t i = 0; i < base->timing_count; i++) {
        const results_timing *const t = &base->timing[i];
        if (!wanted(&c->options, t)) {
            continue;
        }
        const results_timing *const now = find(&other->results, t, to != NULL ? to : t->impl);
        if (now == NULL || now->verdict != ASSAY_PASS || now->impossible) {
            other->only_base++;
            continue;
        }
        c->item[c->item_count++] =
            (compare_case){.base = t,
                           .now = now,
                           .file = file,
                           .floor_ratio = now->floor_fraction / t->floor_fraction};
        other->matched++;
    }
    for (size_t i = 0; i < other->results.timing_count && to == NULL; i++) {
        const results_timing *const t = &other->results.timing[i];
        other->only_now += wanted(&c->options, t) && find(base, t, t->impl) == NULL;
    }
    return ASSAY_OK;
}

static void sum_up(compare_file *file, const compare_case *item, size_t count)
{
    double *const ratio = calloc(count + 1, sizeof *ratio);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        file->count[item[i].change]++;
        if (ratio != NULL && item[i].ratio.value > 0.0) {
            ratio[used++] = item[i].ratio.value;
        }
    }
    file->common_ratio = used > 0 ? assay_median_reorder(ratio, used) : (double)NAN;
    free(ratio);
}

static void name_file(compare_file *file, size_t index, const char *path)
{
    const char *const slash = strrchr(path, '/');
    const char *const name = slash != NULL ? slash + 1 : path;
    const size_t length = strlen(name);
    const bool json = length > 5 && strcmp(name + length - 5, ".json") == 0;
    (void)snprintf(file->label, sizeof file->label, "%c %.*s", (char)('A' + (int)index),
                   (int)(json ? length - 5 : length), name);
}

static assay_status load(comparison *c, char **paths, size_t count, assay_error *error)
{
    c->file = calloc(count, sizeof *c->file);
    if (c->file == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu files", count);
    }
    for (; c->file_count < count; c->file_count++) {
        compare_file *const file = &c->file[c->file_count];
        const assay_status status = assay_results_add(&file->results, paths[c->file_count], error);
        if (status != ASSAY_OK) {
            assay_results_free(&file->results); /* not counted yet */
            return status;
        }
        assay_results_unify(&file->results);
        name_file(file, c->file_count, paths[c->file_count]);
    }
    return ASSAY_OK;
}

assay_status compare_open(comparison *c, const compare_options *options, char **paths, size_t count,
                          assay_error *error)
{
    *c = (comparison){.options = *options};
    assay_status status = load(c, paths, count, error);
    for (size_t file = 1; file < c->file_count && status == ASSAY_OK; file++) {
        const size_t from = c->item_count;
        status = match(c, file, error);
        if (status == ASSAY_OK) {
            status = compare_judge(c->item + from, c->item_count - from, options, error);
        }
        if (status == ASSAY_OK) {
            sum_up(&c->file[file], c->item + from, c->item_count - from);
        }
    }
    if (status == ASSAY_OK) {
        status = compare_accuracies(c, error);
    }
    if (status == ASSAY_OK && c->item_count == 0 && c->accuracy_same + c->accuracy_count == 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "no case of %s is in another file: op, impl, case, batch, cache and "
                            "threads must be the same (--impl FROM=TO compares implementations)",
                            paths[0]);
    }
    return status;
}

void compare_close(comparison *c)
{
    for (size_t i = 0; i < c->file_count; i++) {
        assay_results_free(&c->file[i].results);
    }
    free(c->file);
    free(c->item);
    free(c->accuracy);
    *c = (comparison){0};
}

static bool same_everywhere(const comparison *c, const char *key, char **value)
{
    bool same = true;
    for (size_t f = 0; f < c->file_count; f++) {
        const results_file *const file = &c->file[f].results.file[0];
        value[f] = report_value_text(key, assay_node_get(file->environment, key));
        same = same && value[f] != NULL && strcmp(value[f], value[0]) == 0;
    }
    return same;
}

static bool in_an_earlier_file(const comparison *c, size_t file, const char *key)
{
    for (size_t f = 0; f < file; f++) {
        if (assay_node_get(c->file[f].results.file[0].environment, key) != NULL) {
            return true;
        }
    }
    return false;
}

void compare_environments(const comparison *c, compare_difference each, void *context)
{
    char **const value = calloc(c->file_count, sizeof *value);
    for (size_t f = 0; value != NULL && f < c->file_count; f++) {
        const assay_node *node = c->file[f].results.file[0].environment->as.first;
        for (; node != NULL; node = node->next) {
            if (strcmp(node->key, "date") == 0 || in_an_earlier_file(c, f, node->key)) {
                continue;
            }
            if (!same_everywhere(c, node->key, value)) {
                each(context, node->key, value, c->file_count);
            }
            for (size_t g = 0; g < c->file_count; g++) {
                free(value[g]);
            }
        }
    }
    free(value);
}

static void count_difference(void *context, const char *key, char *const *value, size_t count)
{
    (void)key;
    (void)value;
    (void)count;
    ++*(size_t *)context;
}

size_t compare_count_differences(const comparison *c)
{
    size_t count = 0;
    compare_environments(c, count_difference, &count);
    return count;
}
