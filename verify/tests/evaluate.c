/* `assay evaluate` on a part of the committed world: it meets the world's figures, and planted
 * faults move the measures that they must move. */
#include <math.h>

#include "verify/tests/cut_world.h"

#define PLUGIN(name) " --plugin '" ASSAY_TEST_PLUGINS "/" name ".so'"

/* Runs it on the part; the results' evaluations, whose root is the caller's to delete. */
static cJSON *evaluate(const char *folder, const char *options, int status)
{
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "evaluate --world %s --json - %s", folder, options);
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, status, "%d: %s%s", run.status, run.err, run.out);
    cr_expect_str_eq(run.err, "", "not quiet when piped: %s", run.err);
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "%s", run.out);
    cr_expect_str_eq(cJSON_GetObjectItem(root, "version")->valuestring, "2.4.0");
    run_free(&run);
    return root;
}

static const cJSON *find(const cJSON *root, const char *impl, const char *sae)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "evaluations"))
    {
        if (strcmp(cJSON_GetObjectItem(item, "impl")->valuestring, impl) == 0 &&
            strcmp(cJSON_GetObjectItem(item, "sae")->valuestring, sae) == 0) {
            return item;
        }
    }
    cr_assert_fail("no %s through %s", impl, sae);
    return NULL;
}

static double of(const cJSON *evaluation, const char *measure, const char *part)
{
    const cJSON *const number =
        cJSON_GetObjectItem(cJSON_GetObjectItem(evaluation, measure), part);
    cr_assert(cJSON_IsNumber(number), "%s.%s", measure, part);
    return number->valuedouble;
}

static double value(const cJSON *evaluation, const char *measure)
{
    return of(evaluation, measure, "value");
}

/* Of the kept concepts, those that the figures do not give as wrong. */
static double figured(const char *folder, const char *adapter)
{
    cJSON *const wrong = cut_wrong(folder, adapter);
    cJSON *const language = cut_read(folder, "language.json");
    const cJSON *item = NULL;
    int right = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(language, "concepts"))
    {
        right += !cut_holds(wrong, cJSON_GetObjectItem(item, "label")->valuestring);
    }
    cJSON_Delete(wrong);
    cJSON_Delete(language);
    return (double)right / CUT_CONCEPTS;
}

static double figure(const char *sae, const char *key)
{
    cJSON *const figures = cut_read(CUT_WORLD, "figures.json");
    const double number =
        cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(figures, "sae"), sae), key)
            ->valuedouble;
    cJSON_Delete(figures);
    return number;
}

Test(evaluate, the_reference_meets_the_worlds_figures)
{
    char folder[64];
    cut_world(folder);
    /* half of the second SAE's labels are made wrong here: its gate is missed */
    cJSON *const root = evaluate(folder, "--impl 'oracle,scalar'", 1);
    for (int i = 0; i < 2; i++) {
        const char *const impl = i == 0 ? "oracle" : "scalar";
        const cJSON *const relu = find(root, impl, "goodfire");
        const cJSON *const topk = find(root, impl, "l2r-8x");
        cr_expect_eq(value(relu, "label_accuracy"), figured(folder, "goodfire-scalar-affine"));
        cr_expect_eq(value(topk, "label_accuracy"), figured(folder, CUT_ADAPTER));
        cr_expect_str_eq(cJSON_GetObjectItem(relu, "verdict")->valuestring, "PASS");
        cr_expect_str_eq(cJSON_GetObjectItem(topk, "verdict")->valuestring, "FAIL");
        cr_expect_not_null(strstr(cJSON_GetObjectItem(topk, "message")->valuestring, "gate"));
        cr_expect_float_eq(value(relu, "variance_explained"),
                           figure("goodfire", "variance_explained"), 0.03, "%g",
                           value(relu, "variance_explained"));
        cr_expect_float_eq(value(relu, "l0"), figure("goodfire", "l0"), 1.5, "%g",
                           value(relu, "l0"));
        cr_expect_geq(value(relu, "end_to_end_accuracy"), 0.9);
        cr_expect_eq(value(relu, "same_label"), 1.0);
        cr_expect_eq(value(relu, "same_latent"), 1.0);
        cr_expect_eq(of(relu, "label_accuracy", "n"), CUT_CONCEPTS);
        cr_expect_eq(of(relu, "same_latent", "n"), 3 * CUT_CONCEPTS);
        cr_expect_lt(of(relu, "label_accuracy", "low"), 0.7, "eight concepts say little");
    }
    /* against itself nothing moves; float32 moves predictions, by little */
    const cJSON *const oracle = find(root, "oracle", "goodfire");
    const cJSON *const scalar = find(root, "scalar", "goodfire");
    cr_expect_eq(value(oracle, "nll_shift"), 0.0);
    cr_expect_eq(value(oracle, "kl"), 0.0);
    cr_expect(value(scalar, "kl") > 0.0 && value(scalar, "kl") < 1e-8, "%g", value(scalar, "kl"));
    cr_expect(fabs(value(scalar, "nll_shift")) < 1e-4, "%g", value(scalar, "nll_shift"));
    cJSON_Delete(root);
    cut_remove(folder);
}

/* Activations of a layer too early, an encoder without its bias, a head that errs. */
Test(evaluate, faults_move_the_measures_they_must)
{
    char folder[64];
    cut_world(folder);
    cJSON *const root = evaluate(folder,
                                 "--sae goodfire --impl 'oracle,wrong_capture,wrong_explainer,"
                                 "no_bias'" PLUGIN("stages") PLUGIN("no_bias"),
                                 1);
    const cJSON *const right = find(root, "oracle", "goodfire");
    const cJSON *const early = find(root, "wrong_capture", "goodfire");
    const cJSON *const head = find(root, "wrong_explainer", "goodfire");
    const cJSON *const bias = find(root, "no_bias", "goodfire");
    cr_expect_lt(of(early, "variance_explained", "high"), of(right, "variance_explained", "low"));
    cr_expect_lt(fabs(value(early, "kl")), 1e-8, "predictions are not of that hook");
    cr_expect_gt(of(bias, "l0", "low"), of(right, "l0", "high"));
    cr_expect_lt(of(bias, "variance_explained", "high"), of(right, "variance_explained", "low"));
    cr_expect_gt(of(head, "kl", "low"), 10.0 * of(early, "kl", "high"), "%g and %g",
                 of(head, "kl", "low"), of(early, "kl", "high"));
    cr_expect_eq(value(head, "l0"), value(right, "l0"), "latents come before the head");
    cJSON_Delete(root);
    cut_remove(folder);
}

Test(evaluate, the_same_seed_gives_the_same_intervals)
{
    char folder[64];
    cut_world(folder);
    double high[3];
    for (int i = 0; i < 3; i++) {
        cJSON *const root = evaluate(folder,
                                     i < 2 ? "--impl scalar --sae goodfire --seed 5"
                                           : "--impl scalar --sae goodfire --seed 6",
                                     0);
        high[i] = of(find(root, "scalar", "goodfire"), "l0", "high");
        cJSON_Delete(root);
    }
    cr_expect_eq(high[0], high[1]);
    cr_expect_neq(high[0], high[2]);
    cut_remove(folder);
}

Test(evaluate, several_at_once_measure_what_one_after_the_other_does)
{
    char folder[64];
    char *text[2];
    cut_world(folder);
    for (int i = 0; i < 2; i++) {
        cJSON *const root = evaluate(
            folder, i == 0 ? "--sae goodfire --jobs 1" : "--sae goodfire --jobs 3 --threads 2", 0);
        const cJSON *const list = cJSON_GetObjectItem(root, "evaluations");
        cr_expect_eq(cJSON_GetArraySize(list), 3, "oracle and both scalar backends");
        text[i] = cJSON_Print(list);
        cJSON_Delete(root);
    }
    cr_expect_str_eq(text[0], text[1]);
    cJSON_free(text[0]);
    cJSON_free(text[1]);
    cut_remove(folder);
}

Test(evaluate, labels_stand_beside_what_was_planted)
{
    char folder[64];
    char arguments[1024];
    cut_world(folder);
    cJSON *const wrong = cut_wrong(folder, CUT_ADAPTER);
    cJSON *const language = cut_read(folder, "language.json");
    const cJSON *item = NULL;
    snprintf(arguments, sizeof arguments,
             "evaluate --world %s --sae l2r-8x --impl oracle --labels 100", folder);
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, 1, "%s%s", run.err, run.out); /* half of them were made wrong */
    const char *at = strstr(run.out, "8 of 8 labels");
    cr_assert_not_null(at, "%s", run.out);
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(language, "concepts"))
    {
        const char *const label = cJSON_GetObjectItem(item, "label")->valuestring;
        const char *const planted = strstr(at, label);
        cr_assert_not_null(planted, "%s is not in %s", label, at);
        const char *const end = strchr(planted, '\n');
        const char *const said = strstr(planted + strlen(label), label);
        const bool right = said != NULL && said < end;
        cr_expect_neq(right, cut_holds(wrong, label), "%s: %s", label, at);
    }
    run_free(&run);
    cJSON_Delete(language);
    cJSON_Delete(wrong);
    cut_remove(folder);
}

Test(evaluate, a_table_tells_the_world_and_each_implementation)
{
    char folder[64];
    char arguments[1024];
    cut_world(folder);
    snprintf(arguments, sizeof arguments, "evaluate --world %s --sae goodfire --impl 'scalar*'",
             folder);
    run_output run = run_assay(arguments);
    cr_expect_eq(run.status, 0, "%s%s", run.err, run.out);
    cr_expect_not_null(strstr(run.out, "8 concepts, 24 texts"), "%s", run.out);
    cr_expect_not_null(strstr(run.out, "scalar_bf16 "), "%s", run.out);
    cr_expect_not_null(strstr(run.out, "latents stand for 8 of 8 concepts"), "%s", run.out);
    run_free(&run);
    cut_remove(folder);
}
