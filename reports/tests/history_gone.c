/* `assay history check` says what the run before had and the newest lacks, and nothing that it was
 * not asked for. */
#include "reports/tests/history_run.h"

/* A night of `ops` ops; of the keys `without` (NULL: none) is left out, and the first verdict is
 * skipped if asked. */
static void add_night(const char *folder, int night, int ops, const char *without, bool skipped)
{
    generate_options o = GENERATE_DEFAULTS;
    o.ops = ops;
    o.samples = 12;
    history_file(folder, "night.json", night, o);
    cJSON *const root = run_json(folder, "night.json");
    if (without != NULL) {
        cJSON_DeleteItemFromObject(root, without);
    }
    if (skipped) {
        cJSON *const first = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "verdicts"), 0);
        cJSON_SetValuestring(cJSON_GetObjectItem(first, "verdict"), "SKIP");
    }
    char path[256];
    char *const text = cJSON_PrintUnformatted(root);
    snprintf(path, sizeof path, "%s/night.json", folder);
    FILE *const file = fopen(path, "w");
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
    free(text);
    cJSON_Delete(root);
    run_expect(0, "history add %s/night.json --db %s/h.sqlite", folder, folder);
}

/* Two nights of so many ops in a new folder; of the second one a key may be left out. */
static void begin(char *folder, int ops, int later_ops, const char *without)
{
    run_folder(folder);
    add_night(folder, 0, ops, NULL, false);
    add_night(folder, 1, later_ops, without, false);
}

/* The exit status, what is printed (the caller's to free), and the JSON (likewise). */
static char *check(const char *folder, const char *arguments, int status, cJSON **root)
{
    run_output run = run_program("history check --db %s/h.sqlite --json %s/check.json %s", folder,
                                 folder, arguments);
    cr_assert_eq(run.status, status, "%d: %s%s", run.status, run.out, run.err);
    *root = run_json(folder, "check.json");
    free(run.err);
    return run.out;
}

static int gone(const cJSON *root, const char *key)
{
    const cJSON *const o = cJSON_GetObjectItem(root, key);
    const int count = (int)cJSON_GetObjectItem(o, "count")->valuedouble;
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "cases")), count);
    return count;
}

Test(history_gone, what_vanished_is_named_and_counted)
{
    char folder[64];
    cJSON *root;
    begin(folder, 2, 2, NULL);
    char *out = check(folder, "", 0, &root);
    cr_expect_null(strstr(out, "GONE"), "%s", out);
    cr_expect_eq(gone(root, "timings_gone") + gone(root, "verdicts_gone"), 0);
    cJSON_Delete(root);
    free(out);
    add_night(folder, 2, 1, NULL, true); /* qresearch is gone, one of goodfire skipped */
    out = check(folder, "", 0, &root);
    cr_expect_eq(gone(root, "timings_gone"), 6 * 7);
    cr_expect_eq(gone(root, "verdicts_gone"), 4 * 6 + 1);
    cr_expect_not_null(strstr(out, "GONE    42 timings of run 2"), "%s", out);
    cr_expect_not_null(strstr(out, "GONE    25 verdicts of run 2"), "%s", out);
    cr_expect_not_null(strstr(out, "(now SKIP)"), "%s", out);
    cr_expect_not_null(strstr(out, "and 38 more"), "%s", out);
    cJSON_Delete(root);
    free(out);
    run_remove(folder);
}

Test(history_gone, what_is_filtered_out_is_not_gone)
{
    char folder[64];
    cJSON *root;
    begin(folder, 2, 1, NULL);
    char *out = check(folder, "--case '*goodfire*'", 0, &root);
    cr_expect_null(strstr(out, "GONE"), "%s", out);
    cr_expect_eq(gone(root, "timings_gone") + gone(root, "verdicts_gone"), 0);
    cJSON_Delete(root);
    free(out);
    out = check(folder, "--impl scalar", 0, &root);
    cr_expect_eq(gone(root, "timings_gone"), 7);
    cr_expect_eq(gone(root, "verdicts_gone"), 6);
    cJSON_Delete(root);
    free(out);
    /* all that is asked for is gone: nothing was compared, and what went is still said */
    out = check(folder, "--case '*qresearch*'", 3, &root);
    cr_expect_not_null(strstr(out, "GONE    42 timings"), "%s", out);
    cJSON_Delete(root);
    free(out);
    run_remove(folder);
}

/* Files of timings alone and of verdicts alone may be stored in turn. */
Test(history_gone, a_run_of_one_kind_lacks_the_other_in_one_line)
{
    char folder[64];
    cJSON *root;
    begin(folder, 2, 2, "verdicts");
    char *out = check(folder, "", 0, &root);
    cr_expect_null(strstr(out, "GONE"), "%s", out);
    cr_expect_not_null(strstr(out, "no verdicts in this run; run 1 ("), "%s", out);
    cr_expect(cJSON_IsTrue(
        cJSON_GetObjectItem(cJSON_GetObjectItem(root, "verdicts_gone"), "all")));
    cJSON_Delete(root);
    free(out);
    add_night(folder, 2, 1, "timings", false); /* its verdicts are held against run 1's */
    out = check(folder, "", 0, &root);
    cr_expect_not_null(strstr(out, "no timings in this run; run 2 ("), "%s", out);
    cr_expect_not_null(strstr(out, "GONE    24 verdicts of run 1"), "%s", out);
    cJSON_Delete(root);
    free(out);
    run_remove(folder);
}
