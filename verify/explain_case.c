#include "verify/explain_case.h"

#include <math.h>
#include <stdlib.h>

#include "fixtures/io/json_file.h"

enum { FEATURES_MAX = 1 << 20, NEW_TOKENS_MAX = 1 << 20 };

static const cJSON *param(const assay_case_context *context, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(context->c->params, key);
}

/* features: one vector per listed latent, after the recipe. */
static assay_status read_features(const assay_case_context *context, assay_arena *arena,
                                  assay_explain_case *read, assay_error *error)
{
    const cJSON *const features = param(context, "features");
    const assay_sae_file *sae = NULL;
    const int count = cJSON_GetArraySize(features);
    if (!cJSON_IsArray(features) || count < 1 || count > FEATURES_MAX) {
        return assay_case_fail(context, error, "features: expected a list of 1 to %d latents",
                               FEATURES_MAX);
    }
    assay_status status = assay_checkpoints_sae(context->checkpoints, context->c, &sae, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t shape[2] = {count, sae->sae.d_out};
    status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &read->io.vectors, error);
    int64_t row = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, features)
    {
        if (status == ASSAY_OK && (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0) ||
                                   item->valuedouble >= (double)sae->sae.d_sae ||
                                   item->valuedouble != floor(item->valuedouble))) {
            status = assay_case_fail(context, error, "features: expected whole numbers below %lld",
                                     (long long)sae->sae.d_sae);
        }
        if (status == ASSAY_OK) {
            double *const vector = (double *)read->io.vectors.data + row++ * shape[1];
            status = assay_sae_feature(&sae->sae, (int64_t)item->valuedouble, vector, error);
        }
    }
    return status;
}

/* text, hook, position: the residual row of the subject there. */
static assay_status read_text(const assay_case_context *context, assay_arena *arena,
                              assay_explain_case *read, assay_error *error)
{
    const assay_model_file *model = NULL;
    const assay_tokenizer *tokenizer = NULL;
    const char *text = NULL;
    const char *hook = NULL;
    char *bytes = NULL;
    size_t size = 0;
    int64_t *tokens = NULL;
    size_t count = 0;
    int64_t position = 0;
    bool special = true;
    assay_status status = assay_case_flag(context, "add_special_tokens", &special, error);
    if (status == ASSAY_OK) {
        status = assay_checkpoints_model(context->checkpoints, context->c, "model", &model, error);
    }
    if (status == ASSAY_OK) {
        status = assay_checkpoints_tokenizer(context->checkpoints, context->c, "model", &tokenizer,
                                             error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "text", &text, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "hook", &hook, error);
    }
    if (status == ASSAY_OK) {
        read->params.capture.model = model->model;
        status = assay_hook_parse(hook, &model->model, &read->params.capture.hook, error);
    }
    if (status == ASSAY_OK) {
        status = assay_json_bytes(text, &bytes, &size, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_host(context)->encode(tokenizer, bytes, size, special, &tokens, &count,
                                                  error);
    }
    if (status == ASSAY_OK) {
        /* A negative position counts from the end, as in Python. */
        status = assay_case_int(context, "position", -(int64_t)count, (int64_t)count - 1,
                                &position, error);
    }
    if (status == ASSAY_OK) {
        int64_t *const memory = assay_arena_take(arena, (count + 3) * sizeof *memory);
        if (memory == NULL) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
        } else {
            memcpy(memory + 3, tokens, count * sizeof *memory);
            memory[0] = (int64_t)count;
            memory[1] = 0;
            memory[2] = position < 0 ? position + (int64_t)count : position;
            read->io.lengths = assay_vector(memory, ASSAY_I64, 1);
            read->io.positions = assay_matrix(memory + 1, ASSAY_I64, 1, 2);
            read->io.tokens = assay_matrix(memory + 3, ASSAY_I64, 1, (int64_t)count);
        }
    }
    free(bytes);
    free(tokens);
    return status;
}

static assay_status read_prompt(const assay_case_context *context, const char *explainer,
                                assay_explain_case *read, assay_error *error)
{
    const char *style = NULL;
    int64_t layer = 0;
    assay_status status = assay_case_greedy(context, error);
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "style", &style, error);
    }
    if (status == ASSAY_OK) {
        status = assay_style_parse(style, &read->style, error);
    }
    if (status == ASSAY_OK && param(context, "layer") != NULL) {
        status = assay_case_int(context, "layer", 0, 1 << 20, &layer, error);
    }
    if (status == ASSAY_OK) {
        status = assay_checkpoints_tokenizer(context->checkpoints, context->c, explainer,
                                             &read->tokenizer, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_host(context)->prompt(read->style, read->tokenizer, layer,
                                                  &read->prompt, error);
    }
    if (status == ASSAY_OK) {
        read->io.prompt =
            assay_vector(read->prompt.token, ASSAY_I64, (int64_t)read->prompt.count);
        read->io.placeholder = assay_vector(read->prompt.placeholder, ASSAY_I64,
                                            (int64_t)read->prompt.placeholder_count);
    }
    return status;
}

static assay_status read_outputs(const assay_case_context *context, assay_explain_case *read,
                                 assay_error *error)
{
    assay_status status = assay_case_out(context, "soft", true, &read->soft, error);
    if (status == ASSAY_OK) {
        status = assay_case_out(context, "new_tokens", true, &read->io.forced, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_tensor *const forced = &read->io.forced;
    if (read->soft.rank != 2 || read->soft.shape[0] != read->rows ||
        read->soft.shape[1] != read->width) {
        return assay_case_fail(context, error, "soft: expected [%lld, %lld]",
                               (long long)read->rows, (long long)read->width);
    }
    if (forced->rank != 2 || forced->dtype != ASSAY_I64 || forced->shape[0] != read->rows ||
        forced->shape[1] != read->steps) {
        return assay_case_fail(context, error, "new_tokens: expected int64 [%lld, %lld]",
                               (long long)read->rows, (long long)read->steps);
    }
    return assay_case_ended(context, forced, error);
}

assay_status assay_explain_case_read(const assay_case_context *context, assay_arena *arena,
                                     assay_explain_case *read, assay_error *error)
{
    const char *const explainer = param(context, "explainer") != NULL ? "explainer" : "model";
    const assay_model_file *model = NULL;
    const assay_adapter_file *adapter = NULL;
    assay_generate_params *const generate = &read->params.generate;
    assay_status status =
        assay_checkpoints_model(context->checkpoints, context->c, explainer, &model, error);
    if (status == ASSAY_OK) {
        generate->model = model->model;
        generate->sampling.top_p = 1.0;
        generate->eos = read->eos;
        status = assay_case_eos(context, explainer, read->eos, ASSAY_EXPLAIN_EOS_MAX,
                                &generate->eos_count, error);
        generate->eos_count = assay_case_host(context)->eos_count(generate->eos_count);
    }
    if (status == ASSAY_OK) {
        status = assay_case_int(context, "max_new_tokens", 1, NEW_TOKENS_MAX,
                                &generate->max_new_tokens, error);
    }
    if (status == ASSAY_OK) {
        status =
            assay_checkpoints_adapter(context->checkpoints, context->c, &adapter, error);
    }
    if (status == ASSAY_OK) {
        read->params.adapter = adapter->params;
        status = read_prompt(context, explainer, read, error);
    }
    if (status == ASSAY_OK) {
        status = param(context, "features") != NULL ? read_features(context, arena, read, error)
                                                    : read_text(context, arena, read, error);
    }
    if (status == ASSAY_OK) {
        read->rows = assay_present(&read->io.vectors) ? read->io.vectors.shape[0] : 1;
        read->width = generate->model.d_model;
        read->steps = generate->max_new_tokens;
        read->vocab = generate->model.vocab;
        status = read_outputs(context, read, error);
    }
    return status;
}

assay_status assay_explain_case_outputs(const assay_explain_case *read, int64_t rows,
                                        assay_dtype type, bool logits, assay_arena *arena,
                                        assay_explain_io *io, assay_error *error)
{
    const int64_t soft[2] = {rows, read->width};
    const int64_t shape[3] = {rows, read->steps, read->vocab};
    memset(&io->logits, 0, sizeof io->logits);
    assay_status status = assay_buffer_make(arena, type, 2, soft, &io->soft, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &io->new_tokens, error);
    }
    return status == ASSAY_OK && logits
               ? assay_buffer_make(arena, type, 3, shape, &io->logits, error)
               : status;
}

void assay_explain_case_free(assay_explain_case *read)
{
    assay_prompt_free(&read->prompt);
}
