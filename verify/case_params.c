/* What a bundle says of a case: its tensors by role, its parameters by key. */
#include <math.h>

#include "fixtures/io/json_file.h"
#include "kernels/exec/check.h"
#include "kernels/exec/prefill.h"
#include "verify/cases.h"
#include "verify/checkpoint_paths.h"

/* Roles whose tensors are integers, int64 by the format; all others are real. */
static bool is_whole(const char *role)
{
    static const char *const roles[] = {"tokens",   "lengths",     "positions", "row_offsets",
                                        "latent",   "soft_at",     "new_tokens", "id",
                                        "sequence", "position"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(role, roles[i]) == 0) {
            return true;
        }
    }
    return false;
}

static assay_status take(const assay_case_context *context, const cJSON *roles, const char *role,
                         bool required, assay_tensor *tensor, assay_error *error)
{
    const assay_status status = assay_bundle_tensor(context->bundle, roles, context->c->id, role,
                                                    required, tensor, error);
    if (status != ASSAY_OK || !assay_present(tensor)) {
        return status;
    }
    if (is_whole(role) ? tensor->dtype != ASSAY_I64 : !assay_is_real(tensor)) {
        return assay_case_fail(context, error, "%s: expected %s, got %s", role,
                               is_whole(role) ? "int64" : "float64",
                               assay_dtype_name(tensor->dtype));
    }
    return ASSAY_OK;
}

assay_status assay_case_in(const assay_case_context *context, const char *role, bool required,
                           assay_tensor *tensor, assay_error *error)
{
    return take(context, context->c->in, role, required, tensor, error);
}

assay_status assay_case_out(const assay_case_context *context, const char *role, bool required,
                            assay_tensor *tensor, assay_error *error)
{
    return take(context, context->c->out, role, required, tensor, error);
}

static void where(const assay_case_context *context, char *text, size_t size)
{
    (void)snprintf(text, size, "%s/manifest.json: case '%s': params", context->bundle->directory,
                   context->c->id);
}

assay_status assay_case_int(const assay_case_context *context, const char *key, int64_t lowest,
                            int64_t highest, int64_t *value, assay_error *error)
{
    char place[512];
    where(context, place, sizeof place);
    return assay_json_int(place, context->c->params, key, lowest, highest, value, error);
}

assay_status assay_case_real(const assay_case_context *context, const char *key, double *value,
                             assay_error *error)
{
    char place[512];
    where(context, place, sizeof place);
    return assay_json_real(place, context->c->params, key, value, error);
}

assay_status assay_case_text(const assay_case_context *context, const char *key,
                             const char **value, assay_error *error)
{
    char place[512];
    where(context, place, sizeof place);
    return assay_json_string(place, context->c->params, key, value, error);
}

assay_status assay_case_flag(const assay_case_context *context, const char *key, bool *value,
                             assay_error *error)
{
    const cJSON *const given = cJSON_GetObjectItemCaseSensitive(context->c->params, key);
    if (given != NULL && !cJSON_IsBool(given)) {
        return assay_case_fail(context, error, "params: '%s': expected true or false", key);
    }
    *value = given != NULL ? cJSON_IsTrue(given) != 0 : *value;
    return ASSAY_OK;
}

assay_status assay_case_option(const assay_case_context *context, const char *key,
                               const char **value, assay_error *error)
{
    const assay_checkpoint_place place = {context->bundle, context->c};
    return assay_checkpoint_text(&place, key, value, error);
}

assay_status assay_case_greedy(const assay_case_context *context, assay_error *error)
{
    const cJSON *const given = cJSON_GetObjectItemCaseSensitive(context->c->params, "temperature");
    return given == NULL || (cJSON_IsNumber(given) && given->valuedouble == 0.0)
               ? ASSAY_OK
               : assay_case_fail(context, error,
                                 "params: 'temperature': expected 0, tokens are judged as greedy");
}

assay_status assay_case_fail(const assay_case_context *context, assay_error *error,
                             const char *format, ...)
{
    char detail[ASSAY_MESSAGE_MAX / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return assay_fail(error, ASSAY_BAD_INPUT, "%.300s/manifest.json: case '%.100s': %s",
                      context->bundle->directory, context->c->id, detail);
}

assay_status assay_case_steer(const assay_case_context *context, assay_sae_steer_params *steer,
                              assay_error *error)
{
    static const char *const modes[] = {[ASSAY_STEER_ADD] = "add",
                                        [ASSAY_STEER_SET] = "set",
                                        [ASSAY_STEER_SCALE] = "scale",
                                        [ASSAY_STEER_ABLATE] = "ablate"};
    const assay_sae_file *sae = NULL;
    const char *mode = NULL;
    assay_status status = assay_checkpoints_sae(context->checkpoints, context->c, &sae, error);
    if (status != ASSAY_OK) {
        return status;
    }
    steer->sae = sae->sae;
    status = assay_case_int(context, "latent", 0, sae->sae.d_sae - 1, &steer->latent, error);
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "mode", &mode, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    int found = -1;
    for (int i = 0; i < 4; i++) {
        found = strcmp(mode, modes[i]) == 0 ? i : found;
    }
    if (found < 0) {
        return assay_case_fail(context, error,
                               "mode '%s': expected add, set, scale or ablate", mode);
    }
    steer->mode = (assay_steer_mode)found;
    steer->amount = 0.0;
    return steer->mode == ASSAY_STEER_ABLATE &&
                   cJSON_GetObjectItemCaseSensitive(context->c->params, "amount") == NULL
               ? ASSAY_OK
               : assay_case_real(context, "amount", &steer->amount, error);
}

assay_status assay_case_eos(const assay_case_context *context, const char *model_key, int64_t *eos,
                            int64_t capacity, int64_t *count, assay_error *error)
{
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(context->c->params, "eos");
    *count = 0;
    if (list == NULL) {
        const assay_model_file *model = NULL;
        const assay_status status =
            assay_checkpoints_model(context->checkpoints, context->c, model_key, &model, error);
        if (status == ASSAY_OK) {
            *count = model->generation.eos_count;
            memcpy(eos, model->generation.eos, (size_t)*count * sizeof *eos);
        }
        return status;
    }
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > capacity) {
        return assay_case_fail(context, error, "eos: expected a list of at most %lld ids",
                               (long long)capacity);
    }
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) < 0x1p53) ||
            item->valuedouble != floor(item->valuedouble)) {
            return assay_case_fail(context, error, "eos: expected whole numbers");
        }
        eos[(*count)++] = (int64_t)item->valuedouble;
    }
    return ASSAY_OK;
}

assay_status assay_case_ended(const assay_case_context *context, const assay_tensor *tokens,
                              assay_error *error)
{
    const int64_t *const token = tokens->data;
    const int64_t steps = tokens->shape[1];
    for (int64_t i = 0; i < assay_count(tokens); i++) {
        if (i % steps != 0 && token[i - 1] == -1 && token[i] != -1) {
            return assay_case_fail(context, error,
                                   "new_tokens[%lld,%lld] is %lld after the row's end: expected -1",
                                   (long long)(i / steps), (long long)(i % steps),
                                   (long long)token[i]);
        }
    }
    return ASSAY_OK;
}

assay_status assay_case_generation(const assay_generate_params *params,
                                   const assay_generate_io *io, assay_error *error)
{
    assay_prompts prompts = {.tokens = io->tokens,
                             .lengths = io->lengths,
                             .soft = io->soft,
                             .soft_at = io->soft_at};
    const assay_status status = assay_prompts_check(&prompts, &params->model, error);
    return status == ASSAY_OK && params->steering.on
               ? assay_check_steering(&params->steering, &params->model, error)
               : status;
}
