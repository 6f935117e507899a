/* The table of faults for people, as Markdown, as JSON. */
#include <inttypes.h>
#include <stdlib.h>

#include "verify/environment.h"
#include "verify/report.h"
#include "verify/result_json.h"
#include "verify/selftest/world.h"

enum { CELL = 40, COMMAND = 320 };

static const char *const heads[ASSAY_MEASURE_COUNT] = {
    [ASSAY_MEASURE_label_accuracy] = "labels",
    [ASSAY_MEASURE_same_label] = "same label",
    [ASSAY_MEASURE_end_to_end_accuracy] = "end to end",
    [ASSAY_MEASURE_same_latent] = "same latent",
    [ASSAY_MEASURE_variance_explained] = "variance",
    [ASSAY_MEASURE_l0] = "L0",
    [ASSAY_MEASURE_nll_shift] = "NLL shift",
    [ASSAY_MEASURE_kl] = "KL"};

static void number(const assay_fault_row *row, size_t pair, int measure, char *cell)
{
    const double value = row->evaluation[pair].measure[measure].value;
    if (measure == ASSAY_MEASURE_nll_shift || measure == ASSAY_MEASURE_kl) {
        (void)snprintf(cell, CELL, "%.1e", value);
    } else {
        (void)snprintf(cell, CELL, "%.3f", value);
    }
}

static bool is_measured(const assay_fault_row *row, size_t pair)
{
    return row->evaluation[pair].measure[0].n > 0;
}

static bool sees(const assay_fault_row *row, size_t pair, int measure)
{
    return (row->seen[pair] & (1u << measure)) != 0;
}

static void verdict_of(const assay_fault_table *t, const assay_fault_row *row, char *text,
                       size_t size)
{
    if (!t->verified) {
        (void)snprintf(text, size, "-");
    } else if (assay_verdict_is_bad(row->verdict)) {
        (void)snprintf(text, size, "%s %s, %s", assay_verdict_name(row->verdict),
                       assay_check_name(row->check), row->case_id);
    } else {
        (void)snprintf(text, size, "passes %" PRIu32, row->cases);
    }
}

static size_t count_seen(const assay_fault_table *t, bool verifier, bool measures)
{
    size_t seen = 0;
    for (size_t i = 0; i < t->count; i++) {
        bool any = verifier && assay_verdict_is_bad(t->row[i].verdict);
        for (size_t p = 0; measures && p < t->world.pair_count; p++) {
            any = any || t->row[i].seen[p] != 0 ||
                  assay_verdict_is_bad(t->row[i].evaluation[p].result.verdict);
        }
        seen += any ? 1 : 0;
    }
    return seen;
}

static void print_row(const assay_fault_table *t, const assay_fault_row *row)
{
    char cell[CELL];
    char verdict[256];
    verdict_of(t, row, verdict, sizeof verdict);
    for (size_t p = 0; p < t->world.pair_count; p++) {
        printf("%-16s %-10s", p == 0 ? row->name : "", t->world.pair[p].sae_name);
        for (int m = 0; m < ASSAY_MEASURE_COUNT && is_measured(row, p); m++) {
            number(row, p, m, cell);
            printf(" %11s%c", cell, sees(row, p, m) ? '*' : ' ');
        }
        printf(" %s\n", is_measured(row, p) ? (p == 0 ? verdict : "")
                                            : row->evaluation[p].result.message);
    }
}

void assay_fault_table_print(const assay_fault_table *t)
{
    printf("%-16s %-10s", "fault", "sae");
    for (int m = 0; m < ASSAY_MEASURE_COUNT; m++) {
        printf(" %11s ", heads[m]);
    }
    printf(" verifier\n");
    print_row(t, &t->right);
    for (size_t i = 0; i < t->count; i++) {
        print_row(t, &t->row[i]);
    }
    for (size_t i = 0; i < t->count; i++) {
        if (!assay_fault_is_seen(t, &t->row[i])) {
            printf("\nUNSEEN %s: %s\n", t->row[i].name, t->row[i].what);
        }
    }
    printf("\n* its 95%% interval lies apart from the right backend's; %.0f s\n"
           "%zu faults: %zu seen by a measure, %zu by the verifier, %zu by either\n",
           t->seconds, t->count, count_seen(t, false, true), count_seen(t, true, false),
           count_seen(t, true, true));
}

static void command_of(const assay_fault_table *t, char *text)
{
    (void)snprintf(text, COMMAND, "assay selftest world --seed %" PRIu64 "%s%.200s", t->seed,
                   t->glob != NULL ? " --fault " : "", t->glob != NULL ? t->glob : "");
}

static cJSON *pair_json(const assay_fault_table *t, const assay_fault_row *row, size_t p)
{
    const assay_evaluation *const e = &row->evaluation[p];
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "sae", t->world.pair[p].sae_name);
    (void)cJSON_AddStringToObject(object, "adapter", t->world.pair[p].adapter_name);
    (void)cJSON_AddStringToObject(object, "verdict", assay_verdict_name(e->result.verdict));
    (void)cJSON_AddStringToObject(object, "message", e->result.message);
    cJSON *const seen = cJSON_AddArrayToObject(object, "seen_by");
    for (int m = 0; m < ASSAY_MEASURE_COUNT && is_measured(row, p); m++) {
        const char *const name = assay_measure_name((assay_measure_id)m);
        cJSON *const estimate = cJSON_AddObjectToObject(object, name);
        assay_json_add_number(estimate, "value", e->measure[m].value);
        assay_json_add_number(estimate, "low", e->measure[m].low);
        assay_json_add_number(estimate, "high", e->measure[m].high);
        (void)cJSON_AddNumberToObject(estimate, "n", (double)e->measure[m].n);
        if (sees(row, p, m)) {
            (void)cJSON_AddItemToArray(seen, cJSON_CreateString(name));
        }
    }
    return object;
}

static cJSON *row_json(const assay_fault_table *t, const assay_fault_row *row)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "fault", row->name);
    (void)cJSON_AddStringToObject(object, "op", row->op != NULL ? row->op : "");
    (void)cJSON_AddStringToObject(object, "what", row->what);
    cJSON *const list = cJSON_AddArrayToObject(object, "evaluations");
    for (size_t p = 0; p < t->world.pair_count; p++) {
        (void)cJSON_AddItemToArray(list, pair_json(t, row, p));
    }
    if (t->verified) {
        cJSON *const verifier = cJSON_AddObjectToObject(object, "verifier");
        (void)cJSON_AddStringToObject(verifier, "verdict", assay_verdict_name(row->verdict));
        (void)cJSON_AddNumberToObject(verifier, "verdicts", row->cases);
        if (assay_verdict_is_bad(row->verdict)) {
            (void)cJSON_AddStringToObject(verifier, "check", assay_check_name(row->check));
            (void)cJSON_AddStringToObject(verifier, "case", row->case_id);
            (void)cJSON_AddStringToObject(verifier, "message", row->said);
        }
    }
    return object;
}

assay_status assay_fault_table_write_json(const assay_fault_table *t, const char *path,
                                          assay_error *error)
{
    char text[COMMAND];
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-world-faults");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    command_of(t, text);
    (void)cJSON_AddStringToObject(root, "command", text);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    (void)cJSON_AddNumberToObject(root, "world_seed", (double)t->world.seed);
    (void)cJSON_AddNumberToObject(root, "faults", (double)t->count);
    (void)cJSON_AddNumberToObject(root, "seen_by_measures", (double)count_seen(t, false, true));
    (void)cJSON_AddNumberToObject(root, "seen_by_verifier", (double)count_seen(t, true, false));
    (void)cJSON_AddNumberToObject(root, "seen", (double)count_seen(t, true, true));
    (void)cJSON_AddNumberToObject(root, "seconds", t->seconds);
    (void)cJSON_AddItemToObject(root, "right", row_json(t, &t->right));
    cJSON *const list = cJSON_AddArrayToObject(root, "table");
    for (size_t i = 0; i < t->count; i++) {
        (void)cJSON_AddItemToArray(list, row_json(t, &t->row[i]));
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}

static void write_row(const assay_fault_table *t, const assay_fault_row *row, FILE *file)
{
    char cell[CELL];
    char verdict[256];
    verdict_of(t, row, verdict, sizeof verdict);
    for (size_t p = 0; p < t->world.pair_count; p++) {
        (void)fprintf(file, "| %s | %s |", p == 0 ? row->what : "", t->world.pair[p].sae_name);
        for (int m = 0; m < ASSAY_MEASURE_COUNT; m++) {
            number(row, p, m, cell);
            const char *const mark = sees(row, p, m) ? "**" : "";
            (void)fprintf(file, " %s%s%s |", mark, is_measured(row, p) ? cell : "-", mark);
        }
        (void)fprintf(file, " %s |\n", p == 0 ? verdict : "");
    }
}

assay_status assay_fault_table_write_markdown(const assay_fault_table *t, const char *path,
                                              assay_error *error)
{
    char command[COMMAND];
    FILE *const file = fopen(path, "w");
    if (file == NULL) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be written: check folder and space", path);
    }
    command_of(t, command);
    (void)fprintf(file,
                  "# What faults do to explanations\n\n%zu faults in the trained world (seed "
                  "%lld): %zu seen by a measure of `assay evaluate` (bold: its 95%% interval lies "
                  "apart from the right backend's), %zu by the verifier on the world's golden "
                  "cases (its first verdict against it), %zu by either. Made by `%s`.\n\n"
                  "| what is wrong | SAE |",
                  t->count, (long long)t->world.seed, count_seen(t, false, true),
                  count_seen(t, true, false), count_seen(t, true, true), command);
    for (int m = 0; m < ASSAY_MEASURE_COUNT; m++) {
        (void)fprintf(file, " %s |", heads[m]);
    }
    (void)fprintf(file, " verifier |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    write_row(t, &t->right, file);
    for (size_t i = 0; i < t->count; i++) {
        write_row(t, &t->row[i], file);
    }
    const bool good = ferror(file) == 0;
    return fclose(file) == 0 && good
               ? ASSAY_OK
               : assay_fail(error, ASSAY_IO, "%s: cannot be written: check the space left", path);
}
