/* The settings in effect, and where each came from: a hidden top-k of 50 is part of the published
 * results, and must be seen. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/json_file.h"
#include "verify/explain/session.h"

enum {
    SELFIE_TOKENS = 50,     /* the SelfIE examples */
    TRANSLUCE_TOKENS = 128, /* the model card */
    HUGGING_FACE_TOP_K = 50,
    CONFIG_BYTES_MAX = 64 << 20
};
static const double selfie_temperature = 0.5; /* the SelfIE examples */

/* eos_token of tokenizer_config.json is a string, or an object whose content it is. */
static assay_status tokenizer_eos(const char *directory, const assay_tokenizer *words, int64_t *id,
                                  assay_error *error)
{
    cJSON *root = NULL;
    char *path = assay_path_join(directory, "tokenizer_config.json");
    if (path == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    assay_status status = assay_json_read(path, CONFIG_BYTES_MAX, &root, error);
    if (status == ASSAY_OK) {
        const cJSON *token = cJSON_GetObjectItemCaseSensitive(root, "eos_token");
        if (cJSON_IsObject(token)) {
            token = cJSON_GetObjectItemCaseSensitive(token, "content");
        }
        *id = cJSON_IsString(token) ? assay_tokenizer_id(words, token->valuestring) : -1;
        if (*id < 0) {
            status = assay_fail(error, ASSAY_BAD_INPUT,
                                "%s: key 'eos_token' is not the name of a token; give the ids "
                                "with --eos", path);
        }
    }
    cJSON_Delete(root);
    free(path);
    return status;
}

static assay_status given_eos(const assay_explain_options *options, const assay_model *model,
                              assay_explain_settings *settings, assay_error *error)
{
    int64_t *list = NULL;
    size_t count = 0;
    assay_status status = assay_ranges_parse("eos", options->eos, 0, model->vocab - 1, &list,
                                             &count, error);
    if (status == ASSAY_OK && count > ASSAY_EOS_MAX) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "--eos '%.80s': more than %d ids",
                            options->eos, ASSAY_EOS_MAX);
    }
    if (status == ASSAY_OK) {
        memcpy(settings->eos, list, count * sizeof *list);
        settings->eos_count = (int64_t)count;
        settings->eos_source = "given";
    }
    free(list);
    return status;
}

static assay_status settle_eos(const assay_explain_options *options, const assay_model_file *model,
                               const assay_tokenizer *words, assay_explain_settings *settings,
                               assay_error *error)
{
    const char *const eos = options->eos != NULL ? options->eos : "model";
    if (strcmp(eos, "none") == 0) {
        settings->eos_count = 0;
        settings->eos_source = "given";
        return ASSAY_OK;
    }
    if (strcmp(eos, "tokenizer") == 0) {
        settings->eos_count = 1;
        settings->eos_source = "tokenizer_config.json";
        return tokenizer_eos(model->directory, words, settings->eos, error);
    }
    if (strcmp(eos, "model") != 0) {
        return given_eos(options, &model->model, settings, error);
    }
    settings->eos_count = model->generation.eos_count;
    settings->eos_source = "the model's generation_config.json or config.json";
    memcpy(settings->eos, model->generation.eos, sizeof settings->eos);
    return ASSAY_OK;
}

_Static_assert(sizeof((assay_explain_settings *)NULL)->eos ==
                   sizeof((assay_generation_config *)NULL)->eos,
               "as many end tokens as a generation_config.json may list");

assay_status assay_explain_settle(const assay_explain_options *options, assay_style style,
                                  const assay_model_file *model, const assay_tokenizer *words,
                                  assay_explain_settings *settings, assay_error *error)
{
    memset(settings, 0, sizeof *settings);
    const assay_generation_config *const hub = &model->generation;
    const bool selfie = style == ASSAY_STYLE_SELFIE && options->steer == NULL;
    const bool transluce = style == ASSAY_STYLE_TRANSLUCE;
    settings->max_new_tokens = options->max_new_tokens.given ? options->max_new_tokens.value
                               : transluce                   ? TRANSLUCE_TOKENS
                                                             : SELFIE_TOKENS;
    assay_sample_params *const sampling = &settings->sampling;
    sampling->seed = options->seed;
    sampling->temperature = options->temperature.given ? options->temperature.value
                            : selfie                   ? selfie_temperature
                                                       : 0;
    sampling->top_p = options->top_p.given ? options->top_p.value : hub->has_top_p ? hub->top_p : 1;
    sampling->top_k = options->sample_top_k.given ? options->sample_top_k.value
                      : hub->has_top_k            ? hub->top_k
                                                  : HUGGING_FACE_TOP_K;
    settings->top_p_source = options->top_p.given ? "given"
                             : hub->has_top_p     ? "generation_config.json"
                                                  : "Hugging Face's default";
    settings->top_k_source = options->sample_top_k.given ? "given"
                             : hub->has_top_k            ? "generation_config.json"
                                                         : "Hugging Face's default";
    return settle_eos(options, model, words, settings, error);
}
