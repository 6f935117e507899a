/* A suspect is confirmed, or cleared, by pairs of the old program and this one. */
#include <sys/stat.h>

#include "reports/tests/history_run.h"

static void times(cJSON *root, double factor)
{
    static const char *const keys[] = {"value", "low", "high"};
    cJSON *const timing = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "timings"), 0);
    cJSON *const seconds = cJSON_GetObjectItem(cJSON_GetObjectItem(timing, "summary"), "seconds");
    for (int i = 0; i < 3; i++) {
        cJSON *const number = cJSON_GetObjectItem(seconds, keys[i]);
        cJSON_SetNumberValue(number, number->valuedouble * factor);
    }
}

/* The result file of one timing, times slowed by a factor. */
static void write_slowed(const char *folder, const char *name, double factor, int day)
{
    char path[128];
    char date[32];
    cJSON *const root = run_json(folder, "new.json");
    times(root, factor);
    snprintf(date, sizeof date, "2020-01-%02dT00:00:00Z", day);
    cJSON_SetValuestring(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "environment"), "date"),
                         date);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "w");
    char *const printed = cJSON_Print(root);
    fputs(printed, file);
    fclose(file);
    free(printed);
    cJSON_Delete(root);
}

/* An old program: it answers every bench with one and the same result file. */
static void write_old_program(const char *folder, double factor)
{
    char path[128];
    write_slowed(folder, "old.json", factor, 30);
    snprintf(path, sizeof path, "%s/old", folder);
    FILE *const file = fopen(path, "w");
    fprintf(file, "#!/bin/sh\nfor last; do :; done\ncp %s/old.json \"$last\"\n", folder);
    fclose(file);
    chmod(path, 0755);
}

/* Six old runs at half the time of the new one. */
static void fill(const char *folder)
{
    run_expect(0,
               "bench --op linear --impl scalar --case linear-tiny --batch 1 --cache warm "
               "--stop count:50 --processes 3 --json %s/new.json",
               folder);
    for (int day = 1; day <= 6; day++) {
        write_slowed(folder, "earlier.json", 0.5 + 0.001 * day, day);
        run_expect(0, "history add %s/earlier.json --db %s/h.sqlite", folder, folder);
    }
    run_expect(0, "history add %s/new.json --db %s/h.sqlite", folder, folder);
}

static void expect_check(const char *folder, const char *arguments, int status, const char *part)
{
    run_output run = run_program("history check --db %s/h.sqlite %s", folder, arguments);
    cr_expect_eq(run.status, status, "%d: %s%s", run.status, run.out, run.err);
    cr_expect(strstr(run.out, part) != NULL || strstr(run.err, part) != NULL, "%s%s", run.out,
              run.err);
    run_free(&run);
}

Test(history_pairs, suspects_are_confirmed_or_cleared, .timeout = 300)
{
    char folder[64];
    char against[128];
    run_folder(folder);
    fill(folder);
    expect_check(folder, "", 0, "suspect linear/scalar linear-tiny batch 1 warm");
    snprintf(against, sizeof against, "--against-binary %s/old", folder);
    write_old_program(folder, 0.05);
    expect_check(folder, against, 1, "SLOWER  linear/scalar linear-tiny batch 1 warm");
    write_old_program(folder, 20.0);
    expect_check(folder, against, 0, "FASTER  linear/scalar linear-tiny batch 1 warm");
    run_remove(folder);
}

Test(history_pairs, an_old_program_that_cannot_be_run_is_said)
{
    char folder[64];
    run_folder(folder);
    fill(folder);
    expect_check(folder, "--against-binary /nowhere/assay", 3, "/nowhere/assay: cannot be run");
    expect_check(folder, "--against-binary /bin/false", 3, "/bin/false bench --op linear");
    free(history_ask(folder, "UPDATE run SET machine='00000000000000ff'"));
    char against[256];
    snprintf(against, sizeof against, "--against-binary '%s'", ASSAY_BINARY);
    expect_check(folder, against, 3, "the run's own machine");
    run_remove(folder);
}
