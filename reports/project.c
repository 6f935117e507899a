#include "reports/project.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "reports/devices.h"
#include "reports/json.h"
#include "reports/text.h"

/* A type's word in a data sheet. */
static void word_of(const char *type, char word[16])
{
    static const char *const words[][2] = {{"e4m3", "fp8"}, {"e5m2", "fp8"}, {"i8", "int8"}};
    const int length = (int)strcspn(type, "/ ");
    (void)snprintf(word, 16, "%.*s", length, type);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i][0]) == 0) {
            (void)snprintf(word, 16, "%s", words[i][1]);
        }
    }
}

/* "gpu/multiply_add/bf16/mma" and "gpu/linear/bf16" name the type that a case's arithmetic is bound
 * by; of one that memory binds it is the contract's. */
static void type_of(const results_timing *t, char type[16])
{
    static const char *const heads[] = {"gpu/multiply_add/", "gpu/linear/"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const size_t skip = strlen(heads[i]);
        if (strncmp(t->floor_bound, heads[i], skip) == 0) {
            word_of(t->floor_bound + skip, type);
            return;
        }
    }
    word_of(t->precision, type);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) && item->valuedouble > 0.0 ? item->valuedouble : (double)NAN;
}

static const cJSON *find(const cJSON *table, const char *name, assay_error *error)
{
    char known[512] = "";
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(table, "devices"))
    {
        const char *const own =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        if (strcasecmp(own, name) == 0) {
            return entry;
        }
        const size_t used = strlen(known);
        (void)snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", own);
    }
    (void)assay_fail(error, ASSAY_BAD_ARGUMENT, "--project %s: no such device; known are %s", name,
                     known);
    return NULL;
}

static bool wanted(const char *glob, const char *text)
{
    return glob == NULL || fnmatch(glob, text, 0) == 0;
}

static bool ends(const char *text, const char *end)
{
    const size_t length = strlen(text);
    const size_t tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static project_case estimate(const results_timing *t, const cJSON *entry, double bandwidth)
{
    project_case item = {.timing = t, .seconds = (double)NAN, .why = NULL};
    char type[16];
    type_of(t, type);
    const double peak = number(cJSON_GetObjectItemCaseSensitive(entry, "peak"), type);
    const double moved = (t->bytes_read + t->bytes_written) / bandwidth;
    const double computed = t->flops > 0.0 ? t->flops / peak : 0.0;
    if (!(t->floor_fraction > 0.0) || isnan(moved)) {
        item.why = "it has no floor: measure the ceilings with assay probe --plugin, then time it";
    } else if (ends(t->floor_bound, "/l2")) {
        item.why = "its floor is of the cache, which data sheets give no rate of: time it cold";
    } else if (isnan(computed)) {
        item.why = "the data sheet has no rate of its type";
    } else { /* plain f32 is no part of a measured floor (bench/gpu/floor.c) */
        const double bytes = moved / t->floor_fraction;
        const double arithmetic =
            strcmp(type, "f32") == 0 ? computed : computed / t->floor_fraction;
        item.seconds = fmax(bytes, arithmetic);
        item.memory = bytes >= arithmetic;
    }
    return item;
}

static assay_status fill(projection *p, const cJSON *entry, const char *op, const char *impl,
                         const char *case_id, assay_error *error)
{
    const assay_results *const r = &p->results;
    p->item = calloc(r->timing_count + 1, sizeof *p->item);
    if (p->item == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a projection");
    }
    (void)snprintf(p->device.name, sizeof p->device.name, "%s",
                   cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name")));
    (void)snprintf(p->device.generation, sizeof p->device.generation, "%s",
                   cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "generation")));
    p->device.bandwidth = number(entry, "memory_bandwidth");
    for (size_t i = 0; i < r->timing_count; i++) {
        const results_timing *const t = &r->timing[i];
        if (*t->gpu != '\0' && t->verdict == ASSAY_PASS && !t->impossible &&
            wanted(op, t->op) && wanted(impl, t->impl) && wanted(case_id, t->case_id)) {
            p->item[p->count++] = estimate(t, entry, p->device.bandwidth);
        }
    }
    return p->count > 0 ? ASSAY_OK
                        : assay_fail(error, ASSAY_BAD_INPUT,
                                     "%s: no timing of a GPU is chosen; a projection carries what "
                                     "one GPU reaches of its floor to another",
                                     r->file[0].path);
}

assay_status project_open(projection *p, const char *path, const char *device, const char *op,
                          const char *impl, const char *case_id, assay_error *error)
{
    *p = (projection){.count = 0};
    cJSON *const table = cJSON_Parse(reports_devices);
    const cJSON *const entry = find(table, device, error);
    assay_status status = entry != NULL ? ASSAY_OK : ASSAY_BAD_ARGUMENT;
    if (status == ASSAY_OK) {
        status = assay_results_add(&p->results, path, error);
    }
    if (status == ASSAY_OK) {
        assay_results_unify(&p->results);
        status = fill(p, entry, op, impl, case_id, error);
    }
    cJSON_Delete(table);
    if (status != ASSAY_OK) {
        project_close(p);
    }
    return status;
}

void project_close(projection *p)
{
    assay_results_free(&p->results);
    free(p->item);
    *p = (projection){.count = 0};
}
