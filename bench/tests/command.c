/* What `assay bench` says to wrong command lines, and what it leaves of the files it is given. */
#include <criterion/criterion.h>
#include <cjson/cJSON.h>

#include "fixtures/io/json_file.h"
#include "verify/tests/run_assay.h"

static void expect(const char *arguments, int status, const char *part)
{
    char text[512];
    snprintf(text, sizeof text, "bench --quick --impl scalar --case rmsnorm-tiny %s", arguments);
    run_output run = run_assay(text);
    cr_expect_eq(run.status, status, "%s: %d: %s", arguments, run.status, run.err);
    cr_expect_eq(run_lines(run.err), 1, "%s: %s", arguments, run.err);
    cr_expect(strstr(run.err, part) != NULL, "%s: %s", arguments, run.err);
    cr_expect_str_eq(run.out, "", "%s: %s", arguments, run.out);
    run_free(&run);
}

Test(bench_command, mistakes_are_one_line_with_a_remedy)
{
    static const struct {
        const char *arguments;
        int status;
        const char *part;
    } mistakes[] = {{"--batch 0", 2, "--batch '0'"},
                    {"--batch -1", 2, "--batch '-1'"},
                    {"--batch 1e9", 2, "--batch '1e9'"},
                    {"--batch 1,,4", 2, "--batch '1,,4'"},
                    {"--batch 1,", 2, "--batch '1,'"},
                    {"--batch '1, 4'", 2, "--batch '1, 4'"},
                    {"--batch ''", 2, "--batch ''"},
                    {"--batch 99999999999999999999", 2, "--batch"},
                    {"--batch 7", 2, "--batch 7: no case"},
                    {"--stop count:0", 2, "count:0"},
                    {"--stop time:0", 2, "time:0"},
                    {"--stop time:1e12", 2, "time:1e12"},
                    {"--stop relative:0%", 2, "relative:0%"},
                    {"--stop relative:200%", 2, "relative:200%"},
                    {"--stop soon", 2, "soon"},
                    {"--threads 0", 2, "--threads '0'"},
                    {"--threads -1", 2, "--threads '-1'"},
                    {"--threads 4096", 2, "--threads '4096'"},
                    {"--seed -1", 2, "--seed '-1'"},
                    {"--seed 18446744073709551616", 2, "--seed"},
                    {"--cache hot", 2, "hot"},
                    {"--op nothing", 2, "no case matches"},
                    {"--against nothing", 2, "nothing"},
                    {"--against scalar", 2, "--against 'scalar': nothing was compared"},
                    {"--resume", 2, "--json"},
                    {"--resume --json -", 2, "--resume"},
                    {"--json .", 3, "is a folder"},
                    {"--json no-such-folder/r.json", 3, "no-such-folder"},
                    {"--cases no-such.json", 3, "no-such.json"}};
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        expect(mistakes[i].arguments, mistakes[i].status, mistakes[i].part);
    }
}

/* '-' is the results and nothing else; a device or a pipe is written to and stays what it is. */
Test(bench_command, results_go_to_standard_output_and_into_pipes)
{
    static const char *const to[] = {"--json -", "--json /dev/stdout | cat", "--json /dev/stderr"};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "bench --quick --impl scalar --case rmsnorm-tiny --batch 1 --stop count:3 %s",
                 to[i]);
        run_output run = run_assay(text);
        cr_expect_eq(run.status, 0, "%s: %s", to[i], run.err);
        const char *const where = i == 2 ? run.err : run.out;
        const char *const begin = i == 0 ? where : strchr(where, '{');
        cJSON *const root = begin != NULL ? cJSON_Parse(begin) : NULL;
        cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "timings")), 2, "%s: %s", to[i],
                     where);
        cJSON_Delete(root);
        run_free(&run);
    }
    cr_expect_neq(access("/dev/stdout.journal", F_OK), 0);
    cr_expect_neq(access("/dev/stderr.journal", F_OK), 0);
}

/* What an earlier sitting found wrong is not forgiven when the run is gone on with. */
Test(bench_command, a_resumed_run_ends_as_it_would_have)
{
    static const char cases[] = "./assay-bench-command.json";
    static const char results[] = "./assay-bench-command-results.json";
    static const char again[] =
        "bench --cases ./assay-bench-command.json --plugin " ASSAY_TEST_PLUGINS
        "/timed.so --impl wrong_later --quick --stop count:30 --resume "
        "--json ./assay-bench-command-results.json";
    FILE *const file = fopen(cases, "w");
    fputs("{\"format\":\"assay-bench-cases\",\"version\":1,\"cases\":[{\"id\":\"add\","
          "\"system\":\"tiny\",\"batch\":[4],\"case\":{\"op\":\"add\",\"shape\":{\"d\":64}}}]}",
          file);
    cr_assert_eq(fclose(file), 0);
    unlink(results);
    for (int i = 0; i < 2; i++) {
        run_output run = run_assay(again);
        cr_expect_eq(run.status, 1, "sitting %d: %d: %s%s", i, run.status, run.out, run.err);
        run_free(&run);
    }
    unlink(cases);
    unlink(results);
}

/* Of a comparison that was left out, a run that goes on says no more than it has. */
Test(bench_command, what_was_left_out_is_left_out_once)
{
    static const char results[] = "./assay-bench-left-out.json";
    static const char command[] =
        "bench --quick --impl scalar_bf16 --case rmsnorm-tiny --batch 1 --against scalar "
        "--longest 1e-9 --resume --json ./assay-bench-left-out.json";
    unlink(results);
    for (int i = 0; i < 2; i++) {
        cJSON *root = NULL;
        assay_error error = {.message = ""};
        run_output run = run_assay(command);
        cr_expect_eq(run.status, 0, "sitting %d: %d: %s", i, run.status, run.err);
        cr_assert_eq(assay_json_read(results, 1 << 20, &root, &error), ASSAY_OK, "%s",
                     error.message);
        cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "skipped")), 2, "sitting %d: %s",
                     i, run.out);
        cJSON_Delete(root);
        run_free(&run);
    }
    unlink(results);
}

#define TINY "bench --quick --case linear-tiny --batch 1 --cache warm --stop count:30 "
#define PLANTED "--plugin " ASSAY_TEST_PLUGINS "/../assay_planted.so "

/* Kernels of two plug-ins and built-in ones are timed, and compared, in one run. */
Test(bench_command, several_plugins_are_one_run, .timeout = 120)
{
    static const char *const commands[] = {
        TINY PLANTED "--plugin " ASSAY_TEST_PLUGINS
                     "/../assay_quantised.so --impl plain,llama_int8,scalar --processes 1 --json -",
        TINY PLANTED "--plugin " ASSAY_TEST_PLUGINS
                     "/../assay_quantised.so --impl plain,scalar --against llama_int8 --pairs 1 "
                     "--json -"};
    static const char *const lists[] = {"timings", "comparisons"};
    for (size_t i = 0; i < 2; i++) {
        run_output run = run_assay(commands[i]);
        cr_assert_eq(run.status, 0, "%s: %d: %s", commands[i], run.status, run.err);
        cJSON *const root = cJSON_Parse(run.out);
        const cJSON *const list = cJSON_GetObjectItem(root, lists[i]);
        cr_expect_eq(cJSON_GetArraySize(list), i == 0 ? 3 : 2, "%s: %s", commands[i], run.out);
        cr_expect_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(list->child, "impl")), "plain");
        cJSON_Delete(root);
        run_free(&run);
    }
}

Test(bench_command, a_name_that_two_plugins_export_is_refused)
{
    run_output run = run_assay(TINY PLANTED "--plugin " ASSAY_TEST_PLUGINS
                                            "/../test_plugins/../assay_planted.so");
    cr_expect_eq(run.status, 2, "%d: %s", run.status, run.err);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect(strstr(run.err, "open one of them") != NULL, "%s", run.err);
    run_free(&run);
}

/* Cut short it has written what there is; gone on with, all. */
Test(bench_command, a_run_ends_within_its_time_and_is_gone_on_with)
{
    static const char results[] = "./assay-bench-within.json";
    static const char *const within[] = {" --within 0", "", " --within 0"};
    static const int timings[] = {0, 2, 2};
    unlink(results);
    for (int i = 0; i < 3; i++) {
        char command[512];
        cJSON *root = NULL;
        assay_error error = {.message = ""};
        snprintf(command, sizeof command,
                 "bench --quick --impl scalar_bf16 --case rmsnorm-tiny --batch 1 --stop count:3 "
                 "--resume --json %s%s", results, within[i]);
        run_output run = run_assay(command);
        cr_expect_eq(run.status, 0, "sitting %d: %d: %s", i, run.status, run.err);
        cr_expect_eq(strstr(run.err, "is over") != NULL, i != 1, "sitting %d: %s", i, run.err);
        cr_assert_eq(assay_json_read(results, 1 << 20, &root, &error), ASSAY_OK, "%s",
                     error.message);
        cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "timings")), timings[i],
                     "sitting %d: %s", i, run.out);
        cJSON_Delete(root);
        run_free(&run);
    }
    unlink(results);
}
