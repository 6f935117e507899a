#include "verify/result_json.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "verify/environment.h"

/* The fields by kind; reading and writing go by the same lists. */
static const struct {
    const char *key;
    size_t offset;
} texts[] = {{"golden", offsetof(assay_result, golden)}, {"source", offsetof(assay_result, source)},
             {"op", offsetof(assay_result, op)},         {"impl", offsetof(assay_result, impl)},
             {"case", offsetof(assay_result, case_id)}},
  reals[] = {{"budget_used", offsetof(assay_result, budget_used)},
             {"max_abs", offsetof(assay_result, max_abs)},
             {"rel_l2", offsetof(assay_result, rel_l2)},
             {"cosine", offsetof(assay_result, cosine)},
             {"ulp", offsetof(assay_result, ulp)},
             {"seconds", offsetof(assay_result, seconds)}},
  counts[] = {{"undecided", offsetof(assay_result, undecided)},
              {"compared", offsetof(assay_result, compared)}},
  flags[] = {{"repeated", offsetof(assay_result, repeated)},
             {"repeat_differs", offsetof(assay_result, repeat_differs)},
             {"batch_differs", offsetof(assay_result, batch_differs)}};
#define EACH(i, list) (size_t i = 0; i < sizeof(list) / sizeof *(list); i++)

/* Of the form of result files, reports/schema. */
static const char results_version[] = "2.4.0";

cJSON *assay_results_begin(void)
{
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-results");
    (void)cJSON_AddStringToObject(root, "version", results_version);
    char *const command = assay_command_line();
    if (command != NULL) {
        (void)cJSON_AddStringToObject(root, "command", command);
    }
    free(command);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    return root;
}

cJSON *assay_json_number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value)
                           : cJSON_CreateString(isnan(value)  ? "nan"
                                                : value > 0.0 ? "inf"
                                                              : "-inf");
}

void assay_json_add_number(cJSON *object, const char *key, double value)
{
    (void)cJSON_AddItemToObject(object, key, assay_json_number(value));
}

cJSON *assay_result_to_json(const assay_result *result)
{
    const char *const at = (const char *)result;
    char seed[32];
    cJSON *const object = cJSON_CreateObject();
    for EACH(i, texts) {
        const char *const *const text = (const char *const *)(const void *)(at + texts[i].offset);
        (void)cJSON_AddStringToObject(object, texts[i].key, *text);
    }
    (void)cJSON_AddStringToObject(object, "verdict", assay_verdict_name(result->verdict));
    (void)cJSON_AddStringToObject(object, "check", assay_check_name(result->check));
    for EACH(i, reals) {
        assay_json_add_number(object, reals[i].key,
                              *(const double *)(const void *)(at + reals[i].offset));
    }
    for EACH(i, counts) {
        assay_json_add_number(object, counts[i].key,
                              (double)*(const uint64_t *)(const void *)(at + counts[i].offset));
    }
    for EACH(i, flags) {
        (void)cJSON_AddBoolToObject(object, flags[i].key,
                                    *(const bool *)(const void *)(at + flags[i].offset));
    }
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)result->seed);
    (void)cJSON_AddStringToObject(object, "seed", seed);
    (void)cJSON_AddStringToObject(object, "message", result->message);
    return object;
}

static bool read_number(const cJSON *item, double *value)
{
    if (cJSON_IsNumber(item)) {
        *value = item->valuedouble;
        return true;
    }
    return cJSON_IsString(item) && (*value = strtod(item->valuestring, NULL), true);
}

static bool read_enums(const cJSON *object, assay_result *result)
{
    const char *const verdict =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "verdict"));
    const char *const check =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "check"));
    bool found[2] = {false, false};
    for (int v = ASSAY_PASS; verdict != NULL && v <= ASSAY_SKIP; v++) {
        if (strcmp(verdict, assay_verdict_name((assay_verdict)v)) == 0) {
            result->verdict = (assay_verdict)v;
            found[0] = true;
        }
    }
    for (int c = 0; check != NULL && c < ASSAY_CHECK_COUNT; c++) {
        if (strcmp(check, assay_check_name((assay_check)c)) == 0) {
            result->check = (assay_check)c;
            found[1] = true;
        }
    }
    return found[0] && found[1];
}

bool assay_result_from_json(const cJSON *object, assay_result *result)
{
    char *const at = (char *)result;
    memset(result, 0, sizeof *result);
    bool good = cJSON_IsObject(object) && read_enums(object, result);
    for EACH(i, texts) {
        const char **const text = (const char **)(void *)(at + texts[i].offset);
        *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, texts[i].key));
        good = good && *text != NULL;
    }
    for EACH(i, reals) {
        good = good && read_number(cJSON_GetObjectItemCaseSensitive(object, reals[i].key),
                                   (double *)(void *)(at + reals[i].offset));
    }
    for EACH(i, counts) {
        double count = 0.0;
        good = good &&
               read_number(cJSON_GetObjectItemCaseSensitive(object, counts[i].key), &count) &&
               count >= 0.0;
        *(uint64_t *)(void *)(at + counts[i].offset) = good ? (uint64_t)count : 0;
    }
    for EACH(i, flags) {
        *(bool *)(void *)(at + flags[i].offset) =
            cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, flags[i].key));
    }
    const char *const seed =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "seed"));
    const char *const message =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "message"));
    if (!good || seed == NULL || message == NULL) {
        return false;
    }
    result->seed = strtoull(seed, NULL, 10);
    (void)snprintf(result->message, sizeof result->message, "%s", message);
    return true;
}
