/* An interrupted run goes on where it stopped, and only that run. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verify/file_stamp.h"
#include "verify/journal.h"
#include "verify/result_json.h"

static assay_result made(const char *case_id, const char *impl)
{
    assay_result result;
    memset(&result, 0, sizeof result);
    result.golden = "generated";
    result.source = "generated";
    result.op = "linear";
    result.impl = impl;
    result.case_id = case_id;
    result.verdict = ASSAY_FAIL;
    result.check = ASSAY_CHECK_GUARD;
    result.budget_used = INFINITY;
    result.max_abs = NAN;
    result.cosine = 0.25;
    result.undecided = 7;
    result.seed = UINT64_MAX;
    result.repeat_differs = true;
    (void)snprintf(result.message, sizeof result.message, "wrote 4 bytes\npast \"the\" end");
    return result;
}

static void folder(char path[64], char file[96])
{
    (void)snprintf(path, 64, "journal-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    (void)snprintf(file, 96, "%s/results.json", path);
}

static void clear(const char *path, const char *file)
{
    char journal[128];
    (void)snprintf(journal, sizeof journal, "%s.journal", file);
    (void)unlink(journal);
    cr_assert_eq(rmdir(path), 0, "nothing else was left in %s", path);
}

Test(journal, a_verdict_comes_back_as_it_was)
{
    const assay_result before = made("linear-1x1", "scalar");
    cJSON *const object = assay_result_to_json(&before);
    assay_result after;
    cr_assert(assay_result_from_json(object, &after));
    cr_assert_str_eq(after.case_id, before.case_id);
    cr_assert_str_eq(after.message, before.message);
    cr_assert_eq(after.verdict, before.verdict);
    cr_assert_eq(after.check, before.check);
    cr_assert(isinf(after.budget_used) && isnan(after.max_abs));
    cr_assert_eq(after.undecided, before.undecided);
    cr_assert_eq(after.seed, before.seed);
    cr_assert(after.repeat_differs && !after.batch_differs);
    cJSON_Delete(object);
}

Test(journal, what_was_judged_is_found_after_a_line_that_was_cut_off)
{
    char path[64];
    char file[96];
    char name[128];
    assay_error error = {.message = ""};
    assay_journal journal;
    folder(path, file);
    cr_assert_eq(assay_journal_open(file, "run one", false, &journal, &error), ASSAY_OK);
    const assay_result first = made("a", "scalar");
    cr_assert_eq(assay_journal_append(&journal, &first, &error), ASSAY_OK);
    assay_journal_close(&journal, false);
    (void)snprintf(name, sizeof name, "%s.journal", file);
    FILE *const cut = fopen(name, "a");
    (void)fputs("{\"golden\": \"gener", cut);
    (void)fclose(cut);
    cr_assert_eq(assay_journal_open(file, "run one", true, &journal, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_not_null(assay_journal_find(&journal, "generated", "a", "scalar"));
    cr_assert_null(assay_journal_find(&journal, "generated", "a", "other"));
    const assay_result second = made("b", "scalar");
    cr_assert_eq(assay_journal_append(&journal, &second, &error), ASSAY_OK);
    assay_journal_close(&journal, false);
    cr_assert_eq(assay_journal_open(file, "run one", true, &journal, &error), ASSAY_OK);
    cr_assert_eq(journal.kept.count, 2, "both whole lines, and no half one between them");
    assay_journal_close(&journal, true);
    clear(path, file);
}

Test(journal, a_line_that_is_no_verdict_is_named)
{
    char path[64];
    char file[96];
    char name[128];
    assay_error error = {.message = ""};
    assay_journal journal;
    const assay_result first = made("a", "scalar");
    folder(path, file);
    cr_assert_eq(assay_journal_open(file, "run one", false, &journal, &error), ASSAY_OK);
    assay_journal_close(&journal, false);
    (void)snprintf(name, sizeof name, "%s.journal", file);
    FILE *const edited = fopen(name, "a");
    (void)fputs("{\"golden\": 3}\n", edited);
    (void)fclose(edited);
    cr_assert_eq(assay_journal_open(file, "run one", true, &journal, &error), ASSAY_BAD_INPUT);
    cr_assert(strstr(error.message, ".journal: line 2: not a verdict") != NULL, "%s",
              error.message);
    assay_journal_close(&journal, false);
    cr_assert_eq(assay_journal_open(file, "run one", false, &journal, &error), ASSAY_OK);
    cr_assert_eq(assay_journal_append(&journal, &first, &error), ASSAY_OK);
    assay_journal_close(&journal, true);
    clear(path, file);
}

/* The child ends at once, without what Criterion would do at the end of a test. */
Test(journal, two_runs_do_not_write_one_file)
{
    char path[64];
    char file[96];
    int answer = 0;
    assay_error error = {.message = ""};
    assay_journal journal;
    const assay_result first = made("a", "scalar");
    folder(path, file);
    cr_assert_eq(assay_journal_open(file, "run one", false, &journal, &error), ASSAY_OK);
    cr_assert_eq(assay_journal_append(&journal, &first, &error), ASSAY_OK);
    const pid_t child = fork();
    if (child == 0) {
        assay_journal other;
        const assay_status status = assay_journal_open(file, "run one", false, &other, &error);
        const bool told = strstr(error.message, "another assay writes to it") != NULL;
        assay_journal_close(&other, true);
        _exit(status == ASSAY_IO && told ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &answer, 0), child);
    cr_assert(WIFEXITED(answer) && WEXITSTATUS(answer) == 0);
    assay_journal_close(&journal, false);
    cr_assert_eq(assay_journal_open(file, "run one", true, &journal, &error), ASSAY_OK);
    cr_assert_eq(journal.kept.count, 1, "the other one took nothing away");
    assay_journal_close(&journal, true);
    clear(path, file);
}

Test(journal, another_run_is_refused_and_no_resume_begins_anew)
{
    char path[64];
    char file[96];
    assay_error error = {.message = ""};
    assay_journal journal;
    const assay_result first = made("a", "scalar");
    folder(path, file);
    cr_assert_eq(assay_journal_open(file, "run one", false, &journal, &error), ASSAY_OK);
    cr_assert_eq(assay_journal_append(&journal, &first, &error), ASSAY_OK);
    assay_journal_close(&journal, false);
    cr_assert_eq(assay_journal_open(file, "run two", true, &journal, &error), ASSAY_BAD_INPUT);
    cr_assert(strstr(error.message, ".journal") != NULL, "%s", error.message);
    assay_journal_close(&journal, false);
    cr_assert_eq(assay_journal_open(file, "run two", false, &journal, &error), ASSAY_OK);
    cr_assert_eq(journal.kept.count, 0);
    assay_journal_close(&journal, true);
    clear(path, file);
}

Test(journal, a_file_that_changed_has_another_stamp)
{
    char path[] = "./assay-stamp-XXXXXX";
    const int file = mkstemp(path);
    const char *const files[] = {NULL, "./no-such-file", path};
    char first[128] = "run";
    char again[128] = "run";
    char changed[128] = "run";
    assay_file_stamps(files, 3, first, sizeof first);
    assay_file_stamps(files, 3, again, sizeof again);
    const struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000, .tv_nsec = 7}};
    cr_assert_eq(futimens(file, later), 0);
    assay_file_stamps(files, 3, changed, sizeof changed);
    cr_expect_str_eq(first, again);
    cr_expect_str_neq(first, changed);
    cr_expect_str_eq(changed, "run 1000.000000007");
    close(file);
    unlink(path);
}
