/* A comparison as a table for people, and as JSON. */
#include <cjson/cJSON.h>

#include "reports/compare.h"
#include "reports/interval.h"
#include "reports/json.h"
#include "reports/text.h"

enum { ROWS_SHOWN = 60 };

static void print_difference(void *context, const char *key, char *const *value, size_t count)
{
    FILE *const out = context;
    (void)fprintf(out, "  %-16s", key);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s%.60s", i == 0 ? " " : "  |  ",
                      value[i] == NULL || value[i][0] == '\0' ? "-" : value[i]);
    }
    (void)fputc('\n', out);
}

static void print_case(const comparison *c, const compare_case *item, FILE *out)
{
    const results_timing *const t = item->base;
    char range[128] = "-"; /* explained below the table */
    const interval shown = interval_of_ratio(&item->ratio);
    if (shown.why == NULL) {
        (void)snprintf(range, sizeof range, "%s-%s", text_small(shown.low).text,
                       text_small(shown.high).text);
    }
    (void)fprintf(out, "%-12s %-26s %-18s %6.0f %-4s", t->op, t->case_id, item->now->impl, t->batch,
                  t->cache);
    if (c->file_count > 2) {
        (void)fprintf(out, " %c", c->file[item->file].label[0]);
    }
    (void)fprintf(out, " %10s %10s %7s %-13s %8s %-6s\n", text_seconds(t->seconds.value).text,
                  text_seconds(item->now->seconds.value).text, text_small(item->ratio.value).text,
                  range, text_small(item->corrected_p).text, assay_change_name(item->change));
}

static void print_cases(const comparison *c, bool all, FILE *out)
{
    size_t left_out = 0;
    size_t silent = 0;
    const bool whole = all || c->item_count <= ROWS_SHOWN;
    (void)fprintf(out, "\n%-12s %-26s %-18s %6s %-4s%s %10s %10s %7s %-13s %8s\n", "op", "case",
                  "impl", "batch", "", c->file_count > 2 ? "  " : "", "A",
                  c->file_count > 2 ? "then" : "B", "ratio", "95% interval", "p");
    for (size_t i = 0; i < c->item_count; i++) {
        const compare_case *const item = &c->item[i];
        if (whole || item->change == ASSAY_FASTER || item->change == ASSAY_SLOWER) {
            print_case(c, item, out);
            silent += interval_of_ratio(&item->ratio).why != NULL;
        } else {
            left_out++;
        }
    }
    if (silent > 0) {
        (void)fprintf(out,
                      "(interval '-', of %zu cases: nothing measured, or processes that differ too "
                      "much to tell)\n",
                      silent);
    }
    if (left_out > 0) {
        (void)fprintf(out, "(%zu cases that are SAME or UNSURE are left out; --all prints them)\n",
                      left_out);
    }
}

static void print_accuracy(const comparison *c, FILE *out)
{
    if (c->accuracy_count + c->accuracy_same == 0) {
        return;
    }
    (void)fprintf(out, "\naccuracy: %zu of %zu verdicts changed by a bit or more\n",
                  c->accuracy_count, c->accuracy_count + c->accuracy_same);
    for (size_t i = 0; i < c->accuracy_count && i < ROWS_SHOWN; i++) {
        const compare_accuracy *const a = &c->accuracy[i];
        (void)fprintf(out, "  %-6s %c %s/%s %s: %s %s -> %s %s of budget, rel. L2 %s -> %s\n",
                      a->kind == COMPARE_WORSE ? "WORSE" : "better", c->file[a->file].label[0],
                      a->now->op, a->now->impl, a->now->case_id,
                      assay_verdict_name(a->base->verdict), text_small(a->base->budget_used).text,
                      assay_verdict_name(a->now->verdict), text_small(a->now->budget_used).text,
                      text_small(a->base->rel_l2).text, text_small(a->now->rel_l2).text);
    }
    if (c->accuracy_count > ROWS_SHOWN) {
        (void)fprintf(out, "  and %zu more (--json has them)\n", c->accuracy_count - ROWS_SHOWN);
    }
}

void compare_print(const comparison *c, bool all, FILE *out)
{
    const size_t differences = compare_count_differences(c);
    for (size_t f = 0; f < c->file_count; f++) {
        const results_file *const file = &c->file[f].results.file[0];
        (void)fprintf(out, "%-20s %s  revision %s  %s\n", c->file[f].label, file->date,
                      assay_node_text(file->environment, "revision", "unknown"),
                      assay_node_text(file->environment, "cpu", "unknown processor"));
    }
    (void)fprintf(out, differences == 0 ? "environments: the same\n" : "environments differ:\n");
    compare_environments(c, print_difference, out);
    if (c->item_count > 0) {
        print_cases(c, all, out);
    }
    for (size_t f = 1; f < c->file_count; f++) {
        const compare_file *const file = &c->file[f];
        (void)fprintf(out,
                      "\n%c against A, unpaired: %zu cases: %zu FASTER, %zu SLOWER, %zu SAME, %zu "
                      "UNSURE; median ratio %s; %zu only in A, %zu only in %c\n",
                      file->label[0], file->matched, file->count[ASSAY_FASTER],
                      file->count[ASSAY_SLOWER], file->count[ASSAY_SAME], file->count[ASSAY_UNSURE],
                      text_small(file->common_ratio).text, file->only_base, file->only_now,
                      file->label[0]);
    }
    print_accuracy(c, out);
}

static void json_difference(void *context, const char *key, char *const *value, size_t count)
{
    cJSON *const list = cJSON_AddArrayToObject(context, key);
    for (size_t i = 0; i < count; i++) {
        (void)cJSON_AddItemToArray(list, cJSON_CreateString(value[i] != NULL ? value[i] : ""));
    }
}

static cJSON *case_json(const compare_case *item)
{
    const results_timing *const t = item->base;
    cJSON *const o = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(o, "file", (double)item->file);
    (void)cJSON_AddStringToObject(o, "op", t->op);
    (void)cJSON_AddStringToObject(o, "impl", item->now->impl);
    (void)cJSON_AddStringToObject(o, "against", t->impl);
    (void)cJSON_AddStringToObject(o, "case", t->case_id);
    (void)cJSON_AddNumberToObject(o, "batch", t->batch);
    (void)cJSON_AddStringToObject(o, "cache", t->cache);
    (void)cJSON_AddNumberToObject(o, "threads", t->threads);
    (void)cJSON_AddBoolToObject(o, "paired", false);
    json_add_number(o, "base_seconds", t->seconds.value);
    json_add_number(o, "seconds", item->now->seconds.value);
    cJSON *const ratio = cJSON_AddObjectToObject(o, "ratio");
    json_add_number(ratio, "value", item->ratio.value);
    json_add_number(ratio, "low", item->ratio.low);
    json_add_number(ratio, "high", item->ratio.high);
    json_add_number(o, "p", item->p);
    json_add_number(o, "corrected_p", item->corrected_p);
    json_add_number(o, "base_floor_fraction", t->floor_fraction);
    json_add_number(o, "floor_fraction", item->now->floor_fraction);
    (void)cJSON_AddStringToObject(o, "verdict", assay_change_name(item->change));
    return o;
}

static cJSON *accuracy_json(const compare_accuracy *a)
{
    cJSON *const o = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(o, "file", (double)a->file);
    (void)cJSON_AddStringToObject(o, "golden", a->now->golden);
    (void)cJSON_AddStringToObject(o, "op", a->now->op);
    (void)cJSON_AddStringToObject(o, "impl", a->now->impl);
    (void)cJSON_AddStringToObject(o, "case", a->now->case_id);
    (void)cJSON_AddStringToObject(o, "change", a->kind == COMPARE_WORSE ? "WORSE" : "BETTER");
    (void)cJSON_AddStringToObject(o, "base_verdict", assay_verdict_name(a->base->verdict));
    (void)cJSON_AddStringToObject(o, "verdict", assay_verdict_name(a->now->verdict));
    json_add_number(o, "base_budget_used", a->base->budget_used);
    json_add_number(o, "budget_used", a->now->budget_used);
    json_add_number(o, "base_rel_l2", a->base->rel_l2);
    json_add_number(o, "rel_l2", a->now->rel_l2);
    return o;
}

assay_status compare_json(const comparison *c, const char *path, assay_error *error)
{
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-comparison");
    (void)cJSON_AddStringToObject(root, "version", "1.0.0");
    cJSON *const files = cJSON_AddArrayToObject(root, "files");
    for (size_t f = 0; f < c->file_count; f++) {
        const results_file *const file = &c->file[f].results.file[0];
        cJSON *const o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "path", file->path);
        (void)cJSON_AddStringToObject(o, "date", file->date);
        (void)cJSON_AddStringToObject(o, "machine", file->machine);
        (void)cJSON_AddNumberToObject(o, "matched", (double)c->file[f].matched);
        (void)cJSON_AddNumberToObject(o, "only_in_first", (double)c->file[f].only_base);
        (void)cJSON_AddNumberToObject(o, "only_here", (double)c->file[f].only_now);
        (void)cJSON_AddItemToArray(files, o);
    }
    compare_environments(c, json_difference, cJSON_AddObjectToObject(root, "environment"));
    cJSON *const cases = cJSON_AddArrayToObject(root, "cases");
    for (size_t i = 0; i < c->item_count; i++) {
        (void)cJSON_AddItemToArray(cases, case_json(&c->item[i]));
    }
    cJSON *const accuracy = cJSON_AddArrayToObject(root, "accuracy");
    for (size_t i = 0; i < c->accuracy_count; i++) {
        (void)cJSON_AddItemToArray(accuracy, accuracy_json(&c->accuracy[i]));
    }
    return json_write(root, path, error);
}
