/* assay verify, list and selftest as commands: what they print, keep and refuse. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <dirent.h>

#include "fixtures/io/safetensors.h"
#include "fixtures/tests/folder.h"
#include "verify/tests/run_assay.h"

#define MUTANTS "--plugin " ASSAY_TEST_PLUGINS "/../assay_mutants.so "
#define ONE_CASE "--golden generated --op linear --case linear-5x33x7-normal "

static run_output expect_status(const char *arguments, int status)
{
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, status, "assay %s: %d\n%s%s", arguments, run.status, run.out, run.err);
    return run;
}

static void expect_complaint(const char *arguments, int status, const char *part)
{
    run_output run = expect_status(arguments, status);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect_not_null(strstr(run.err, part), "'%s' does not say '%s'", run.err, part);
    run_free(&run);
}

Test(verify_command, mistakes_are_one_line_with_what_is_wrong)
{
    expect_complaint("verify --no-such", 2, "no-such");
    expect_complaint("verify --seed nine", 2, "nine");
    expect_complaint("verify --jobs 0", 2, "--jobs");
    expect_complaint("verify --golden", 2, "--golden");
    expect_complaint("verify --case no-case-has-this-name", 2, "no case matches");
    expect_complaint("verify --impl nobody", 2, "nobody");
    expect_complaint("verify --resume " ONE_CASE, 2, "--json");
    expect_complaint("verify --in-process --golden generated --op linear --impl scalar", 2,
                     "--in-process");
    expect_complaint("verify --golden /nowhere", 3, "/nowhere");
    expect_complaint("verify --cases /nowhere.json", 3, "/nowhere.json");
    expect_complaint("verify --plugin /nowhere.so", 3, "/nowhere.so");
}

Test(verify_command, json_on_standard_output_is_json_and_nothing_else)
{
    run_output run = expect_status("verify " ONE_CASE "--impl scalar --json -", 0);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "%s", run.out);
    const cJSON *const results = cJSON_GetObjectItem(root, "verdicts");
    cr_assert_eq(cJSON_GetArraySize(results), 1);
    cr_expect_str_eq(cJSON_GetObjectItem(results->child, "verdict")->valuestring, "PASS");
    cr_expect_not_null(cJSON_GetObjectItem(root, "environment"));
    cJSON_Delete(root);
    run_free(&run);
}

Test(verify_command, in_process_gives_the_verdict_of_a_worker)
{
    run_output run = expect_status("verify " ONE_CASE "--impl scalar --in-process", 0);
    cr_expect_not_null(strstr(run.out, "1 passed, 0 failed"), "%s", run.out);
    run_free(&run);
    run = expect_status("verify " ONE_CASE MUTANTS "--impl m_linear_k_tail --in-process", 1);
    cr_expect_not_null(strstr(run.out, "row "), "%s", run.out);
    run_free(&run);
}

/* The one file of a folder, its path; the folder is the caller's to empty. */
static void only_file(const char *parent, char *path, size_t size)
{
    DIR *const directory = opendir(parent);
    cr_assert_not_null(directory);
    int files = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            files++;
            (void)snprintf(path, size, "%s/%s", parent, entry->d_name);
        }
    }
    closedir(directory);
    cr_assert_eq(files, 1);
}

Test(verify_command, what_fails_can_be_kept_as_tensors)
{
    char kept[] = "keep-XXXXXX";
    char path[512];
    char command[1024];
    assay_safetensors *file = NULL;
    assay_tensor tensor;
    assay_error error;
    cr_assert_not_null(mkdtemp(kept));
    (void)snprintf(command, sizeof command,
                   "verify " ONE_CASE MUTANTS "--impl m_linear_k_tail --keep %s", kept);
    run_output run = expect_status(command, 1);
    run_free(&run);
    only_file(kept, path, sizeof path);
    cr_assert_eq(assay_safetensors_open(path, &file, &error), ASSAY_OK, "%s", error.message);
    static const char *const names[] = {"in.x", "got.y", "expected.y", "budget.y"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect_eq(assay_safetensors_get(file, names[i], &tensor, &error), ASSAY_OK, "%s",
                     error.message);
    }
    assay_safetensors_close(&file);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(kept), 0);
}

Test(list_command, tables_name_what_the_json_holds)
{
    static const char *const wanted[][2] = {
        {"list", "kernels:"},
        {"list ops --op linear", "judged by each element against its budget"},
        {"list kernels --op linear --impl scalar_bf16", "out bf16"},
        {"list cases --golden generated --case linear-5x33x7-normal", "generated"},
        {"list devices", "host"},
        {"list golden", "tiny-exact"},
        {"list stages --op explain", "scalar_bf16"},
        {"list --help", "--plugin FILE"},
        {"list kernels " MUTANTS "--impl m_linear_k_tail", "linear/m_linear_k_tail"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        run_output run = expect_status(wanted[i][0], 0);
        cr_expect_not_null(strstr(run.out, wanted[i][1]), "%s: %s", wanted[i][0], run.out);
        run_free(&run);
    }
    expect_complaint("list kernel", 2, "kernels");
    expect_complaint("list kernels --plugin /nowhere.so", 3, "/nowhere.so");
}

/* A plug-in's stages are those its kernels suffice for; a few steps make up none. */
Test(list_command, stages_are_what_an_implementation_can_run)
{
    static const char *const ops[] = {"capture ", "logits ", "generate ", "steered_generate ",
                                      "explain "};
    run_output run = expect_status("list stages --plugin " ASSAY_TEST_PLUGINS "/stages.so", 0);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        cr_expect_not_null(strstr(run.out, ops[i]), "%s: %s", ops[i], run.out);
    }
    run_free(&run);
    run = expect_status("list stages " MUTANTS "--impl 'm_linear_*'", 0);
    cr_expect_str_eq(run.out, "");
    run_free(&run);
}

Test(selftest_command, a_slip_is_answered_and_help_has_examples)
{
    run_output run = expect_status("selftest --help", 0);
    cr_expect_not_null(strstr(run.out, "examples"), "%s", run.out);
    run_free(&run);
    run = expect_status("selftest false-alarms --help", 0);
    cr_expect_not_null(strstr(run.out, "--runs"), "%s", run.out);
    run_free(&run);
    expect_complaint("selftest mutant", 2, "did you mean 'mutants'");
    expect_complaint("selftest", 2, "no subcommand");
    expect_complaint("selftest xyz", 2, "unknown subcommand");
}

static void expect_in_file(const char *path, const char *part)
{
    size_t size = 0;
    uint8_t *const text = read_whole(path, &size);
    cr_expect_not_null(strstr((const char *)text, part), "%s has no '%s'", path, part);
    free(text);
}

/* The matrix says of every mutant what caught it: in the table, in JSON and in Markdown alike. */
Test(selftest_command, the_kill_matrix_is_written_as_it_is_printed)
{
    char command[1024];
    size_t size = 0;
    make_folder();
    (void)snprintf(command, sizeof command,
                   "selftest mutants --mutant m_linear_k_tail --seeds 1 --json %s --markdown %s",
                   in_folder("kills.json"), in_folder("kills.md"));
    run_output run = expect_status(command, 0);
    cr_expect_not_null(strstr(run.out, "1 of 1 mutants killed, 1 of 1 twins pass"), "%s", run.out);
    run_free(&run);
    uint8_t *const text = read_whole(in_folder("kills.json"), &size);
    cJSON *const root = cJSON_Parse((const char *)text);
    cr_assert_not_null(root);
    const cJSON *const mutants = cJSON_GetObjectItem(root, "matrix");
    cr_assert_eq(cJSON_GetArraySize(mutants), 1);
    cr_expect_str_eq(cJSON_GetObjectItem(mutants->child, "mutant")->valuestring,
                     "m_linear_k_tail");
    cJSON_Delete(root);
    free(text);
    expect_in_file(in_folder("kills.md"), "m_linear_k_tail");
    remove_folder();
    expect_complaint("selftest mutants --mutant nobody", 2, "nobody");
    expect_complaint("selftest mutants --seeds 0", 2, "--seeds");
    expect_complaint("selftest mutants --mutant m_linear_k_tail --seeds 1 --json /nowhere/k.json",
                     3, "/nowhere/k.json");
}

/* What is written of a campaign counts what was run. */
Test(selftest_command, an_alarm_campaign_is_written_and_goes_on)
{
    char command[1024];
    size_t size = 0;
    make_folder();
    (void)snprintf(command, sizeof command, "selftest false-alarms --runs 2 --json %s",
                   in_folder("alarms.json"));
    run_output run = expect_status(command, 0);
    run_free(&run);
    uint8_t *const text = read_whole(in_folder("alarms.json"), &size);
    cJSON *const root = cJSON_Parse((const char *)text);
    cr_assert_not_null(root);
    const cJSON *const runs = cJSON_GetObjectItem(root, "runs");
    cr_assert(cJSON_IsNumber(runs));
    cr_expect_eq(runs->valuedouble, 2);
    cr_expect_eq(cJSON_GetObjectItem(root, "alarms")->valuedouble, 0);
    cJSON_Delete(root);
    free(text);
    remove_folder();
    expect_complaint("selftest false-alarms --runs 1 --json /nowhere/a.json", 3, "/nowhere");
    expect_complaint("selftest false-alarms --runs none", 2, "--runs");
}

Test(selftest_command, right_kernels_give_no_alarm)
{
    run_output run = expect_status("selftest false-alarms --runs 2", 0);
    cr_expect_not_null(strstr(run.out, "0 alarms in 2 runs"), "%s", run.out);
    run_free(&run);
    run = expect_status("selftest false-alarms --pairs --first 7000 --runs 3", 0);
    cr_expect_not_null(strstr(run.out, "0 alarms in 3 runs"), "%s", run.out);
    cr_expect_not_null(strstr(run.out, "verdicts         3"), "%s", run.out);
    run_free(&run);
}

Test(synth_command, mistakes_name_the_option)
{
    static const char *const wrong[][2] = {
        {"synth --model tiny", "--out"},
        {"synth --out nowhere", "--model"},
        {"synth --model tiny --out nowhere --hook Q", "R, A, M, TC"},
        {"synth --model tiny --out nowhere --seed -1", "--seed"},
        {"synth --model tiny --out nowhere --layers 99", "--layers"},
        {"synth --model tiny --out nowhere --layer x", "layer number"},
        {"synth --model tiny --out nowhere --layer 99", "--layer"},
        {"synth --model tiny --out nowhere --adapter odd", "odd"},
        {"synth --model tiny --out nowhere --sae odd", "odd"},
        {"synth --model odd --out nowhere", "odd"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run_output run = expect_status(wrong[i][0], 2);
        cr_expect_not_null(strstr(run.err, wrong[i][1]), "%s: %s", wrong[i][0], run.err);
        run_free(&run);
    }
    run_output run = expect_status("synth --help", 0);
    cr_expect_not_null(strstr(run.out, "examples"), "%s", run.out);
    run_free(&run);
}
