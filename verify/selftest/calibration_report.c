/* The calibration's table and its JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "verify/environment.h"
#include "fixtures/io/json_file.h"
#include "verify/report.h"
#include "verify/selftest/calibration.h"
#include "verify/simulate/simulate.h"

static const double parts[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
static const char *const part_names[] = {"q50", "q90", "q99", "q999", "q9999"};
enum { PARTS = sizeof parts / sizeof *parts };

void assay_calibration_print_head(void)
{
    printf("error / budget of right kernels; last column: greatest error / worst-case bound\n"
           "%-14s %-11s %9s", "contract", "op", "elements");
    for (int i = 0; i < PARTS; i++) {
        printf(" %7s", part_names[i]);
    }
    printf(" %7s %9s\n", "max", "worst");
}

void assay_calibration_print(const assay_calibrated *entry)
{
    printf("%-14s %-11s %9" PRIu64, entry->contract, assay_op_name(entry->op), entry->used.count);
    for (int i = 0; i < PARTS; i++) {
        printf(" %7.4f", assay_histogram_quantile(&entry->used, parts[i]));
    }
    printf(" %7.4f %9.2g\n", entry->used.greatest, entry->worst.greatest);
}

uint64_t assay_calibration_above(const assay_calibration *calibration)
{
    uint64_t above = 0;
    for (size_t i = 0; i < calibration->count; i++) {
        above += calibration->entry[i].used.above;
    }
    return above;
}

void assay_calibration_print_total(const assay_calibration *calibration)
{
    double greatest = 0.0;
    double elements = 0.0;
    uint32_t ops = 0;
    size_t contracts = 0;
    for (size_t i = 0; i < calibration->count; i++) {
        const assay_calibrated *const entry = &calibration->entry[i];
        bool met = false;
        for (size_t k = 0; k < i; k++) {
            met = met || strcmp(calibration->entry[k].contract, entry->contract) == 0;
        }
        contracts += met ? 0 : 1;
        ops |= (uint32_t)1 << entry->op;
        greatest = fmax(greatest, entry->used.greatest);
        elements += (double)entry->used.count;
    }
    int op_count = 0;
    for (; ops != 0; ops &= ops - 1u) {
        op_count++;
    }
    printf("worst error/budget %.3f over %zu contracts, %d ops, %.2g elements: %" PRIu64
           " above 1\n", greatest, contracts, op_count, elements,
           assay_calibration_above(calibration));
}

/* [[bin, count], ...] of the bins that are not empty. */
static cJSON *bins_json(const assay_histogram *histogram)
{
    cJSON *const list = cJSON_CreateArray();
    for (int i = 0; i < ASSAY_BINS; i++) {
        if (histogram->bin[i] > 0) {
            const double pair[2] = {(double)i, (double)histogram->bin[i]};
            (void)cJSON_AddItemToArray(list, cJSON_CreateDoubleArray(pair, 2));
        }
    }
    return list;
}

static cJSON *histogram_json(const assay_histogram *histogram)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(object, "elements", (double)histogram->count);
    for (int i = 0; i < PARTS; i++) {
        (void)cJSON_AddNumberToObject(object, part_names[i],
                                      assay_histogram_quantile(histogram, parts[i]));
    }
    (void)cJSON_AddNumberToObject(object, "max", histogram->greatest);
    (void)cJSON_AddNumberToObject(object, "above_1", (double)histogram->above);
    (void)cJSON_AddItemToObject(object, "bins", bins_json(histogram));
    return object;
}

assay_status assay_calibration_write(const assay_calibration *calibration, const char *command,
                                     const char *path, assay_error *error)
{
    char seed[32];
    (void)snprintf(seed, sizeof seed, "%" PRIu64, calibration->seed);
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-calibration");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    (void)cJSON_AddStringToObject(root, "command", command);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    (void)cJSON_AddStringToObject(root, "seed", seed);
    (void)cJSON_AddNumberToObject(root, "elements", (double)calibration->elements);
    (void)cJSON_AddStringToObject(root, "bins",
                                  "bin b holds error/budget in 2^(b/16 - 40) .. 2^((b+1)/16 - 40); "
                                  "bin 0 what is less, or 0");
    cJSON *const list = cJSON_AddArrayToObject(root, "results");
    for (size_t i = 0; i < calibration->count; i++) {
        const assay_calibrated *const entry = &calibration->entry[i];
        cJSON *const object = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(object, "contract", entry->contract);
        (void)cJSON_AddStringToObject(object, "op", assay_op_name(entry->op));
        (void)cJSON_AddNumberToObject(object, "cases", (double)entry->cases);
        (void)cJSON_AddNumberToObject(object, "seconds", entry->seconds);
        (void)cJSON_AddItemToObject(object, "of_budget", histogram_json(&entry->used));
        (void)cJSON_AddItemToObject(object, "of_worst_case", histogram_json(&entry->worst));
        (void)cJSON_AddItemToArray(list, object);
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}

static bool read_histogram(const cJSON *object, assay_histogram *histogram)
{
    const cJSON *pair = NULL;
    double counted = 0.0;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(object, "bins"))
    {
        const cJSON *const bin = cJSON_GetArrayItem(pair, 0);
        const cJSON *const count = cJSON_GetArrayItem(pair, 1);
        if (!cJSON_IsNumber(bin) || !cJSON_IsNumber(count) || bin->valuedouble < 0 ||
            bin->valuedouble >= ASSAY_BINS || count->valuedouble < 0) {
            return false;
        }
        histogram->bin[(int)bin->valuedouble] = (uint64_t)count->valuedouble;
        counted += count->valuedouble;
    }
    const double above = assay_json_number_or(object, "above_1", -1.0);
    histogram->count = (uint64_t)counted;
    histogram->above = above > 0 ? (uint64_t)above : 0;
    histogram->greatest = assay_json_number_or(object, "max", -1.0);
    return counted == assay_json_number_or(object, "elements", -1.0) && above >= 0 &&
           histogram->greatest >= 0;
}

static bool read_entry(const cJSON *object, assay_calibrated *entry)
{
    const char *const op = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "op"));
    const char *const contract =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "contract"));
    char name[64];
    (void)snprintf(name, sizeof name, "simulated_%s", contract != NULL ? contract : "");
    const assay_table *const simulated = assay_simulated_find(name);
    entry->op = ASSAY_OP_COUNT;
    for (int i = 0; op != NULL && i < ASSAY_OP_COUNT; i++) {
        entry->op = strcmp(assay_op_name((assay_op)i), op) == 0 ? (assay_op)i : entry->op;
    }
    if (simulated == NULL || entry->op == ASSAY_OP_COUNT) {
        return false;
    }
    entry->contract = simulated->name + strlen("simulated_");
    entry->cases = (uint64_t)fmax(0.0, assay_json_number_or(object, "cases", -1.0));
    entry->seconds = assay_json_number_or(object, "seconds", -1.0);
    return read_histogram(cJSON_GetObjectItemCaseSensitive(object, "of_budget"), &entry->used) &&
           read_histogram(cJSON_GetObjectItemCaseSensitive(object, "of_worst_case"),
                          &entry->worst);
}

static cJSON *parse_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    char *text = NULL;
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
        rewind(file);
    }
    if (size >= 0 && size < 1L << 28) {
        text = calloc((size_t)size + 1, 1);
        size = text != NULL ? (long)fread(text, 1, (size_t)size, file) : 0;
    }
    cJSON *const root = text != NULL ? cJSON_Parse(text) : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    free(text);
    return root;
}

assay_status assay_calibration_read(assay_calibration *calibration, const char *path,
                                    assay_error *error)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return ASSAY_OK;
    }
    (void)fclose(file);
    cJSON *const root = parse_file(path);
    const char *const seed =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "seed"));
    assay_status status = ASSAY_OK;
    if (seed == NULL || strtoull(seed, NULL, 10) != calibration->seed ||
        assay_json_number_or(root, "elements", -1.0) != (double)calibration->elements) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: not a calibration of seed %" PRIu64 " and %" PRIu64
                            " elements; give its --seed and --elements, or leave out --resume",
                            path, calibration->seed, calibration->elements);
    }
    const cJSON *object = NULL;
    cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(root, "results"))
    {
        if (status == ASSAY_OK && calibration->count < ASSAY_CALIBRATED_MAX &&
            !read_entry(object, &calibration->entry[calibration->count++])) {
            status = assay_fail(error, ASSAY_BAD_INPUT, "%s: result %zu is damaged; leave out "
                                "--resume to begin anew", path, calibration->count - 1);
        }
    }
    cJSON_Delete(root);
    return status;
}
