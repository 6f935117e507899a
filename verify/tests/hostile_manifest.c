/* Manifests that say what cannot be: one line that names the bundle, the case and what is wrong, an
 * exit status of 3, and no verdict. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <dirent.h>

#include "fixtures/tests/folder.h"
#include "verify/tests/run_assay.h"

#define GOLDEN ASSAY_SOURCE_DIR "/fixtures/golden/"

/* The folder becomes the bundle: its files by links, its manifest with this case alone, `edit`
 * (JSON) merged into it: members are replaced, null removes one. */
static cJSON *manifest_of(const char *bundle, const char *case_id)
{
    char path[512];
    size_t size = 0;
    (void)snprintf(path, sizeof path, GOLDEN "%s/manifest.json", bundle);
    uint8_t *const text = read_whole(path, &size);
    cJSON *const manifest = cJSON_Parse((const char *)text);
    free(text);
    cJSON *const cases = cJSON_GetObjectItem(manifest, "cases");
    for (int i = cJSON_GetArraySize(cases) - 1; i >= 0; i--) {
        const cJSON *const id = cJSON_GetObjectItem(cJSON_GetArrayItem(cases, i), "id");
        if (strcmp(id->valuestring, case_id) != 0) {
            cJSON_DeleteItemFromArray(cases, i);
        }
    }
    cr_assert_eq(cJSON_GetArraySize(cases), 1, "%s has no case %s", bundle, case_id);
    return manifest;
}

static void merge(cJSON *into, const cJSON *edit)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, edit)
    {
        cJSON *const there = cJSON_GetObjectItemCaseSensitive(into, member->string);
        if (cJSON_IsObject(member) && cJSON_IsObject(there)) {
            merge(there, member);
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(into, member->string);
        if (!cJSON_IsNull(member)) {
            cJSON_AddItemToObject(into, member->string, cJSON_Duplicate(member, true));
        }
    }
}

static void make_bundle(const char *bundle, const char *case_id, const char *edit)
{
    char target[512];
    (void)snprintf(target, sizeof target, GOLDEN "%s", bundle);
    make_folder();
    DIR *const directory = opendir(target);
    cr_assert_not_null(directory);
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        (void)snprintf(target, sizeof target, GOLDEN "%s/%s", bundle, entry->d_name);
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "manifest.json") != 0) {
            cr_assert_eq(symlink(target, in_folder(entry->d_name)), 0);
        }
    }
    (void)closedir(directory);
    cJSON *const manifest = manifest_of(bundle, case_id);
    cJSON *const change = cJSON_Parse(edit);
    cr_assert_not_null(change, "%s", edit);
    merge(cJSON_GetObjectItem(manifest, "cases")->child, change);
    char *const text = cJSON_Print(manifest);
    write_text("manifest.json", text);
    free(text);
    cJSON_Delete(change);
    cJSON_Delete(manifest);
}

static run_output verify_edited(const char *bundle, const char *case_id, const char *edit,
                                const char *impl)
{
    char command[1024];
    make_bundle(bundle, case_id, edit);
    (void)snprintf(command, sizeof command, "verify --golden %s --impl %s", folder, impl);
    run_output run = run_assay(command);
    remove_folder();
    return run;
}

typedef struct lie {
    const char *case_id, *edit, *said;
} lie;

static void expect_refusals(const char *bundle, const lie *lies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const lie *const l = &lies[i];
        run_output run = verify_edited(bundle, l->case_id, l->edit, "'*'");
        cr_expect_eq(run.status, 3, "%s %s: %d\n%s%s", l->case_id, l->edit, run.status, run.out,
                     run.err);
        cr_expect_eq(run_lines(run.err), 1, "%s %s: %s", l->case_id, l->edit, run.err);
        cr_expect_not_null(strstr(run.err, l->said), "%s %s: '%s' does not say '%s'", l->case_id,
                           l->edit, run.err, l->said);
        cr_expect_null(strstr(run.out, "PASS"), "%s %s: %s", l->case_id, l->edit, run.out);
        run_free(&run);
    }
}
#define REFUSED(bundle, lies) expect_refusals(bundle, lies, sizeof(lies) / sizeof *(lies))

Test(hostile_manifest, an_unchanged_case_passes)
{
    run_output run = verify_edited("tiny-3.1-goodfire", "encode", "{}", "oracle");
    cr_expect_eq(run.status, 0, "%s%s", run.out, run.err);
    run_free(&run);
}

Test(hostile_manifest, host_cases)
{
    static const lie lies[] = {
        {"tokenize-empty", "{\"params\": {\"text\": 5}}", "'text'"},
        {"tokenize-empty", "{\"params\": {\"text\": null}}", "'text'"},
        {"tokenize-empty", "{\"params\": {\"add_special_tokens\": \"no\"}}",
         "'add_special_tokens': expected true or false"},
        {"tokenize-empty", "{\"params\": {\"model\": \"../model\"}}", "inside the bundle"},
        {"tokenize-empty", "{\"params\": {\"model\": \"/etc\"}}", "inside the bundle"},
        {"tokenize-empty", "{\"params\": {\"model\": \"adapter\"}}", "adapter"},
        {"tokenize-empty", "{\"out\": {\"tokens\": \"no-such-tensor\"}}", "no-such-tensor"},
        {"tokenize-empty", "{\"out\": {\"tokens\": null}}", "tokens"},
        {"tokenize-empty", "{\"out\": {\"tokens\": \"encode.x\"}}", "tokens: expected int64"},
        {"tokenize-empty", "{\"out\": {\"tokens\": \"logits.tokens\"}}",
         "'tokens' has rank 2, expected 1"},
        {"detokenize-whole", "{\"in\": {\"tokens\": \"logits.tokens\"}}",
         "'tokens' has rank 2, expected 1"},
        {"chat-user", "{\"params\": {\"messages\": 5}}", "messages"},
        {"chat-user", "{\"params\": {\"messages\": [{\"role\": \"user\"}]}}", "messages[0]"},
        {"chat-user", "{\"params\": {\"add_generation_prompt\": 1}}", "true or false"},
        {"chat-user", "{\"params\": {\"date_string\": 2024}}", "'date_string'"},
        {"detokenize-whole", "{\"params\": {\"skip_special_tokens\": 0}}", "true or false"},
        {"detokenize-whole", "{\"params\": {\"text\": null}}", "'text'"},
        {"detokenize-whole", "{\"in\": {\"tokens\": null}}", "tokens"},
    };
    REFUSED("tiny-3.1-goodfire", lies);
}

Test(hostile_manifest, captures)
{
    static const lie lies[] = {
        {"capture-embed", "{\"precision\": \"f16\"}", "precision 'f16'"},
        {"capture-embed", "{\"params\": {\"hook\": \"layers.99.output\"}}", "layers.99.output"},
        {"capture-embed", "{\"params\": {\"hook\": 1}}", "'hook'"},
        {"capture-embed", "{\"params\": {\"model\": null}}", "'model'"},
        {"capture-embed", "{\"in\": {\"tokens\": \"encode.x\"}}", "capture-embed"},
        {"capture-embed", "{\"in\": {\"lengths\": \"encode.x\"}}", "lengths: expected int64"},
        {"capture-embed", "{\"in\": {\"lengths\": \"logits.tokens\"}}", "capture-embed"},
        {"capture-embed", "{\"in\": {\"positions\": \"encode.x\"}}", "capture-embed"},
        {"capture-embed", "{\"in\": {\"positions\": \"capture-embed.lengths\"}}",
         "capture-embed"},
        {"capture-embed", "{\"out\": {\"residual\": \"encode.x\"}}", "the inputs give"},
        {"capture-embed", "{\"out\": {\"residual\": \"capture-embed.lengths\"}}",
         "residual: expected float64, got i64"},
        {"logits", "{\"out\": {\"logits\": \"encode.x\"}}", "the inputs give"},
        {"logits", "{\"out\": {\"logits\": null}}", "logits"},
    };
    REFUSED("tiny-3.1-goodfire", lies);
}

Test(hostile_manifest, generations)
{
    static const lie lies[] = {
        {"generate", "{\"params\": {\"max_new_tokens\": 0}}", "'max_new_tokens'"},
        {"generate", "{\"params\": {\"max_new_tokens\": 1e300}}", "'max_new_tokens'"},
        {"generate", "{\"params\": {\"max_new_tokens\": 9}}", "new_tokens: expected int64"},
        {"generate", "{\"params\": {\"eos\": 5}}", "eos: expected a list"},
        {"generate", "{\"params\": {\"eos\": [1e300]}}", "eos: expected whole numbers"},
        {"generate", "{\"params\": {\"eos\": [2.5]}}", "eos: expected whole numbers"},
        {"generate", "{\"params\": {\"temperature\": 0.7}}", "'temperature': expected 0"},
        {"generate", "{\"in\": {\"tokens\": \"generate.lengths\"}}", "generate"},
        {"generate", "{\"in\": {\"soft_at\": null}}", "soft_at"},
        {"generate", "{\"out\": {\"new_tokens\": \"encode.x\"}}", "new_tokens: expected int64"},
        {"generate", "{\"out\": {\"logits\": \"encode.x\"}}", "logits: expected ["},
        {"steered-add-all", "{\"params\": {\"positions\": \"some\"}}",
         "expected all or prompt"},
        {"steered-add-all", "{\"params\": {\"positions\": 3}}", "'positions'"},
        {"steered-add-all", "{\"params\": {\"mode\": \"push\"}}",
         "expected add, set, scale or ablate"},
        {"steered-add-all", "{\"params\": {\"latent\": 768}}", "'latent'"},
        {"steered-add-all", "{\"params\": {\"latent\": -1}}", "'latent'"},
        {"steered-add-all", "{\"params\": {\"amount\": \"much\"}}", "'amount'"},
        {"steered-add-all", "{\"params\": {\"recipe\": \"soup\"}}", "soup"},
        {"steered-add-all", "{\"params\": {\"recipe\": 5}}", "'recipe'"},
        {"steered-add-all", "{\"params\": {\"sae\": \"nothing\"}}", "nothing"},
        {"steered-add-all", "{\"params\": {\"hook\": \"lm_head\"}}", "lm_head"},
        {"steered-add-all", "{\"params\": {\"hook\": \"layers.0.mlp_in\"}}", "mlp_in"},
        {"generate", "{\"in\": {\"soft\": \"encode.x\"}}", "soft: expected shape"},
    };
    REFUSED("tiny-3.1-goodfire", lies);
}

Test(hostile_manifest, steps)
{
    static const lie lies[] = {
        {"encode", "{\"in\": {\"x\": \"encode.value\"}}", "'x' has rank 1, expected 2"},
        {"encode", "{\"in\": {\"x\": \"capture-embed.tokens\"}}", "encode"},
        {"encode", "{\"in\": {\"x\": null}}", "encode"},
        {"encode", "{\"out\": {\"latent\": null}}", "latent"},
        {"encode", "{\"out\": {\"value\": \"encode.row_offsets\"}}", "encode"},
        {"encode", "{\"out\": {\"row_offsets\": \"encode.x\"}}", "encode"},
        {"decode", "{\"in\": {\"latent\": \"encode.row_offsets\"}}", "decode"},
        {"decode", "{\"in\": {\"value\": \"encode.latent\"}}", "value: expected float64"},
        {"decode", "{\"in\": {\"row_offsets\": \"encode.latent\"}}", "decode"},
        {"decode", "{\"out\": {\"reconstruction\": \"generate.soft\"}}", "the inputs give"},
        {"steer-add", "{\"params\": {\"amount\": null}}", "'amount'"},
        {"steer-add", "{\"params\": {\"sae\": \"\"}}", "inside the bundle"},
        {"adapter-identity", "{\"params\": {\"adapter\": \"none-such\"}}", "none-such"},
        {"adapter-identity", "{\"params\": {\"adapter\": 7}}", "'adapter'"},
        {"adapter-identity", "{\"params\": {\"mean\": \"none-such\"}}", "none-such"},
        {"adapter-identity", "{\"params\": {\"mean_key\": 3}}", "'mean_key'"},
    };
    REFUSED("tiny-3.1-goodfire", lies);
}

Test(hostile_manifest, explanations)
{
    static const lie lies[] = {
        {"explain-features", "{\"params\": {\"style\": \"haiku\"}}", "haiku"},
        {"explain-features", "{\"params\": {\"layer\": -1}}", "'layer'"},
        {"explain-features", "{\"params\": {\"features\": [768, 0, 1, 2]}}", "features"},
        {"explain-features", "{\"params\": {\"features\": [0.5, 0, 1, 2]}}", "features"},
        {"explain-features", "{\"params\": {\"features\": []}}", "features"},
        {"explain-features", "{\"params\": {\"features\": [1]}}", "expected ["},
        {"explain-features", "{\"params\": {\"temperature\": 1}}", "'temperature'"},
        {"explain-features", "{\"params\": {\"explainer\": \"sae\"}}", "sae"},
        {"explain-features", "{\"params\": {\"labels\": [1, 2, 3, 4]}}", "labels"},
        {"explain-features", "{\"params\": {\"labels\": \"all\"}}", "labels"},
        {"explain-features", "{\"out\": {\"soft\": \"encode.value\"}}", "soft: expected ["},
        {"explain-features", "{\"out\": {\"new_tokens\": \"generate.new_tokens\"}}",
         "new_tokens: expected int64"},
        {"explain-text", "{\"params\": {\"position\": 1000000}}", "'position'"},
        {"explain-text", "{\"params\": {\"hook\": \"nowhere\"}}", "nowhere"},
        {"explain-text", "{\"params\": {\"text\": []}}", "'text'"},
        {"explain-text", "{\"params\": {\"add_special_tokens\": 1}}", "true or false"},
    };
    REFUSED("tiny-3.1-goodfire", lies);
}

Test(hostile_manifest, an_op_from_the_future_is_a_skip_that_names_it)
{
    run_output run = verify_edited("tiny-3.1-goodfire", "encode", "{\"op\": \"dream\"}", "'*'");
    cr_expect_eq(run.status, 0, "%s%s", run.out, run.err);
    cr_expect_not_null(strstr(run.out, "does not know the op 'dream'"), "%s", run.out);
    run_free(&run);
}

Test(hostile_manifest, a_wrong_label_is_a_fail_that_says_both)
{
    run_output run = verify_edited(
        "tiny-3.1-goodfire", "explain-features",
        "{\"params\": {\"labels\": [\"numbers in a list\", \"the word\", \" a\", \"b\"]}}",
        "scalar");
    cr_expect_eq(run.status, 1, "%s%s", run.out, run.err);
    cr_expect_not_null(strstr(run.out, "expected 'the word'"), "%s", run.out);
    run_free(&run);
}
