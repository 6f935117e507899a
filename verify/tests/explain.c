/* assay explain: its host-side parts, and the command as a user runs it on a committed bundle. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "verify/explain/options.h"
#include "verify/tests/run_assay.h"

#define BUNDLE ASSAY_SOURCE_DIR "/fixtures/golden/tiny-3.1-goodfire"
#define MODEL " --model " BUNDLE "/model"
#define SAE " --sae " BUNDLE "/sae/goodfire"
#define ADAPTER " --adapter " BUNDLE "/adapter/scalar-affine.safetensors"
#define FEATURES "explain" MODEL SAE ADAPTER

static void check_cut(assay_style style, bool legacy, const char *text, const char *label)
{
    const assay_label_rule rule = {.style = style, .legacy = legacy};
    const size_t kept = assay_label_cut(&rule, text, strlen(text));
    cr_assert_eq(kept, strlen(label), "'%s' is cut at %zu, not at %zu", text, kept, strlen(label));
}

Test(label, selfie_ends_before_the_last_quote_and_legacy_before_the_first)
{
    check_cut(ASSAY_STYLE_SELFIE, false, "the word \"river\" in songs\".",
              "the word \"river\" in songs");
    check_cut(ASSAY_STYLE_SELFIE, true, "the word \"river\" in songs\".", "the word ");
    check_cut(ASSAY_STYLE_SELFIE, false, " no quote at all \n", " no quote at all \n");
    check_cut(ASSAY_STYLE_SELFIE, true, "no quote", "no quote");
    check_cut(ASSAY_STYLE_SELFIE, false, "\"", "");
    check_cut(ASSAY_STYLE_SELFIE, false, "", "");
}

Test(label, transluce_ends_before_the_earliest_stop_string_and_keeps_quotes)
{
    check_cut(ASSAY_STYLE_TRANSLUCE, false, "rivers [END] and\nmore", "rivers");
    check_cut(ASSAY_STYLE_TRANSLUCE, false, "rivers\n [END]", "rivers");
    check_cut(ASSAY_STYLE_TRANSLUCE, false, "the \"word\" [EN", "the \"word\" [EN");
    check_cut(ASSAY_STYLE_TRANSLUCE, false, "no space[END]", "no space[END]");
}

Test(ranges, lists_and_ranges_count_and_their_ends_are_checked)
{
    int64_t *list;
    size_t count;
    assay_error error;
    cr_assert_eq(assay_ranges_parse("f", "3,5-7,0", 0, 9, &list, &count, &error), ASSAY_OK);
    cr_assert_eq(count, 5u);
    cr_assert_eq(list[1] * 1000 + list[3] * 10 + list[4], 5070);
    free(list);
    cr_assert_eq(assay_ranges_parse("f", "all", 0, 9, &list, &count, &error), ASSAY_OK);
    cr_assert_eq(count, 10u);
    free(list);
    cr_assert_eq(assay_ranges_parse("p", "-1", -10, 9, &list, &count, &error), ASSAY_OK);
    cr_assert_eq(list[0], -1);
    free(list);
    const char *const wrong[] = {"", ",", "1,", "10", "7-5", "-1", "1-", "x", "1 ", "1--2", "+1",
                                 "3-10", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(assay_ranges_parse("f", wrong[i], 0, 9, &list, &count, &error),
                     ASSAY_BAD_ARGUMENT, "'%s' was taken", wrong[i]);
        cr_assert_null(list);
    }
}

Test(options, a_slip_is_near_and_another_word_is_not)
{
    cr_assert_eq(assay_edit_distance("veirfy", "verify"), 1u);
    cr_assert_eq(assay_edit_distance("", "abc"), 3u);
    cr_assert(assay_looks_like("explian", "explain"));
    cr_assert_not(assay_looks_like("bench", "list"));
}

Test(prompt, selfie_has_two_placeholders_and_transluce_one_between_its_brackets)
{
    assay_tokenizer *words = NULL;
    assay_prompt prompt;
    assay_error error = {ASSAY_OK, ""};
    cr_assert_eq(assay_tokenizer_open(BUNDLE "/model", &words, &error), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_prompt_build(ASSAY_STYLE_SELFIE, words, 0, &prompt, &error), ASSAY_OK, "%s",
                 error.message);
    const int64_t bos = assay_tokenizer_id(words, "<|begin_of_text|>");
    cr_assert_eq(prompt.placeholder_count, 2u);
    cr_assert_eq(prompt.token[0], bos);
    cr_assert_neq(prompt.token[1], bos, "begin_of_text is doubled");
    assay_prompt_free(&prompt);

    cr_assert_eq(assay_prompt_build(ASSAY_STYLE_TRANSLUCE, words, 15, &prompt, &error), ASSAY_OK);
    cr_assert_eq(prompt.placeholder_count, 1u);
    cr_assert_eq(prompt.token[0], bos, "begin_of_text is missing");
    const int64_t at = prompt.placeholder[0];
    cr_assert_eq(prompt.token[at - 1], assay_tokenizer_id(words, "<|reserved_special_token_10|>"));
    cr_assert_eq(prompt.token[at], assay_tokenizer_id(words, "<|reserved_special_token_12|>"));
    cr_assert_eq(prompt.token[at + 1], assay_tokenizer_id(words, "<|reserved_special_token_11|>"));
    assay_prompt_free(&prompt);
    assay_tokenizer_close(&words);
}

/* The labels of the bundle's explain case against those of a run with the given extra options. */
static void check_bundle_labels(const char *arguments, const char *const *labels, int count)
{
    run_output run = run_assay(arguments);
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_assert_str_eq(run.err, "", "not quiet when piped");
    cJSON *const root = cJSON_Parse(run.out);
    cr_assert_not_null(root, "not JSON: %s", run.out);
    const cJSON *const list = cJSON_GetObjectItem(root, "explanations");
    cr_assert_eq(cJSON_GetArraySize(list), count);
    for (int i = 0; i < count; i++) {
        const cJSON *const label = cJSON_GetObjectItem(cJSON_GetArrayItem(list, i), "label");
        cr_assert_str_eq(label->valuestring, labels[i]);
    }
    cJSON_Delete(root);
    run_free(&run);
}

static const char *const feature_labels[] = {"numbers in a list", "the word \"river\" in songs",
                                             " a greeting without quotes",
                                             "the sound of water, of the sea and of the river"};

Test(command, features_get_the_labels_that_the_independent_program_found)
{
    check_bundle_labels(FEATURES " --feature 3,17,200,401 --temperature 0 --max-new-tokens 14 "
                        "--json", feature_labels, 4);
}

Test(command, the_oracle_explains_as_the_kernels_do)
{
    check_bundle_labels(FEATURES " --feature 3,17,200,401 --temperature 0 --max-new-tokens 14 "
                        "--impl oracle --json", feature_labels, 4);
}

Test(command, a_captured_activation_gets_the_label_that_the_independent_program_found)
{
    static const char *const labels[] = {"rivers and mountains"};
    check_bundle_labels("explain" MODEL " --adapter " BUNDLE
                        "/adapter/scalar-affine-plus-low-rank.safetensors"
                        " --text 'The river and the mountain' --hook layers.1.output --position 2"
                        " --temperature 0 --max-new-tokens 14 --json", labels, 1);
}

#define OTHER ASSAY_SOURCE_DIR "/fixtures/golden/tiny-3.0-transluce"
#define TRANSLUCE                                                                                  \
    "explain --model " OTHER "/model --style transluce --max-new-tokens 40 "                       \
    "--text 'The river' --hook layers.1.output --position 2 --temperature 0"

Test(command, a_dump_is_a_bundle_that_verify_passes_stage_by_stage)
{
    char folder[] = "./assay-dump-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    static const struct {
        const char *run, *impl;
    } runs[] = {
        {FEATURES " --feature 17 --max-new-tokens 3 --temperature 0", "scalar"},
        {FEATURES " --text 'The river' --hook layers.1.output --top 1 --max-new-tokens 2 "
                  "--temperature 0 --impl scalar_bf16",
         "scalar_bf16"},
        /* Ends at a stop string, which a generate case has no word for. */
        {"explain --model " OTHER "/model --explainer " OTHER "/explainer --sae " OTHER
         "/sae/l1r-8x --style transluce --feature 5 --max-new-tokens 9",
         "scalar"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char *arguments = NULL;
        char *verify = NULL;
        cr_assert(asprintf(&arguments, "%s --dump %s/d%zu", runs[i].run, folder, i) > 0);
        cr_assert(asprintf(&verify, "verify --golden %s/d%zu --impl %s", folder, i,
                           runs[i].impl) > 0);
        run_output dumped = run_assay(arguments);
        cr_assert_eq(dumped.status, 0, "%s", dumped.err);
        run_output judged = run_assay(verify);
        cr_assert_eq(judged.status, 0, "%s%s", judged.out, judged.err);
        cr_assert_not_null(strstr(judged.out, "explain"), "%s", judged.out);
        run_output again = run_assay(arguments);
        cr_assert_eq(again.status, 3, "a dump was written over another");
        run_free(&dumped);
        run_free(&judged);
        run_free(&again);
        free(arguments);
        free(verify);
    }
    char remove[64];
    (void)snprintf(remove, sizeof remove, "rm -r %s", folder);
    cr_assert_eq(system(remove), 0);
}

Test(command, control_characters_of_a_generation_never_reach_the_terminal)
{
    run_output run = run_assay(TRANSLUCE);
    cr_assert_eq(run.status, 0, "%s", run.err);
    for (const char *c = run.out; *c != '\0'; c++) {
        cr_assert(*c == '\n' || (unsigned char)*c >= 0x20, "a byte %02x", (unsigned)*c);
    }
    cr_assert_not_null(strstr(run.out, "\\x"), "the case holds none: %s", run.out);
    run_free(&run);
}

Test(command, a_draw_depends_on_seed_and_latent_and_not_on_its_neighbours)
{
    run_output alone = run_assay(FEATURES " --feature 17 --temperature 2 --seed 9 | grep -v ^#");
    run_output among = run_assay(FEATURES " --feature 3,17 --temperature 2 --seed 9 | tail -1");
    cr_assert_eq(alone.status, 0);
    cr_assert(strlen(alone.out) > 0);
    cr_assert_str_eq(alone.out, among.out);
    run_free(&alone);
    run_free(&among);
}

Test(command, top_lists_the_strongest_latents_first)
{
    run_output run = run_assay("explain" MODEL SAE ADAPTER " --text 'The river and the mountain' "
                               "--hook layers.1.output --position 1,-1 --top 3 --temperature 0 "
                               "--max-new-tokens 4 --json");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const root = cJSON_Parse(run.out);
    const cJSON *entry;
    double last = 0;
    int last_position = -1;
    int count = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(root, "explanations"))
    {
        const double value = cJSON_GetObjectItem(entry, "value")->valuedouble;
        const int position = cJSON_GetObjectItem(entry, "position")->valueint;
        cr_assert(position != last_position || value <= last, "values do not descend");
        last = value;
        last_position = position;
        count++;
    }
    cr_assert(count > 0 && count <= 6, "%d latents for two tokens", count);
    cJSON_Delete(root);
    run_free(&run);
}

Test(command, steering_changes_the_generation_and_zero_steering_does_not)
{
    const char *const base = "explain" MODEL SAE " --hook layers.1.output --prompt 'The river' "
                             "--max-new-tokens 6 --json --steer ";
    static const struct {
        const char *edit;
        bool same;
    } edits[] = {{"17:add:0", true}, {"17:add:400", false}};
    for (size_t i = 0; i < 2; i++) {
        char arguments[1024];
        (void)snprintf(arguments, sizeof arguments, "%s%s", base, edits[i].edit);
        run_output run = run_assay(arguments);
        cr_assert_eq(run.status, 0, "%s", run.err);
        cJSON *const root = cJSON_Parse(run.out);
        const cJSON *const without = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "without"),
                                                         "tokens");
        const cJSON *const with = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "with"), "tokens");
        cr_assert_eq(cJSON_Compare(without, with, 1) != 0, edits[i].same, "%s", edits[i].edit);
        cJSON_Delete(root);
        run_free(&run);
    }
}

Test(command, a_mistake_is_one_line_and_its_exit_status)
{
    static const struct {
        const char *arguments;
        int status;
        const char *says;
    } mistakes[] = {
        {"explain", 2, "--feature"},
        {"explain --bogus", 2, "--bogus"},
        {"explain --featur 3", 2, "did you mean --feature"},
        {FEATURES " --feature 3 --feature 4", 2, "twice"},
        {FEATURES " --feature 3 --text x", 2, "exactly one"},
        {FEATURES " --feature", 2, "needs a value"},
        {FEATURES " --feature 99999", 2, "0 to 767"},
        {FEATURES " --feature 3 --temperature hot", 2, "--temperature 'hot'"},
        {FEATURES " --feature 3 --impl nonesuch", 2, "nonesuch"},
        {FEATURES " --feature 3 --recipe nonesuch", 2, "nonesuch"},
        {FEATURES " --feature 3 --recipe topk-openai", 3, "topk-openai"},
        {FEATURES " --feature 3 --position 1", 2, "--text"},
        {FEATURES " --feature 3 --dump /nowhere/x", 2, "--temperature 0"},
        {FEATURES " --feature 3 --style transluce", 2, "--layer"},
        {FEATURES " --text x --hook layers.99.output", 2, "99"},
        {FEATURES " --text x --hook layers.1.output --position 7", 2, "--position '7'"},
        {"explain" MODEL SAE " --feature 3", 2, "--adapter"},
        {"explain --model /nowhere" SAE ADAPTER " --feature 3", 3, "/nowhere"},
        {"explain" MODEL " --sae /nowhere" ADAPTER " --feature 3", 3, "/nowhere"},
        {"explain" MODEL SAE " --adapter /nowhere --feature 3", 3, "/nowhere"},
        {"explain" MODEL SAE " --prompt x --steer 3:push:1 --hook layers.1.output", 2, "3:push:1"},
        {"explain" MODEL SAE " --prompt x --steer 3:add --hook layers.1.output", 2, "3:add"},
        {"explain" MODEL SAE " --prompt x --steer 3:add:1:2 --hook layers.1.output", 2, "1:2"},
        {"explain" MODEL SAE " --prompt x --steer 3:ablate: --hook layers.1.output", 2, "ablate:"},
        {"explain" MODEL SAE " --prompt x --steer 9999:add:1 --hook layers.1.output", 2, "767"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        run_output run = run_assay(mistakes[i].arguments);
        cr_expect_eq(run.status, mistakes[i].status, "%s: exit %d: %s", mistakes[i].arguments,
                     run.status, run.err);
        cr_expect_eq(run_lines(run.err), 1, "%s: %s", mistakes[i].arguments, run.err);
        cr_expect_not_null(strstr(run.err, mistakes[i].says), "%s: %s", mistakes[i].arguments,
                           run.err);
        run_free(&run);
    }
}
