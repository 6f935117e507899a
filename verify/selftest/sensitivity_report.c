/* The sensitivity table as text, Markdown and JSON. */
#include <inttypes.h>
#include <math.h>

#include "verify/environment.h"
#include "verify/report.h"
#include "verify/selftest/sensitivity.h"

static const char *state_name(assay_limit_state state)
{
    switch (state) {
    case ASSAY_LIMIT_MET: return "PASS";
    case ASSAY_LIMIT_MISSED: return "FAIL";
    case ASSAY_LIMIT_NONE: break;
    }
    return "-";
}

/* "any": whatever can be stored beside the right value is caught. */
static void size_text(double size, char *text, size_t capacity)
{
    if (size <= 0x1p-59) {
        (void)snprintf(text, capacity, "any");
    } else if (isinf(size)) {
        (void)snprintf(text, capacity, ">2^60"); /* the largest that is tried */
    } else {
        (void)snprintf(text, capacity, "%.3g", size);
    }
}

static size_t count_of(const assay_sensed *sensed, size_t count, assay_limit_state state)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += sensed[i].limit == state;
    }
    return found;
}

static void print_total(const assay_sensed *sensed, size_t count, FILE *out)
{
    const size_t met = count_of(sensed, count, ASSAY_LIMIT_MET);
    const size_t missed = count_of(sensed, count, ASSAY_LIMIT_MISSED);
    (void)fprintf(out, "%zu of %zu limits on looseness met (%zu rows measured)\n", met,
                  met + missed, count);
}

void assay_sensitivity_print(const assay_sensed *sensed, size_t count, FILE *out)
{
    (void)fprintf(out, "smallest single-element fault caught with probability 0.95\n"
                       "%-14s %-11s %-47s %-5s %9s %9s  limit\n", "contract", "op", "shape",
                  "out", "row RMS", "ulp");
    for (size_t i = 0; i < count; i++) {
        char rms[24];
        char ulp[24];
        size_text(sensed[i].rms, rms, sizeof rms);
        size_text(sensed[i].ulp, ulp, sizeof ulp);
        (void)fprintf(out, "%-14s %-11s %-47s %-5s %9s %9s  %s %s\n", sensed[i].contract,
                      assay_op_name(sensed[i].op), sensed[i].shape,
                      assay_dtype_name(sensed[i].output), rms, ulp, state_name(sensed[i].limit),
                      sensed[i].limit_text);
    }
    print_total(sensed, count, out);
}

assay_status assay_sensitivity_write(const assay_sensed *sensed, size_t count, uint64_t seed,
                                     const char *command, const char *path, assay_error *error)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, seed);
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-sensitivity");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    (void)cJSON_AddStringToObject(root, "command", command);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    (void)cJSON_AddStringToObject(root, "seed", text);
    (void)cJSON_AddNumberToObject(root, "probability", 0.95);
    cJSON *const list = cJSON_AddArrayToObject(root, "results");
    for (size_t i = 0; i < count; i++) {
        cJSON *const object = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(object, "contract", sensed[i].contract);
        (void)cJSON_AddStringToObject(object, "op", assay_op_name(sensed[i].op));
        (void)cJSON_AddStringToObject(object, "shape", sensed[i].shape);
        (void)cJSON_AddStringToObject(object, "output", assay_dtype_name(sensed[i].output));
        (void)cJSON_AddNumberToObject(object, "row_rms", sensed[i].rms);
        (void)cJSON_AddNumberToObject(object, "ulp", sensed[i].ulp);
        (void)cJSON_AddStringToObject(object, "limit", state_name(sensed[i].limit));
        (void)cJSON_AddStringToObject(object, "limit_text", sensed[i].limit_text);
        (void)cJSON_AddItemToArray(list, object);
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}

assay_status assay_sensitivity_write_markdown(const assay_sensed *sensed, size_t count,
                                              const char *command, const char *path,
                                              assay_error *error)
{
    FILE *const out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (out == NULL) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be written; give another --markdown", path);
    }
    (void)fprintf(out, "# Sensitivity\n\nThe smallest single-element fault that the verifier "
                       "catches with probability 0.95.\n\n`%s`\n\n"
                       "Units in the last place are the element's own, of the type named. A sum "
                       "errs by a part of its partial sums, not of itself: an element near "
                       "zero, where faults must be caught too, has thousands of such units "
                       "within that error. The limits therefore count in the row's RMS, and in "
                       "units only where the type is coarser than the sum's error.\n\n"
                       "Every op has a small shape, judged whole, and true ones, of an 8B model "
                       "beside a dictionary of 65,536 latents, judged at a sample of columns as "
                       "`assay verify` judges large outputs. A limit is stated for the products "
                       "at 65,536 x 4,096.\n\n"
                       "| contract | op | shape | output | of the row's RMS | ulp | limit |\n"
                       "|---|---|---|---|---|---|---|\n", command);
    for (size_t i = 0; i < count; i++) {
        char rms[24];
        char ulp[24];
        size_text(sensed[i].rms, rms, sizeof rms);
        size_text(sensed[i].ulp, ulp, sizeof ulp);
        (void)fprintf(out, "| %s | %s | %s | %s | %s | %s | %s %s |\n", sensed[i].contract,
                      assay_op_name(sensed[i].op), sensed[i].shape,
                      assay_dtype_name(sensed[i].output), rms, ulp, state_name(sensed[i].limit),
                      sensed[i].limit_text);
    }
    (void)fprintf(out, "\n");
    print_total(sensed, count, out);
    const bool bad = ferror(out) != 0;
    if (out != stdout && fclose(out) != 0) {
        return assay_fail(error, ASSAY_IO, "%s: could not be written whole", path);
    }
    return bad ? assay_fail(error, ASSAY_IO, "%s: could not be written whole", path) : ASSAY_OK;
}
