#include "verify/evaluate/world.h"

#include <stdlib.h>
#include <string.h>

#include "fixtures/io/json_file.h"

enum { JSON_MOST = 64 << 20, LABEL_TOKENS_MOST = 64 /* each latent is asked for as many */ };

static assay_status read_json(const char *folder, const char *name, cJSON **root,
                              assay_error *error)
{
    char *const path = assay_path_join(folder, name);
    assay_status status = path != NULL ? ASSAY_OK
                                       : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    if (status == ASSAY_OK) {
        status = assay_json_read(path, JSON_MOST, root, error);
    }
    if (status == ASSAY_OK && !cJSON_IsObject(*root)) {
        status = assay_fail(error, ASSAY_BAD_INPUT, "%s: expected an object", path);
    }
    free(path);
    return status;
}

static assay_status open_model(assay_world *world, assay_error *error)
{
    world->model_folder = assay_path_join(world->folder, "model");
    if (world->model_folder == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    assay_status status = assay_model_open(world->model_folder, &world->model, error);
    if (status == ASSAY_OK) {
        status = assay_tokenizer_open(world->model_folder, &world->words, error);
    }
    if (status == ASSAY_OK && assay_tokenizer_vocab(world->words) > world->model.model.vocab) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "%s: its tokenizer has %lld tokens, its model embeds %lld: the files "
                            "do not belong together",
                            world->model_folder, (long long)assay_tokenizer_vocab(world->words),
                            (long long)world->model.model.vocab);
    }
    return status == ASSAY_OK ? assay_prompt_build(ASSAY_STYLE_SELFIE, world->words, 0,
                                                   &world->prompt, error)
                              : status;
}

/* The longest label with the quote behind it, and the token that ends the turn. */
static assay_status count_new_tokens(assay_world *world, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t c = 0; c < world->concept_count && status == ASSAY_OK; c++) {
        char *said = NULL;
        int64_t *tokens = NULL;
        size_t count = 0;
        status = asprintf(&said, "%s\"", world->label[c]) > 0
                     ? assay_tokenizer_encode(world->words, said, strlen(said), false, &tokens,
                                              &count, error)
                     : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
        if (status == ASSAY_OK && count > LABEL_TOKENS_MOST) {
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s/language.json: concepts[%zu]: key 'label': %zu tokens; at most "
                                "%d are expected",
                                world->folder, c, count, LABEL_TOKENS_MOST);
        }
        if ((int64_t)count + 1 > world->new_tokens) {
            world->new_tokens = (int64_t)count + 1;
        }
        free(tokens);
        free(said);
    }
    return status;
}

assay_status assay_world_open(const char *folder, const char *sae, const char *adapter,
                              assay_world *world, assay_error *error)
{
    memset(world, 0, sizeof *world);
    world->folder = strdup(folder);
    if (world->folder == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (!assay_path_is_directory(folder)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "%s: no such folder; expected a world as fixtures/world/build.py makes "
                          "it",
                          folder);
    }
    assay_status status = read_json(folder, "language.json", &world->language, error);
    if (status == ASSAY_OK) {
        status = read_json(folder, "figures.json", &world->figures, error);
    }
    if (status == ASSAY_OK) {
        status = open_model(world, error);
    }
    if (status == ASSAY_OK) {
        status = assay_world_read_language(world, error);
    }
    if (status == ASSAY_OK) {
        status = count_new_tokens(world, error);
    }
    return status == ASSAY_OK ? assay_world_read_pairs(world, sae, adapter, error) : status;
}

void assay_world_close(assay_world *world)
{
    assay_world_close_pairs(world);
    assay_prompt_free(&world->prompt);
    assay_tokenizer_close(&world->words);
    assay_model_close(&world->model);
    cJSON_Delete(world->language);
    cJSON_Delete(world->figures);
    free(world->is_content);
    free(world->token);
    free(world->text);
    free(world->label);
    free(world->model_folder);
    free(world->folder);
    memset(world, 0, sizeof *world);
}
