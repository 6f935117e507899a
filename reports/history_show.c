/* Runs, and one run, as text and as JSON. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/history_commands.h"
#include "reports/json.h"
#include "reports/text.h"

static cJSON *run_json(const history_run_row *row)
{
    cJSON *const o = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(o, "run", (double)row->id);
    (void)cJSON_AddStringToObject(o, "date", row->date);
    (void)cJSON_AddStringToObject(o, "machine", row->machine);
    (void)cJSON_AddStringToObject(o, "revision", row->revision);
    (void)cJSON_AddStringToObject(o, "label", row->label);
    (void)cJSON_AddStringToObject(o, "command", row->command);
    (void)cJSON_AddNumberToObject(o, "timings", (double)row->timings);
    (void)cJSON_AddNumberToObject(o, "verdicts", (double)row->verdicts);
    return o;
}

static assay_status list_json(const history_runs *runs, const char *path, assay_error *error)
{
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-history");
    (void)cJSON_AddStringToObject(root, "version", "1.0.0");
    cJSON *const list = cJSON_AddArrayToObject(root, "runs");
    for (size_t i = 0; i < runs->count; i++) {
        (void)cJSON_AddItemToArray(list, run_json(&runs->row[i]));
    }
    return json_write(root, path, error);
}

assay_status history_list(history *h, const history_arguments *a, assay_error *error)
{
    history_runs runs;
    assay_status status = history_read_runs(h, a->machine, &runs, error);
    if (status == ASSAY_OK && a->json != NULL) {
        status = list_json(&runs, a->json, error);
    } else if (status == ASSAY_OK) {
        (void)printf("%6s  %-20s  %-16s  %-20s  %7s  %8s  %s\n", "run", "date", "machine",
                     "revision", "timings", "verdicts", "label");
        for (size_t i = 0; i < runs.count; i++) {
            const history_run_row *const row = &runs.row[i];
            (void)printf("%6lld  %-20s  %-16.16s  %-20.20s  %7zu  %8zu  %s\n", (long long)row->id,
                         row->date, row->machine, row->revision, row->timings, row->verdicts,
                         row->label);
        }
    }
    history_runs_free(&runs);
    return status;
}

static void print_timings(const history_table *table, size_t run)
{
    for (size_t i = 0; i < table->count; i++) {
        const history_series *const s = &table->series[i];
        const history_point *const p = &s->point[s->count - 1];
        if (p->run != run) {
            continue;
        }
        (void)printf("%-12s %-26s %-18s %6.0f %-4s %10s  %zu process%s, %zu run%s stored\n", s->op,
                     s->name, s->impl, s->batch, s->cache, text_seconds(p->seconds.value).text,
                     p->process_count, p->process_count == 1 ? "" : "es", s->count,
                     s->count == 1 ? "" : "s");
    }
}

assay_status history_show(history *h, const history_arguments *a, assay_error *error)
{
    history_runs all;
    history_runs runs = {0};
    history_table table = {0};
    assay_status status = history_read_runs(h, a->machine, &all, error);
    const size_t at =
        a->run != 0 ? history_find_run(&all, a->run) : (all.count > 0 ? all.count - 1 : SIZE_MAX);
    if (status == ASSAY_OK && at == SIZE_MAX) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "there is no such run in the history: assay history list");
    }
    if (status == ASSAY_OK) {
        const history_run_row *const row = &all.row[at];
        (void)printf("run %lld%s%s\n%s\n%s\n", (long long)row->id,
                     row->label[0] != '\0' ? ", " : "", row->label, row->command, row->environment);
        status = history_read_runs(h, row->machine, &runs, error);
    }
    if (status == ASSAY_OK) {
        const size_t place = history_find_run(&runs, all.row[at].id);
        status = history_read_series(h, &runs, place + 1, place, &a->check.filter, &table, error);
        if (status == ASSAY_OK) {
            print_timings(&table, place);
        }
    }
    history_table_free(&table);
    history_runs_free(&runs);
    history_runs_free(&all);
    return status;
}
