/* `assay selftest world` on a part of the committed world, which has no golden cases of its own;
 * and the committed one's cases. */
#include "verify/tests/cut_world.h"

static const cJSON *row(const cJSON *root, const char *fault)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "table"))
    {
        if (strcmp(cJSON_GetObjectItem(item, "fault")->valuestring, fault) == 0) {
            return item;
        }
    }
    cr_assert_fail("no %s", fault);
    return NULL;
}

static bool sees(const cJSON *root, const char *fault, const char *measure)
{
    const cJSON *const all = cJSON_GetObjectItem(row(root, fault), "evaluations");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(cJSON_GetArrayItem(all, 0), "seen_by"))
    {
        if (strcmp(item->valuestring, measure) == 0) {
            return true;
        }
    }
    return false;
}

Test(faults, are_seen_by_the_measures_they_move_and_by_no_other)
{
    char folder[64];
    char arguments[512];
    cut_world(folder);
    /* Without a mean there is nothing to subtract: that fault goes unseen here. */
    snprintf(arguments, sizeof arguments,
             "selftest world --world %s --sae goodfire --json - "
             "--fault 'encoder_bias,soft_token,rope_pairs,adapter_mean'",
             folder);
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, 1, "%d: %s%s", run.status, run.err, run.out);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "%s", run.out);
    cr_expect_eq(cJSON_GetObjectItem(root, "faults")->valueint, 4);
    cr_expect_eq(cJSON_GetObjectItem(root, "seen")->valueint, 3);
    cr_expect(sees(root, "encoder_bias", "l0"));
    cr_expect_not(sees(root, "encoder_bias", "kl"), "the model is right");
    cr_expect(sees(root, "soft_token", "label_accuracy"));
    cr_expect_not(sees(root, "soft_token", "l0"), "the SAE is right");
    cr_expect(sees(root, "rope_pairs", "kl"));
    cr_expect_null(cJSON_GetObjectItem(row(root, "rope_pairs"), "verifier"), "no golden cases");
    cJSON_Delete(root);
    run_free(&run);
    cut_remove(folder);
}

Test(faults, that_are_unknown_are_refused)
{
    run_output run = run_assay("selftest world --fault nothing");
    cr_assert_eq(run.status, 2, "%s%s", run.err, run.out);
    cr_expect_not_null(strstr(run.err, "no fault matches 'nothing'"), "%s", run.err);
    run_free(&run);
}

Test(faults, golden_cases_of_the_world_see_a_wrong_hook_and_a_mean_that_is_kept)
{
    static const char *const faults[] = {"w_hook_late --op capture", "w_adapter_mean --op adapter"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments,
                 "verify --golden " CUT_WORLD " --plugin %.*sassay_mutants.so --impl %s",
                 (int)(strrchr(ASSAY_BINARY, '/') + 1 - ASSAY_BINARY), ASSAY_BINARY, faults[i]);
        run_output run = run_assay(arguments);
        cr_expect_eq(run.status, 1, "%s: %s%s", faults[i], run.err, run.out);
        cr_expect_not_null(strstr(run.out, "FAIL"), "%s", run.out);
        run_free(&run);
    }
}

Test(faults, a_right_backend_passes_the_worlds_golden_cases)
{
    run_output run = run_assay("verify --golden " CUT_WORLD " --impl scalar --op 'sae_*,adapter'");
    cr_expect_eq(run.status, 0, "%s%s", run.err, run.out);
    run_free(&run);
}
