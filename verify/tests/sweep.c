/* Sweeps: one wrong size is found, named, kept, and can be judged again alone; a sweep is void only
 * where none of its sizes shows anything. */
#include <criterion/criterion.h>

#include <sys/stat.h>

#include "run_assay.h"

static void write_cases(const char *path, const char *cases)
{
    FILE *const file = fopen(path, "w");
    cr_assert_not_null(file);
    (void)fprintf(file, "{\"format\": \"assay-cases\", \"version\": 1, \"cases\": [%s]}", cases);
    cr_assert_eq(fclose(file), 0);
}

/* The verdicts on cases of an implementation; the caller frees them. */
static run_output judge(const char *folder, const char *cases, const char *rest)
{
    char path[128];
    char arguments[512];
    (void)snprintf(path, sizeof path, "%s/cases.json", folder);
    write_cases(path, cases);
    (void)snprintf(arguments, sizeof arguments, "verify --cases %s %s", path, rest);
    const run_output run = run_assay(arguments);
    (void)remove(path);
    return run;
}

static void say(const run_output *run, int status, const char *text)
{
    cr_expect_eq(run->status, status, "%d: %s%s", run->status, run->out, run->err);
    cr_expect_not_null(strstr(run->out, text), "'%s' is not in %s%s", text, run->out, run->err);
}

Test(sweep, finds_one_wrong_size_names_it_keeps_it_and_it_fails_alone)
{
    char folder[] = "./assay-sweep-XXXXXX";
    char arguments[256];
    char kept[160];
    struct stat facts;
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(arguments, sizeof arguments,
                   "--plugin " ASSAY_TEST_PLUGINS "/../assay_mutants.so "
                   "--impl m_linear_batch_96 --keep %s", folder);
    run_output run = judge(folder, "{\"id\": \"s\", \"op\": \"linear\", \"shape\": {\"n\": 1, "
                                   "\"k\": 5, \"o\": 3}, \"sweep\": {\"n\": 130}}", arguments);
    say(&run, 1, "at n = 96, k = 5, o = 3: row ");
    say(&run, 1, "1 verdicts: 0 passed, 1 failed, 0 skipped");
    (void)snprintf(kept, sizeof kept, "%s/linear-m_linear_batch_96-s.safetensors", folder);
    cr_expect_eq(stat(kept, &facts), 0);
    cr_expect_gt(facts.st_size, (off_t)(96 * 5 * sizeof(float)));
    const char *const element = strstr(run.out, "got ");
    cr_assert_not_null(element);
    char told[24];
    (void)snprintf(told, sizeof told, "%.20s", element);
    run_output alone = judge(folder, "{\"id\": \"s\", \"op\": \"linear\", \"shape\": {\"n\": 96, "
                                     "\"k\": 5, \"o\": 3}}", arguments);
    say(&alone, 1, told); /* the same operands */
    run_free(&alone);
    run_free(&run);
    (void)remove(kept);
    cr_expect_eq(rmdir(folder), 0);
}

Test(sweep, is_void_only_where_no_size_shows_anything)
{
    char folder[] = "./assay-sweep-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    run_output run = judge(folder, "{\"id\": \"s\", \"op\": \"linear\", \"shape\": {\"n\": 2, "
                                   "\"k\": 1, \"o\": 2}, \"sweep\": {\"k\": 9, \"scale\": "
                                   "[1e-300, 1]}}", "--impl scalar");
    say(&run, 0, "1 verdicts: 1 passed, 0 failed, 0 skipped");
    run_free(&run);
    run = judge(folder, "{\"id\": \"s\", \"op\": \"linear\", \"shape\": {\"n\": 2, \"k\": 1, "
                        "\"o\": 2}, \"scale\": 1e-300, \"sweep\": {\"k\": 5}}", "--impl scalar");
    say(&run, 1, "VOID");
    say(&run, 1, "at n = 2, k = ");
    run_free(&run);
    cr_expect_eq(rmdir(folder), 0);
}
