/* Cases judged by a sample, through the program: right kernels pass whatever the data, a fault in
 * one row of thousands is met and named by its place in the whole. */
#include <criterion/criterion.h>

#include "verify/tests/run_assay.h"

#define MUTANT(impl) "--plugin " ASSAY_TEST_PLUGINS "/../assay_mutants.so --impl " impl

static const char cases[] =
    "{ \"format\": \"assay-cases\", \"version\": 1, \"cases\": [\n"
    " {\"id\": \"tall\", \"op\": \"linear\", \"shape\": {\"n\": 2900, \"k\": 32, \"o\": 301},"
    "  \"sample\": {\"rows\": 1}},\n"
    " {\"id\": \"nan\", \"op\": \"linear\", \"shape\": {\"n\": 96, \"k\": 65, \"o\": 257},"
    "  \"data\": \"nan\", \"sample\": {\"rows\": 2}},\n"
    " {\"id\": \"inf\", \"op\": \"rmsnorm\", \"shape\": {\"n\": 96, \"d\": 257},"
    "  \"data\": \"inf\", \"sample\": {\"columns\": 40}},\n"
    " {\"id\": \"relu\", \"op\": \"sae_encode\", \"shape\": {\"n\": 40, \"d\": 65, \"m\": 1031},"
    "  \"data\": \"outliers\", \"sample\": {\"rows\": 2}},\n"
    " {\"id\": \"cheap\", \"op\": \"add\", \"shape\": {\"n\": 3, \"d\": 400009},"
    "  \"sample\": {\"rows\": 3, \"columns\": 64}},\n"
    " {\"id\": \"topk\", \"op\": \"sae_encode\", \"shape\": {\"n\": 40, \"d\": 65, \"m\": 1031},"
    "  \"data\": \"nan\", \"activation\": \"topk\", \"k\": 20, \"sample\": {\"rows\": 2}}\n"
    "] }\n";

static run_output verify(const char *arguments)
{
    char path[] = "./assay-cases-XXXXXX";
    const int file = mkstemp(path);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, cases, sizeof cases - 1), (ssize_t)(sizeof cases - 1));
    close(file);
    char *command = NULL;
    cr_assert(asprintf(&command, "verify --cases %s %s", path, arguments) > 0);
    run_output run = run_assay(command);
    free(command);
    unlink(path);
    return run;
}

Test(sampled_cases, right_kernels_pass_and_the_sample_is_told)
{
    run_output run = verify("--impl 'scalar*'");
    cr_assert_eq(run.status, 0, "%s%s", run.out, run.err);
    cr_assert_not_null(strstr(run.out, "12 passed, 0 failed"), "%s", run.out);
    cr_assert_not_null(strstr(run.out, "elements sampled"), "%s", run.out);
    cr_assert_not_null(strstr(run.out, "entries listed"), "%s", run.out);
    run_free(&run);
}

Test(sampled_cases, one_wrong_row_in_thousands_is_met_and_named)
{
    run_output run = verify(MUTANT("m_linear_one_row --case tall"));
    cr_assert_eq(run.status, 1, "%s%s", run.out, run.err);
    cr_assert_not_null(strstr(run.out, "row 2777, column "), "%s", run.out);
    run_free(&run);
}

Test(sampled_cases, what_is_cheap_is_judged_whole_and_one_wrong_element_of_a_million_is_named)
{
    run_output run = verify(MUTANT("m_add_one_far --case cheap"));
    cr_assert_eq(run.status, 1, "%s%s", run.out, run.err);
    cr_assert_not_null(strstr(run.out, "row 2, column 199985: got "), "%s", run.out);
    run_free(&run);
}

Test(sampled_cases, what_was_never_written_is_found_outside_the_sample_too)
{
    run_output run = verify(MUTANT("m_linear_first_row --case tall"));
    cr_assert_eq(run.status, 1, "%s%s", run.out, run.err);
    cr_assert_not_null(strstr(run.out, "row 0, column 0 was never written"), "%s", run.out);
    run_free(&run);
}

Test(sampled_cases, a_nan_made_into_a_number_is_not_a_pass)
{
    run_output run = verify(MUTANT("m_linear_nan_dropped --case nan"));
    cr_assert_eq(run.status, 1, "%s%s", run.out, run.err);
    run_free(&run);
}
