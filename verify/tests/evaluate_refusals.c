/* Worlds that are not what they should be: one line, naming file and key, and exit status 3. */
#include "verify/tests/cut_world.h"

static cJSON *at(cJSON *root, const char *key, int index)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(root, key), index);
}

static void no_label(cJSON *root)
{
    cJSON_DeleteItemFromObject(at(root, "concepts", 2), "label");
}

static void label_is_a_number(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "concepts", 1), "label", cJSON_CreateNumber(3));
}

static void no_words(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "concepts", 1), "words", cJSON_CreateArray());
}

static void no_concepts(cJSON *root)
{
    cJSON_ReplaceItemInObject(root, "concepts", cJSON_CreateArray());
}

static void no_hook(cJSON *root)
{
    cJSON_ReplaceItemInObject(root, "hook", cJSON_CreateString("layers.99.output"));
}

static void far_position(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "prompts", 4), "position", cJSON_CreateNumber(5000));
}

static void bos_position(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "prompts", 4), "position", cJSON_CreateNumber(0));
}

static void position_of_nothing(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "prompts", 0), "text",
                              cJSON_CreateString(" he gave it to her"));
    cJSON_ReplaceItemInObject(at(root, "prompts", 0), "position", cJSON_CreateNumber(2));
}

static void long_text(cJSON *root)
{
    enum { WORDS = 200000 };
    char *const text = malloc(3 * WORDS + 1);
    for (int i = 0; i < WORDS; i++) {
        memcpy(text + 3 * i, " he", 3);
    }
    text[3 * WORDS] = '\0';
    cJSON_ReplaceItemInObject(at(root, "prompts", 2), "text", cJSON_CreateString(text));
    free(text);
}

static void long_label(cJSON *root)
{
    char text[1024];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cJSON_ReplaceItemInObject(at(root, "concepts", 3), "label", cJSON_CreateString(text));
}

static void unknown_concept(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "prompts", 3), "concept", cJSON_CreateNumber(8));
}

static void no_texts(cJSON *root)
{
    cJSON_DeleteItemFromObject(root, "prompts");
}

static void unknown_latent(cJSON *root)
{
    cJSON_ReplaceItemInArray(at(root, "best", 1), 1, cJSON_CreateNumber(1024));
}

static void negative_latent(cJSON *root)
{
    cJSON_ReplaceItemInArray(at(root, "latents", 0), 0, cJSON_CreateNumber(-1));
}

static void half_a_latent(cJSON *root)
{
    cJSON_ReplaceItemInArray(at(root, "latents", 0), 0, cJSON_CreateNumber(1.5));
}

static void latent_of_unknown_concept(cJSON *root)
{
    cJSON_ReplaceItemInArray(at(root, "latents", 0), 1, cJSON_CreateNumber(8));
}

static void best_twice(cJSON *root)
{
    cJSON_ReplaceItemInArray(at(root, "best", 1), 0, cJSON_CreateNumber(0));
}

static void no_best(cJSON *root)
{
    cJSON_DeleteItemFromObject(root, "best");
}

static void no_adapters(cJSON *root)
{
    cJSON_DeleteItemFromObject(root, "adapter");
}

static void unknown_adapter(cJSON *root)
{
    cJSON *const made = cJSON_AddObjectToObject(cJSON_GetObjectItem(root, "adapter"),
                                                "other-scalar-affine");
    cJSON_AddStringToObject(made, "sae", "goodfire");
}

static void adapter_elsewhere(cJSON *root)
{
    cJSON *const made = cJSON_AddObjectToObject(cJSON_GetObjectItem(root, "adapter"),
                                                "../x-scalar-affine");
    cJSON_AddStringToObject(made, "sae", "goodfire");
}

static void unknown_sae(cJSON *root)
{
    cJSON_ReplaceItemInObject(at(root, "adapter", 0), "sae", cJSON_CreateString("other"));
}

static void other_label(cJSON *root)
{
    cJSON *const adapters = cJSON_GetObjectItem(root, "adapter");
    cJSON *const wrong =
        cJSON_GetObjectItem(cJSON_GetObjectItem(adapters, "llamascope-scalar-affine"), "wrong");
    cJSON *item = NULL;
    cJSON_ArrayForEach(item, wrong)
    {
        if (cJSON_IsString(cJSON_GetObjectItem(item, "said"))) {
            cJSON_ReplaceItemInObject(item, "said", cJSON_CreateString("something else"));
        }
    }
}

static void expect(const char *folder, const char *options, int status, const char *first,
                   const char *second)
{
    char arguments[512];
    snprintf(arguments, sizeof arguments, "evaluate --world %s %s", folder, options);
    run_output run = run_assay(arguments);
    cr_expect_eq(run.status, status, "%d: %s", run.status, run.err);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect_not_null(strstr(run.err, first), "'%s' in: %s", first, run.err);
    cr_expect_not_null(strstr(run.err, second), "'%s' in: %s", second, run.err);
    cr_expect_str_eq(run.out, "");
    run_free(&run);
}

Test(evaluate_refusals, keys)
{
    static const char language[] = "language.json";
    static const char registry[] = "registry/goodfire.json";
    static const char figures[] = "figures.json";
    static const struct {
        const char *file;
        void (*edit)(cJSON *root);
        const char *key;
    } table[] = {{language, no_label, "concepts[2]: key 'label'"},
                 {language, label_is_a_number, "concepts[1]: key 'label'"},
                 {language, no_words, "concepts[1]: key 'words'"},
                 {language, no_concepts, "key 'concepts'"},
                 {language, no_hook, "key 'hook'"},
                 {language, far_position, "prompts[4]: key 'position'"},
                 {language, bos_position, "prompts[4]: key 'position'"},
                 {language, position_of_nothing, "token 2 completes no word of a concept"},
                 {language, long_text, "prompts[2]: key 'text'"},
                 {language, long_label, "concepts[3]: key 'label'"},
                 {language, unknown_concept, "prompts[3]: key 'concept'"},
                 {language, no_texts, "key 'prompts'"},
                 {registry, unknown_latent, "best[1]: expected a latent from 0 to 1023"},
                 {registry, negative_latent, "latents[0]: expected a latent from 0 to 1023"},
                 {registry, half_a_latent, "latents[0]: expected a latent"},
                 {registry, latent_of_unknown_concept, "expected a concept from 0 to 7"},
                 {registry, best_twice, "a concept 0 stands there twice"},
                 {registry, no_best, "key 'best'"},
                 {figures, no_adapters, "key 'adapter'"},
                 {figures, adapter_elsewhere, "expected names of files"}};
    char folder[64];
    cut_world(folder);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        cJSON *const root = cut_read(folder, table[i].file);
        cJSON *const copy = cJSON_Duplicate(root, true);
        table[i].edit(copy);
        cut_write(folder, table[i].file, copy);
        expect(folder, "", 3, table[i].file, table[i].key);
        cut_write(folder, table[i].file, root);
    }
    cut_remove(folder);
}

Test(evaluate_refusals, files)
{
    static const char *const names[] = {"language.json", "figures.json", "registry/goodfire.json",
                                        "model"};
    char folder[64];
    char path[128];
    char moved[160];
    cut_world(folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        snprintf(moved, sizeof moved, "%s.away", path);
        cr_assert_eq(rename(path, moved), 0);
        expect(folder, "", 3, names[i], "");
        cr_assert_eq(rename(moved, path), 0);
    }
    cJSON *const figures = cut_read(folder, "figures.json");
    cJSON *copy = cJSON_Duplicate(figures, true);
    unknown_adapter(copy);
    cut_write(folder, "figures.json", copy);
    expect(folder, "", 3, "other-scalar-affine.safetensors", "");
    copy = cJSON_Duplicate(figures, true);
    unknown_sae(copy);
    cut_write(folder, "figures.json", copy);
    expect(folder, "", 3, "sae/other", "");
    copy = cJSON_Duplicate(figures, true);
    other_label(copy);
    cut_write(folder, "figures.json", copy);
    expect(folder, "--sae l2r-8x", 3, "the reference says", "'something else'");
    cut_write(folder, "figures.json", figures);
    snprintf(path, sizeof path, "%s/language.json", folder);
    cr_assert_eq(truncate(path, 1000), 0);
    expect(folder, "", 3, "language.json", "byte");
    expect("no/such/world", "", 3, "no/such/world", "no such folder");
    expect(CUT_WORLD, "--sae other", 2, "no adapter", "'other'");
    expect(CUT_WORLD, "--impl nothing", 2, "nothing", "list kernels");
    cut_remove(folder);
}
