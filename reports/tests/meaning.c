/* Evaluations in reports: drawn against throughput beside timings, told without, refused by key. */
#include "reports/tests/generate.h"
#include "reports/tests/run.h"

static const char *const keys[] = {"label_accuracy",     "same_label", "end_to_end_accuracy",
                                   "same_latent",        "variance_explained",
                                   "l0",                 "nll_shift",  "kl"};

static void add_evaluation(cJSON *list, const char *impl, const char *verdict, double value)
{
    cJSON *const one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "impl", impl);
    cJSON_AddStringToObject(one, "sae", "a<b>");
    cJSON_AddStringToObject(one, "adapter", "affine");
    cJSON_AddNumberToObject(one, "world_seed", 0);
    cJSON_AddStringToObject(one, "verdict", verdict);
    cJSON_AddStringToObject(one, "message", strcmp(verdict, "PASS") == 0 ? "" : "it died");
    for (size_t k = 0; strcmp(verdict, "PASS") == 0 && k < sizeof keys / sizeof *keys; k++) {
        cJSON *const measure = cJSON_AddObjectToObject(one, keys[k]);
        cJSON_AddNumberToObject(measure, "value", value);
        cJSON_AddNumberToObject(measure, "low", 0.9 * value);
        cJSON_AddNumberToObject(measure, "high", 1.1 * value);
        cJSON_AddNumberToObject(measure, "n", 192);
    }
    cJSON_AddItemToArray(list, one);
}

/* folder/name: evaluations of two implementations that are timed and of one that died. */
static cJSON *evaluations(void)
{
    cJSON *const root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", "assay-results");
    cJSON_AddStringToObject(root, "version", "2.4.0");
    cJSON *const environment = cJSON_AddObjectToObject(root, "environment");
    cJSON_AddStringToObject(environment, "date", "2026-01-02T03:04:05Z");
    cJSON_AddStringToObject(environment, "cpu", "a processor");
    cJSON_AddNumberToObject(environment, "threads", 2);
    cJSON *const list = cJSON_AddArrayToObject(root, "evaluations");
    add_evaluation(list, "scalar", "PASS", 0.987);
    add_evaluation(list, "scalar_bf16", "PASS", 0.654);
    add_evaluation(list, "other", "CRASH", 0.0);
    return root;
}

/* Deletes root. */
static void write_json(const char *folder, cJSON *root)
{
    char path[128];
    snprintf(path, sizeof path, "%s/e.json", folder);
    char *const text = cJSON_Print(root);
    FILE *const file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    cJSON_free(text);
    cJSON_Delete(root);
}

static void expect_in(const char *text, const char *wanted, bool there)
{
    cr_expect_eq(strstr(text, wanted) != NULL, there, "%s", wanted);
}

Test(meaning, is_drawn_against_throughput)
{
    char folder[64];
    char path[128];
    generate_options o = GENERATE_DEFAULTS;
    run_folder(folder);
    snprintf(path, sizeof path, "%s/b.json", folder);
    generate_results(path, &o);
    write_json(folder, evaluations());
    run_expect(0, "report %s/e.json %s/b.json -o %s/out", folder, folder, folder);
    char *const html = run_slurp("%s/out/report.html", folder);
    char *const markdown = run_slurp("%s/out/report.md", folder);
    expect_in(html, "id=\"meaning\"", true);
    expect_in(html, "href=\"#meaning\"", true);
    expect_in(html, "labels against throughput, SAE a&lt;b&gt;", true);
    expect_in(html, "KL against throughput", true);
    expect_in(html, "explanations/s at batch", true);
    expect_in(html, "CRASH: it died", true);
    expect_in(html, "class=\"n\">evaluations", true); /* counted in the table of files */
    expect_in(html, "0.987", true);
    expect_in(html, "No timing of <code>explain</code>", false);
    expect_in(markdown, "## Meaning", true);
    expect_in(markdown, "0.654 (0.589 to 0.719)", true);
    expect_in(markdown, "| – | CRASH: it died |", true);
    free(html);
    free(markdown);
    run_remove(folder);
}

Test(meaning, is_told_without_timings)
{
    char folder[64];
    run_folder(folder);
    write_json(folder, evaluations());
    run_expect(0, "report %s/e.json -o %s/out", folder, folder);
    char *const html = run_slurp("%s/out/report.html", folder);
    expect_in(html, "0.987", true);
    expect_in(html, "labels against throughput", false);
    expect_in(html, "No timing of <code>explain</code>", true);
    free(html);
    run_remove(folder);
}

Test(meaning, is_valid_by_the_schema)
{
    char folder[64];
    char command[1024];
    if (system("python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null") !=
        0) {
        cr_skip_test("python3-jsonschema is not installed");
    }
    run_folder(folder);
    snprintf(command, sizeof command,
             "cd %s && python3 '%s/reports/tests/validate.py' "
             "'%s/reports/schema/results-2.4.0.schema.json' e.json >validated",
             folder, ASSAY_SOURCE_DIR, ASSAY_SOURCE_DIR);
    write_json(folder, evaluations());
    cr_expect_eq(system(command), 0);
    cJSON *const wrong = evaluations();
    cJSON *const first = cJSON_GetArrayItem(cJSON_GetObjectItem(wrong, "evaluations"), 0);
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(first, "kl"), "n");
    write_json(folder, wrong);
    cr_expect_neq(system(command), 0);
    run_remove(folder);
}

Test(meaning, what_is_wrong_is_named_by_key)
{
    static const struct {
        const char *key, *part;
    } cases[] = {{"sae", NULL}, {"verdict", NULL}, {"kl", "low"}, {"world_seed", NULL}};
    char folder[64];
    run_folder(folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *const root = evaluations();
        cJSON *const one = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "evaluations"), 1);
        if (cases[i].part != NULL) {
            cJSON_DeleteItemFromObject(cJSON_GetObjectItem(one, cases[i].key), cases[i].part);
        } else {
            cJSON_DeleteItemFromObject(one, cases[i].key);
        }
        write_json(folder, root);
        run_output run = run_program("report %s/e.json -o %s/out", folder, folder);
        cr_expect_eq(run.status, 3, "%d", run.status);
        cr_expect_not_null(strstr(run.err, "evaluations[1]"), "%s", run.err);
        cr_expect_not_null(strstr(run.err, cases[i].part != NULL ? cases[i].part : cases[i].key),
                           "%s", run.err);
        run_free(&run);
    }
    run_remove(folder);
}
