/* What is gone, as lines for people and as data for programs. */
#include <cjson/cJSON.h>

#include "reports/history_commands.h"

enum { NAMES_SHOWN = 4 };

static void print_name(const check_gone *gone, FILE *out)
{
    (void)fprintf(out, "%s/%s %s", gone->op, gone->impl, gone->name);
    if (gone->cache[0] != '\0') {
        (void)fprintf(out, " batch %.0f %s", gone->batch, gone->cache);
    }
    if (gone->golden[0] != '\0') {
        (void)fprintf(out, " of %s", gone->golden);
    }
    if (gone->instead[0] != '\0') {
        (void)fprintf(out, " (now %s)", gone->instead);
    }
}

static void print_missing(const check_result *r, const check_missing *missing, const char *what,
                          FILE *out)
{
    if (missing->base == SIZE_MAX) {
        return;
    }
    const history_run_row *const base = &r->runs.row[missing->base];
    if (missing->all) {
        (void)fprintf(out, "no %ss in this run; run %lld (%s) has them: they were not compared\n",
                      what, (long long)base->id, base->date);
        return;
    }
    if (missing->count == 0) {
        return;
    }
    (void)fprintf(out, "GONE    %zu %s%s of run %lld (%s): ", missing->count, what,
                  missing->count == 1 ? "" : "s", (long long)base->id, base->date);
    for (size_t i = 0; i < missing->count && i < NAMES_SHOWN; i++) {
        (void)fputs(i == 0 ? "" : ", ", out);
        print_name(&missing->gone[i], out);
    }
    if (missing->count > NAMES_SHOWN) {
        (void)fprintf(out, " and %zu more (--json has them)", missing->count - NAMES_SHOWN);
    }
    (void)fputc('\n', out);
}

void check_print_gone(const check_result *r, FILE *out)
{
    print_missing(r, &r->timings_gone, "timing", out);
    print_missing(r, &r->verdicts_gone, "verdict", out);
}

static cJSON *gone_json(const check_gone *gone)
{
    cJSON *const o = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(o, "op", gone->op);
    (void)cJSON_AddStringToObject(o, "impl", gone->impl);
    (void)cJSON_AddStringToObject(o, "case", gone->name);
    if (gone->cache[0] != '\0') {
        (void)cJSON_AddNumberToObject(o, "batch", gone->batch);
        (void)cJSON_AddStringToObject(o, "cache", gone->cache);
        (void)cJSON_AddNumberToObject(o, "threads", gone->threads);
    } else {
        (void)cJSON_AddStringToObject(o, "golden", gone->golden);
    }
    if (gone->instead[0] != '\0') {
        (void)cJSON_AddStringToObject(o, "now", gone->instead);
    }
    return o;
}

static void add_missing(const check_result *r, const check_missing *missing, const char *key,
                        cJSON *root)
{
    cJSON *const o = cJSON_AddObjectToObject(root, key);
    if (missing->base != SIZE_MAX) {
        (void)cJSON_AddNumberToObject(o, "run", (double)r->runs.row[missing->base].id);
    }
    (void)cJSON_AddBoolToObject(o, "all", missing->all);
    (void)cJSON_AddNumberToObject(o, "count", (double)missing->count);
    cJSON *const list = cJSON_AddArrayToObject(o, "cases");
    for (size_t i = 0; i < missing->count; i++) {
        (void)cJSON_AddItemToArray(list, gone_json(&missing->gone[i]));
    }
}

void check_json_gone(const check_result *r, cJSON *root)
{
    (void)cJSON_AddNumberToObject(root, "gone", (double)r->timings_gone.count);
    add_missing(r, &r->timings_gone, "timings_gone", root);
    add_missing(r, &r->verdicts_gone, "verdicts_gone", root);
}
