#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "verify/environment.h"
#include "verify/report.h"

/* cJSON writes null for what JSON cannot carry; these are read back by name. */
static void add_number(cJSON *object, const char *key, double value)
{
    if (isfinite(value)) {
        (void)cJSON_AddNumberToObject(object, key, value);
    } else {
        (void)cJSON_AddStringToObject(object, key,
                                      isnan(value) ? "nan" : value > 0.0 ? "inf" : "-inf");
    }
}

static cJSON *verdict_json(const assay_result *result)
{
    char seed[32];
    cJSON *const object = cJSON_CreateObject();
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)result->seed);
    (void)cJSON_AddStringToObject(object, "golden", result->golden);
    (void)cJSON_AddStringToObject(object, "op", result->op);
    (void)cJSON_AddStringToObject(object, "impl", result->impl);
    (void)cJSON_AddStringToObject(object, "case", result->case_id);
    (void)cJSON_AddStringToObject(object, "verdict", assay_verdict_name(result->verdict));
    add_number(object, "budget_used", result->budget_used);
    add_number(object, "max_abs", result->max_abs);
    add_number(object, "rel_l2", result->rel_l2);
    add_number(object, "cosine", result->cosine);
    add_number(object, "undecided", (double)result->undecided);
    add_number(object, "compared", (double)result->compared);
    (void)cJSON_AddStringToObject(object, "seed", seed);
    add_number(object, "seconds", result->seconds);
    (void)cJSON_AddStringToObject(object, "message", result->message);
    return object;
}

static assay_status write_text(const char *path, const char *text, assay_error *error)
{
    char *partial = NULL;
    if (asprintf(&partial, "%s.partial", path) < 0) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    FILE *const file = fopen(partial, "w");
    bool good = file != NULL && fputs(text, file) >= 0 && fputc('\n', file) != EOF;
    good = file != NULL && fclose(file) == 0 && good;
    good = good && rename(partial, path) == 0;
    free(partial);
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: check folder and space",
                             path);
}

assay_status assay_json_write(const cJSON *root, const char *path, assay_error *error)
{
    char *const text = cJSON_Print(root);
    if (text == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the results' text");
    }
    const assay_status status = strcmp(path, "-") == 0
                                    ? (puts(text) >= 0 ? ASSAY_OK : ASSAY_IO)
                                    : write_text(path, text, error);
    free(text);
    return status;
}

assay_status assay_report_write_json(const assay_report *report, const char *path,
                                     assay_error *error)
{
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-results");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    cJSON *const verdicts = cJSON_AddArrayToObject(root, "verdicts");
    for (size_t i = 0; i < report->count; i++) {
        (void)cJSON_AddItemToArray(verdicts, verdict_json(&report->result[i]));
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}
