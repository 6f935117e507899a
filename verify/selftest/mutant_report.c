/* The kill matrix as a table, as Markdown, as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verify/environment.h"
#include "verify/report.h"
#include "verify/selftest/mutants.h"

static bool row_good(const assay_mutant_row *row)
{
    return row->seeds > 0 && row->killed == row->seeds;
}

static size_t count_killed(const assay_kill_matrix *m)
{
    size_t killed = 0;
    for (size_t i = 0; i < m->row_count; i++) {
        killed += row_good(&m->row[i]);
    }
    return killed;
}

static size_t count_passing(const assay_kill_matrix *m)
{
    size_t passing = 0;
    for (size_t i = 0; i < m->twin_count; i++) {
        passing += m->twin[i].failed == 0 && m->twin[i].cases > m->twin[i].skipped;
    }
    return passing;
}

bool assay_matrix_good(const assay_kill_matrix *m)
{
    return m->row_count > 0 && count_killed(m) == m->row_count &&
           count_passing(m) == m->twin_count;
}

/* "value 18, exact 2": the checks that caught it and how often. */
static void name_kills(const assay_mutant_row *row, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int check = 0; check < ASSAY_CHECK_COUNT; check++) {
        if (row->by[check] > 0 && used < size) {
            const int wrote = snprintf(text + used, size - used, "%s%s %" PRIu32,
                                       used > 0 ? ", " : "", assay_check_name((assay_check)check),
                                       row->by[check]);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

static void name_checks(uint32_t checks, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int check = 0; check < ASSAY_CHECK_COUNT; check++) {
        if ((checks & (1u << check)) != 0 && used < size) {
            const int wrote = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                       assay_check_name((assay_check)check));
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

static void print_failures(const assay_kill_matrix *m)
{
    for (size_t i = 0; i < m->row_count; i++) {
        const assay_mutant_row *const row = &m->row[i];
        if (!row_good(row)) {
            printf("\nALIVE %s in %" PRIu32 " of %" PRIu32 " seeds: %s\n  %s\n"
                   "  assay selftest mutants --mutant %s --seed %" PRIu64 " --seeds 1\n",
                   row->mutant->name, row->seeds - row->killed, row->seeds, row->mutant->what,
                   row->said, row->mutant->name, row->first_alive);
        }
    }
    for (size_t i = 0; i < m->twin_count; i++) {
        const assay_twin_row *const twin = &m->twin[i];
        if (twin->failed > 0 || twin->cases <= twin->skipped) {
            printf("\nWRONGLY ACCUSED %s in %" PRIu32 " of %" PRIu32 " verdicts\n  %s\n",
                   twin->name, twin->failed, twin->cases, twin->said);
        }
    }
}

void assay_matrix_print(const assay_kill_matrix *m)
{
    char kills[256];
    printf("%-36s %7s  %-28s %s\n", "mutant", "killed", "by check", "first case");
    for (size_t i = 0; i < m->row_count; i++) {
        const assay_mutant_row *const row = &m->row[i];
        name_kills(row, kills, sizeof kills);
        printf("%-36s %3" PRIu32 "/%-3" PRIu32 "  %-28s %s\n", row->mutant->name, row->killed,
               row->seeds, kills, row->case_count > 0 ? row->cases[0] : "-");
    }
    print_failures(m);
    printf("\n%" PRIu32 " seeds from %" PRIu64 ", %.1f s\n", m->seeds, m->seed, m->seconds);
    printf("%zu of %zu mutants killed, %zu of %zu twins pass\n", count_killed(m), m->row_count,
           count_passing(m), m->twin_count);
}

static void print_command(const assay_kill_matrix *m, char *text, size_t size)
{
    (void)snprintf(text, size,
                   "assay selftest mutants --seeds %" PRIu32 " --seed %" PRIu64 "%s%.200s",
                   m->seeds, m->seed, m->glob != NULL ? " --mutant " : "",
                   m->glob != NULL ? m->glob : "");
}

static cJSON *row_json(const assay_mutant_row *row)
{
    char text[256];
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "mutant", row->mutant->name);
    (void)cJSON_AddStringToObject(object, "op", row->mutant->op);
    (void)cJSON_AddStringToObject(object, "what", row->mutant->what);
    (void)cJSON_AddStringToObject(object, "twin", row->mutant->twin);
    name_checks(row->mutant->checks, text, sizeof text);
    (void)cJSON_AddStringToObject(object, "listed_checks", text);
    (void)cJSON_AddNumberToObject(object, "seeds", row->seeds);
    (void)cJSON_AddNumberToObject(object, "killed", row->killed);
    cJSON *const by = cJSON_AddObjectToObject(object, "killed_by");
    for (int check = 0; check < ASSAY_CHECK_COUNT; check++) {
        if (row->by[check] > 0) {
            (void)cJSON_AddNumberToObject(by, assay_check_name((assay_check)check),
                                          row->by[check]);
        }
    }
    cJSON *const cases = cJSON_AddObjectToObject(object, "cases");
    for (size_t i = 0; i < row->case_count; i++) {
        (void)cJSON_AddNumberToObject(cases, row->cases[i], row->case_kills[i]);
    }
    (void)cJSON_AddStringToObject(object, "said", row->said);
    return object;
}

static cJSON *twin_json(const assay_twin_row *twin)
{
    cJSON *const object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "twin", twin->name);
    (void)cJSON_AddNumberToObject(object, "seeds", twin->seeds);
    (void)cJSON_AddNumberToObject(object, "verdicts", twin->cases);
    (void)cJSON_AddNumberToObject(object, "skipped", twin->skipped);
    (void)cJSON_AddNumberToObject(object, "failed", twin->failed);
    if (twin->said[0] != '\0') {
        (void)cJSON_AddStringToObject(object, "said", twin->said);
    }
    return object;
}

assay_status assay_matrix_write_json(const assay_kill_matrix *m, const char *path,
                                     assay_error *error)
{
    char text[320];
    cJSON *const root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "format", "assay-kill-matrix");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    print_command(m, text, sizeof text);
    (void)cJSON_AddStringToObject(root, "command", text);
    (void)cJSON_AddItemToObject(root, "environment", assay_environment_json());
    (void)snprintf(text, sizeof text, "%" PRIu64, m->seed);
    (void)cJSON_AddStringToObject(root, "seed", text);
    (void)cJSON_AddNumberToObject(root, "seeds", m->seeds);
    (void)cJSON_AddNumberToObject(root, "mutants", (double)m->row_count);
    (void)cJSON_AddNumberToObject(root, "killed", (double)count_killed(m));
    (void)cJSON_AddNumberToObject(root, "twins", (double)m->twin_count);
    (void)cJSON_AddNumberToObject(root, "passing", (double)count_passing(m));
    (void)cJSON_AddNumberToObject(root, "seconds", m->seconds);
    cJSON *const rows = cJSON_AddArrayToObject(root, "matrix");
    for (size_t i = 0; i < m->row_count; i++) {
        (void)cJSON_AddItemToArray(rows, row_json(&m->row[i]));
    }
    cJSON *const twins = cJSON_AddArrayToObject(root, "twin_verdicts");
    for (size_t i = 0; i < m->twin_count; i++) {
        (void)cJSON_AddItemToArray(twins, twin_json(&m->twin[i]));
    }
    const assay_status status = assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}

static void write_rows(const assay_kill_matrix *m, FILE *file)
{
    char kills[256];
    char checks[256];
    (void)fprintf(file, "| mutant | what it does wrong | checks listed | killed | by check | cases "
                        "|\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < m->row_count; i++) {
        const assay_mutant_row *const row = &m->row[i];
        name_kills(row, kills, sizeof kills);
        name_checks(row->mutant->checks, checks, sizeof checks);
        (void)fprintf(file, "| `%s` | %s | %s | %" PRIu32 " of %" PRIu32 " | %s |",
                      row->mutant->name, row->mutant->what, checks, row->killed, row->seeds,
                      kills);
        for (size_t c = 0; c < row->case_count; c++) {
            (void)fprintf(file, "%s %s", c > 0 ? "," : "", row->cases[c]);
        }
        (void)fprintf(file, " |\n");
    }
    (void)fprintf(file, "\n| twin | verdicts | against it |\n|---|---|---|\n");
    for (size_t i = 0; i < m->twin_count; i++) {
        (void)fprintf(file, "| `%s` | %" PRIu32 " | %" PRIu32 " |\n", m->twin[i].name,
                      m->twin[i].cases - m->twin[i].skipped, m->twin[i].failed);
    }
}

assay_status assay_matrix_write_markdown(const assay_kill_matrix *m, const char *path,
                                         assay_error *error)
{
    char command[320];
    FILE *const file = fopen(path, "w");
    if (file == NULL) {
        return assay_fail(error, ASSAY_IO, "%s: cannot be written: check folder and space", path);
    }
    print_command(m, command, sizeof command);
    (void)fprintf(file, "# Kill matrix\n\n%zu of %zu mutants killed in all of %" PRIu32
                        " seeds, %zu of %zu twins pass. Made by `%s`.\n\n",
                  count_killed(m), m->row_count, m->seeds, count_passing(m), m->twin_count,
                  command);
    write_rows(m, file);
    const bool good = ferror(file) == 0;
    return fclose(file) == 0 && good
               ? ASSAY_OK
               : assay_fail(error, ASSAY_IO, "%s: cannot be written: check the space left", path);
}
