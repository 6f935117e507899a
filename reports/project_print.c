/* A projection as a table for people, and as JSON. */
#include <cjson/cJSON.h>
#include <math.h>

#include "reports/json.h"
#include "reports/project.h"
#include "reports/text.h"

void project_print(const projection *p, FILE *out)
{
    (void)fprintf(out,
                  "PROJECTED onto %s (%s), not measured: the floor there by its data sheet, over "
                  "the fraction of the measured floor that each case reached in %s\n\n"
                  "%-12s %-26s %-18s %6s %-4s %10s %7s %10s %7s %s\n",
                  p->device.name, p->device.generation, p->results.file[0].path, "op", "case",
                  "impl", "batch", "", "measured", "floor", "projected", "ratio", "bound");
    for (size_t i = 0; i < p->count; i++) {
        const project_case *const item = &p->item[i];
        const results_timing *const t = item->timing;
        (void)fprintf(out, "%-12s %-26s %-18s %6.0f %-4s %10s %7s ", t->op, t->case_id, t->impl,
                      t->batch, t->cache, text_seconds(t->seconds.value).text,
                      text_percent(t->floor_fraction).text);
        if (isnan(item->seconds)) {
            (void)fprintf(out, "%10s %7s %s\n", "-", "-", item->why);
        } else {
            (void)fprintf(out, "%10s %7s %s\n", text_seconds(item->seconds).text,
                          text_small(t->seconds.value / item->seconds).text,
                          item->memory ? "memory" : "arithmetic");
        }
    }
}

assay_status project_json(const projection *p, const char *path, assay_error *error)
{
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-projection");
    (void)cJSON_AddStringToObject(root, "version", "1.1.0");
    (void)cJSON_AddStringToObject(root, "device", p->device.name);
    (void)cJSON_AddBoolToObject(root, "measured", false);
    cJSON *const list = cJSON_AddArrayToObject(root, "cases");
    for (size_t i = 0; i < p->count; i++) {
        const project_case *const item = &p->item[i];
        const results_timing *const t = item->timing;
        cJSON *const o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "op", t->op);
        (void)cJSON_AddStringToObject(o, "impl", t->impl);
        (void)cJSON_AddStringToObject(o, "case", t->case_id);
        (void)cJSON_AddNumberToObject(o, "batch", t->batch);
        (void)cJSON_AddStringToObject(o, "cache", t->cache);
        json_add_number(o, "measured_seconds", t->seconds.value);
        json_add_number(o, "floor_fraction", t->floor_fraction);
        json_add_number(o, "projected_seconds", item->seconds);
        if (item->why != NULL) {
            (void)cJSON_AddStringToObject(o, "not_projected", item->why);
        } else {
            (void)cJSON_AddStringToObject(o, "bound", item->memory ? "memory" : "arithmetic");
        }
        (void)cJSON_AddItemToArray(list, o);
    }
    return json_write(root, path, error);
}
