/* assay list, and the front door's own answers. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "verify/tests/run_assay.h"

static cJSON *list_json(const char *arguments)
{
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "not JSON: %s", run.out);
    run_free(&run);
    return root;
}

Test(list, every_op_has_a_formula_and_an_implementation)
{
    cJSON *const root = list_json("list ops --json");
    const cJSON *const ops = cJSON_GetObjectItem(root, "ops");
    cr_assert(cJSON_GetArraySize(ops) >= 15);
    const cJSON *op;
    cJSON_ArrayForEach(op, ops)
    {
        const char *const name = cJSON_GetObjectItem(op, "name")->valuestring;
        const cJSON *const formula = cJSON_GetObjectItem(op, "formula");
        cr_expect(cJSON_IsString(formula) && *formula->valuestring != '\0', "%s", name);
        cr_expect(cJSON_GetArraySize(cJSON_GetObjectItem(op, "implementations")) > 0,
                  "%s has no implementation", name);
    }
    cJSON_Delete(root);
}

static int times_in(const char *text, const char *words)
{
    int times = 0;
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) {
        times++;
    }
    return times;
}

Test(list, a_devices_kernels_are_marked_where_there_is_none_and_told_why_once)
{
    static const char module[] = "list kernels --plugin " ASSAY_TEST_PLUGINS "/device.so";
    static const char as_json[] = "list kernels --json --plugin " ASSAY_TEST_PLUGINS "/device.so";
    static const char *const machine[] = {"ASSAY_EMULATED_DEVICES=1", "ASSAY_EMULATED_DEVICES=0"};
    const bool built = access(ASSAY_TEST_PLUGINS "/device.so", R_OK) == 0; /* by a C++ compiler */
    for (int none = 0; built && none < 2; none++) {
        run_output run = run_assay_with(machine[none], as_json);
        cr_assert_eq(run.status, 0, "%s", run.err);
        cJSON *const root = cJSON_Parse(run.out);
        const cJSON *const kernels = cJSON_GetObjectItem(root, "kernels");
        const cJSON *kernel;
        cr_assert(cJSON_GetArraySize(kernels) > 1);
        cJSON_ArrayForEach(kernel, kernels)
        {
            const cJSON *const reason = cJSON_GetObjectItem(kernel, "reason");
            cr_expect_str_eq(cJSON_GetObjectItem(kernel, "space")->valuestring, "cuda");
            cr_expect_eq(cJSON_IsTrue(cJSON_GetObjectItem(kernel, "available")) != 0, none == 0);
            cr_expect_eq(reason != NULL, none == 1);
            cr_expect(reason == NULL || strstr(reason->valuestring, "no CUDA-capable") != NULL);
        }
        run_output text = run_assay_with(machine[none], module);
        cr_expect_eq(times_in(text.out, "not available here: needs a device\n"),
                     none == 1 ? cJSON_GetArraySize(kernels) : 0, "%s", text.out);
        cr_expect_eq(times_in(text.out, "no device: "), none, "%s", text.out);
        cJSON_Delete(root);
        run_free(&text);
        run_free(&run);
    }
}

Test(list, globs_narrow_what_is_listed)
{
    cJSON *const root = list_json("list kernels --op 'sae_*' --impl scalar --json");
    const cJSON *const kernels = cJSON_GetObjectItem(root, "kernels");
    cr_assert_eq(cJSON_GetArraySize(kernels), 3);
    const cJSON *kernel;
    cJSON_ArrayForEach(kernel, kernels)
    {
        cr_expect_eq(strncmp(cJSON_GetObjectItem(kernel, "op")->valuestring, "sae_", 4), 0);
        cr_expect_str_eq(cJSON_GetObjectItem(kernel, "impl")->valuestring, "scalar");
    }
    cJSON_Delete(root);
}

Test(list, bundles_are_found_from_anywhere_and_their_cases_named)
{
    run_output run = run_assay_with("cd / &&", "list golden");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_assert_not_null(strstr(run.out, "tiny-3.1-goodfire"), "%s", run.out);
    cr_assert_not_null(strstr(run.out, "world-0"), "%s", run.out);
    run_free(&run);
    cJSON *const root = list_json("list cases --op explain --json");
    cr_assert(cJSON_GetArraySize(cJSON_GetObjectItem(root, "cases")) >= 3);
    cJSON_Delete(root);
}

Test(list, a_folder_that_is_named_holds_all_bundles_there_are)
{
    run_output run =
        run_assay_with("ASSAY_GOLDEN=" ASSAY_SOURCE_DIR "/fixtures/golden", "list golden");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_assert_not_null(strstr(run.out, "tiny-3.1-goodfire"), "%s", run.out);
    cr_assert_null(strstr(run.out, "world-0"), "%s", run.out);
    run_free(&run);
}

Test(list, a_missing_bundle_folder_is_said_and_the_list_goes_on)
{
    run_output run = run_assay_with("ASSAY_GOLDEN=/nowhere", "list golden");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_assert_not_null(strstr(run.out, "/nowhere"), "%s", run.out);
    run_free(&run);
}

Test(list, absent_accelerators_come_with_what_their_absence_costs)
{
    cJSON *const root = list_json("list devices --json");
    const cJSON *const devices = cJSON_GetObjectItem(root, "devices");
    const cJSON *const host = cJSON_GetArrayItem(devices, 0);
    cr_assert(cJSON_GetObjectItem(host, "memory_bytes")->valuedouble > 0);
    const cJSON *const cuda = cJSON_GetArrayItem(devices, 1);
    const cJSON *missing;
    cJSON_ArrayForEach(missing, cJSON_GetObjectItem(cuda, "missing"))
    {
        cr_expect(cJSON_IsString(cJSON_GetObjectItem(missing, "cost")));
    }
    cr_expect(cJSON_IsTrue(cJSON_GetObjectItem(cuda, "available")) ||
              cJSON_GetArraySize(cJSON_GetObjectItem(cuda, "missing")) > 0);
    cJSON_Delete(root);
}

/* A plug-in's accelerator says what it sees. */
Test(list, devices_are_those_of_the_plug_in)
{
    static const char device[] = ASSAY_TEST_PLUGINS "/device.so";
    run_output run = run_assay_with("ASSAY_EMULATED_MEMORY=2147483648",
                                    "list devices --plugin " ASSAY_TEST_PLUGINS "/device.so");
    cr_assert_eq(run.status, 0, "%s", run.err);
    if (access(device, R_OK) == 0) { /* where a C++ compiler is */
        cr_expect_not_null(strstr(run.out, "0: emulated on this processor, compute capability 7.5, "
                                           "2.0 of 2.0 GiB free, driver 13.0, runtime 13.0"),
                           "%s", run.out);
        run_free(&run);
        run = run_assay_with("ASSAY_EMULATED_DEVICES=0",
                             "list devices --plugin " ASSAY_TEST_PLUGINS "/device.so");
        cr_expect_not_null(strstr(run.out, "no device: no CUDA-capable device is detected"), "%s",
                           run.out);
    }
    run_free(&run);
}

Test(front_door, a_slip_is_answered_with_the_command_that_was_meant)
{
    static const struct {
        const char *arguments;
        int status;
        const char *says;
    } calls[] = {
        {"", 2, "--help"},
        {"veirfy", 2, "did you mean 'verify'"},
        {"nonsense", 2, "unknown command"},
        {"list nonsense", 2, "no list"},
        {"list --jsno", 2, "did you mean --json"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        run_output run = run_assay(calls[i].arguments);
        cr_expect_eq(run.status, calls[i].status, "%s", calls[i].arguments);
        cr_expect_eq(run_lines(run.err), 1, "%s: %s", calls[i].arguments, run.err);
        cr_expect_not_null(strstr(run.err, calls[i].says), "%s: %s", calls[i].arguments, run.err);
        run_free(&run);
    }
}

Test(front_door, help_and_version_are_on_standard_output)
{
    const char *const calls[] = {"--help", "--version", "list --help", "explain --help"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        run_output run = run_assay(calls[i]);
        cr_expect_eq(run.status, 0, "%s", calls[i]);
        cr_expect(strlen(run.out) > 0 && *run.err == '\0', "%s", calls[i]);
        run_free(&run);
    }
}

Test(list, cases_can_be_narrowed_to_one_and_to_the_generated_ones)
{
    cJSON *root = list_json("list cases --golden generated --case linear-5x33x7-normal --json");
    const cJSON *const cases = cJSON_GetObjectItem(root, "cases");
    cr_assert_eq(cJSON_GetArraySize(cases), 1);
    cr_expect_str_eq(cJSON_GetObjectItem(cases->child, "golden")->valuestring, "generated");
    cJSON_Delete(root);
    root = list_json("list cases --golden=" ASSAY_SOURCE_DIR "/fixtures/golden/tiny-exact --json");
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItem(root, "cases"))
    {
        cr_expect_str_eq(cJSON_GetObjectItem(each, "golden")->valuestring, "tiny-exact");
    }
    cJSON_Delete(root);
}

Test(list, a_file_of_cases_stands_in_for_the_installed_one)
{
    cJSON *const root =
        list_json("list cases --cases " ASSAY_SOURCE_DIR "/fixtures/cases/verify.json --json");
    const cJSON *each;
    cr_assert(cJSON_GetArraySize(cJSON_GetObjectItem(root, "cases")) > 100);
    cJSON_ArrayForEach(each, cJSON_GetObjectItem(root, "cases"))
    {
        cr_expect_str_eq(cJSON_GetObjectItem(each, "golden")->valuestring, "generated");
    }
    cJSON_Delete(root);
    run_output run = run_assay("list cases --cases /nowhere.json");
    cr_assert_not_null(strstr(run.out, "/nowhere.json"), "%s", run.out);
    run_free(&run);
    run = run_assay("list golden --golden");
    cr_assert_eq(run.status, 2);
    cr_assert_eq(run_lines(run.err), 1, "%s", run.err);
    run_free(&run);
}

static int kernels_listed(const char *arguments)
{
    cJSON *const root = list_json(arguments);
    const int count = cJSON_GetArraySize(cJSON_GetObjectItem(root, "kernels"));
    cJSON_Delete(root);
    return count;
}

Test(list, several_globs_select_what_any_of_them_does)
{
    const int rope = kernels_listed("list kernels --op rope --json");
    const int sae = kernels_listed("list kernels --op 'sae_*' --json");
    cr_assert(rope > 0 && sae > rope);
    cr_expect_eq(kernels_listed("list kernels --op 'rope,sae_*' --json"), rope + sae);
    cr_expect_eq(kernels_listed("list kernels --op ',sae_*,sae_encode,' --json"), sae);
}
