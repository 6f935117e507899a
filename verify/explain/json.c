/* The JSON that --json prints: settings, tokens and labels, so that a run can be repeated and its
 * texts be cut anew. */
#include <stdlib.h>
#include <string.h>

#include "verify/explain/print.h"
#include "verify/result_json.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

cJSON *assay_json_text(const char *text, size_t size)
{
    char *const copy = malloc(3 * size + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0') {
            memcpy(copy + length, replacement, sizeof replacement - 1);
            length += sizeof replacement - 1;
        } else {
            copy[length++] = text[i];
        }
    }
    copy[length] = '\0';
    cJSON *const string = cJSON_CreateString(copy);
    free(copy);
    return string;
}

cJSON *assay_json_tokens(const int64_t *tokens, int64_t count)
{
    cJSON *const array = cJSON_CreateArray();
    for (int64_t i = 0; array != NULL && i < count && tokens[i] != -1; i++) {
        (void)cJSON_AddItemToArray(array, cJSON_CreateNumber((double)tokens[i]));
    }
    return array;
}

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void)cJSON_AddStringToObject(object, key, text);
    }
}

static void add_files(const assay_explain_session *session, cJSON *settings)
{
    const assay_explain_options *const o = session->options;
    add_text(settings, "model", o->model);
    add_text(settings, "explainer", o->explainer);
    add_text(settings, "sae", o->sae);
    if (o->sae != NULL) {
        add_text(settings, "recipe", assay_recipe_name(session->sae.recipe));
    }
    if (o->steer == NULL) {
        add_text(settings, "adapter", o->adapter != NULL ? o->adapter : "identity");
        add_text(settings, "adapter_type", assay_adapter_type_name(session->adapter.params.type));
        add_text(settings, "mean", o->mean);
        add_text(settings, "mean_key", o->mean_key);
        add_text(settings, "style", assay_style_name(session->style));
    }
    if (session->has_hook) {
        char hook[64];
        assay_hook_format(session->hook, hook, sizeof hook);
        add_text(settings, "hook", hook);
    }
}

cJSON *assay_explain_json(const assay_explain_session *session)
{
    const assay_explain_settings *const s = &session->settings;
    cJSON *const root = cJSON_CreateObject();
    add_text(root, "format", "assay-explain");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    cJSON *const settings = cJSON_AddObjectToObject(root, "settings");
    if (settings == NULL) {
        cJSON_Delete(root);
        return NULL;
    }
    add_files(session, settings);
    if (session->layer >= 0) {
        (void)cJSON_AddNumberToObject(settings, "layer", (double)session->layer);
    }
    add_text(settings, "impl", session->table->name);
    (void)cJSON_AddNumberToObject(settings, "max_new_tokens", (double)s->max_new_tokens);
    (void)cJSON_AddNumberToObject(settings, "temperature", s->sampling.temperature);
    (void)cJSON_AddNumberToObject(settings, "top_p", s->sampling.top_p);
    (void)cJSON_AddNumberToObject(settings, "top_k", (double)s->sampling.top_k);
    char seed[32]; /* a string: JSON readers round integers above 2^53 */
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->sampling.seed);
    add_text(settings, "seed", seed);
    (void)cJSON_AddItemToObject(settings, "eos", assay_json_tokens(s->eos, s->eos_count));
    return root;
}

/* The whole generated text, before the cut. */
static assay_status add_generation(const assay_explain_session *session, const int64_t *tokens,
                                   cJSON *entry, assay_error *error)
{
    const int64_t steps = session->settings.max_new_tokens;
    int64_t used = 0;
    while (used < steps && tokens[used] != -1) {
        used++;
    }
    char *text = NULL;
    size_t size = 0;
    const assay_status status =
        assay_tokenizer_decode(session->words, tokens, (size_t)used, true,
                               session->options->clean_up_spaces, &text, &size, error);
    if (status == ASSAY_OK) {
        (void)cJSON_AddItemToObject(entry, "text", assay_json_text(text, size));
        (void)cJSON_AddItemToObject(entry, "tokens", assay_json_tokens(tokens, steps));
        add_text(entry, "ended", assay_explain_ending(session, tokens));
    }
    free(text);
    return status;
}

/* The text that was captured, as it was tokenized. */
static void add_source(const assay_targets *targets, cJSON *root)
{
    if (!assay_present(&targets->tokens)) {
        return;
    }
    add_text(root, "text", targets->text);
    (void)cJSON_AddItemToObject(root, "tokens",
                                assay_json_tokens(targets->tokens.data, targets->tokens.shape[1]));
}

assay_status assay_explain_json_add(const assay_explain_session *session,
                                    const assay_targets *targets,
                                    const assay_explanations *explanations, cJSON *root,
                                    assay_error *error)
{
    add_source(targets, root);
    cJSON *const list = cJSON_AddArrayToObject(root, "explanations");
    const size_t steps = (size_t)session->settings.max_new_tokens;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < targets->count; i++) {
        const assay_target *const target = &targets->item[i];
        cJSON *const entry = cJSON_CreateObject();
        if (entry == NULL || cJSON_AddItemToArray(list, entry) == 0) {
            cJSON_Delete(entry);
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the JSON text");
        }
        if (target->position >= 0) {
            (void)cJSON_AddNumberToObject(entry, "position", (double)target->position);
        }
        if (target->latent >= 0) {
            (void)cJSON_AddNumberToObject(entry, "latent", (double)target->latent);
        }
        if (target->latent >= 0 && target->position >= 0) {
            (void)cJSON_AddItemToObject(entry, "value", assay_json_number(target->value));
        }
        (void)cJSON_AddItemToObject(entry, "label",
                                    assay_json_text(explanations->label[target->source],
                                                    explanations->label_size[target->source]));
        status = add_generation(session, explanations->new_tokens + target->source * steps, entry,
                                error);
    }
    return status;
}

assay_status assay_json_print(cJSON *root, assay_error *error)
{
    char *const text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL || puts(text) == EOF) {
        free(text);
        return assay_fail(error, ASSAY_IO, "standard output: the JSON text could not be written");
    }
    free(text);
    return ASSAY_OK;
}
