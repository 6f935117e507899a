#include "verify/explain/session.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/io/chat_template.h"
#include "kernels/exec/stage.h"
#include "kernels/registry.h"
#include "ref/oracle.h"

static assay_status open_table(assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    const char *const name = options->impl != NULL ? options->impl : "scalar";
    if (options->threads.given) {
        omp_set_num_threads((int)options->threads.value);
    }
    session->exec.device = assay_host_device();
    session->exec.threads = (int32_t)omp_get_max_threads();
    session->exec.error = error;
    /* The oracle is no kernel of the registry, yet a table like any other. */
    if (strcmp(name, "oracle") == 0) {
        session->table = &assay_oracle;
        return ASSAY_OK;
    }
    session->table = &session->found;
    return assay_table_find(name, &session->found, error);
}

/* Every op the request needs, asked for before anything is loaded. */
static assay_status check_table(const assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    const bool steer = options->steer != NULL;
    const struct {
        bool needed;
        assay_op op;
    } needs[] = {
        {options->text != NULL, ASSAY_OP_capture},  {options->top.given, ASSAY_OP_sae_encode},
        {!steer, ASSAY_OP_adapter},                 {steer, ASSAY_OP_sae_steer},
        {true, ASSAY_OP_generate},
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        const assay_status status =
            needs[i].needed ? assay_table_supports(session->table, needs[i].op, error) : ASSAY_OK;
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

/* Weights are mapped, so opening an 8B costs nothing before its layers are read. */
static assay_status open_models(assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    assay_status status = ASSAY_OK;
    if (options->model != NULL) {
        status = assay_model_open(options->model, &session->subject, error);
        if (status == ASSAY_OK) {
            status = assay_tokenizer_open(options->model, &session->subject_words, error);
        }
        session->explainer = &session->subject;
        session->words = session->subject_words;
    }
    if (status == ASSAY_OK && options->explainer != NULL) {
        status = assay_model_open(options->explainer, &session->separate, error);
        if (status == ASSAY_OK) {
            status = assay_tokenizer_open(options->explainer, &session->separate_words, error);
        }
        session->explainer = &session->separate;
        session->words = session->separate_words;
    }
    return status;
}

static assay_status open_sae(assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    assay_recipe recipe = ASSAY_RECIPE_AUTO;
    if (options->sae == NULL) {
        return ASSAY_OK;
    }
    if (options->recipe != NULL) {
        const assay_status status = assay_recipe_parse(options->recipe, &recipe, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return assay_sae_open(options->sae, recipe, &session->sae, error);
}

/* Transluce without --adapter places the vector as it is. */
static assay_status open_adapter(assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    const char *const path = options->adapter != NULL ? options->adapter : "identity";
    assay_status status = assay_adapter_open(path, &session->adapter, error);
    if (status == ASSAY_OK && options->mean != NULL) {
        status = assay_adapter_set_mean(&session->adapter, options->mean, options->mean_key, error);
    }
    return status;
}

/* The hook: --hook, else the one the SAE's file names; and the layer that the prompt names. */
static assay_status find_hook(assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    const char *const stated = session->sae.hook_in[0] != '\0' ? session->sae.hook_in : NULL;
    const char *const name = options->hook != NULL ? options->hook : stated;
    const assay_model *const model = options->model != NULL ? &session->subject.model : NULL;
    session->layer = -1;
    /* --feature needs only the hook's layer, and that of another model may not fit this one. */
    const bool runs = options->feature == NULL;
    if (name != NULL) {
        const assay_status status = assay_hook_parse(name, runs ? model : NULL, &session->hook,
                                                     error);
        if (status != ASSAY_OK) {
            return status;
        }
        session->has_hook = true;
        session->layer = session->hook.layer;
    } else if (runs) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "--hook H is needed (such as layers.19.output): no SAE file names one");
    }
    if (options->layer.given) {
        session->layer = options->layer.value;
    }
    if (session->style == ASSAY_STYLE_TRANSLUCE && session->layer < 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "--layer L is needed: the transluce prompt "
                          "names the layer, and the SAE's file does not");
    }
    return ASSAY_OK;
}

/* Files of different models have one shape or another that does not fit; those of the same shape
 * cannot be told apart here.
 * Widths, end to end: what is captured, encoded, adapted and placed as an embedding. */
static assay_status check_widths(const assay_explain_session *session, assay_error *error)
{
    const assay_explain_options *const options = session->options;
    const assay_sae *const sae = &session->sae.sae;
    const bool text = options->text != NULL;
    if ((options->top.given || options->steer != NULL) &&
        session->subject.model.d_model != sae->d_in) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s encodes rows of %lld, but %s has d_model "
                          "%lld: they do not belong together", options->sae,
                          (long long)sae->d_in, options->model,
                          (long long)session->subject.model.d_model);
    }
    if (options->steer != NULL) {
        return ASSAY_OK;
    }
    const bool activation = text && !options->top.given;
    const int64_t width = activation ? session->subject.model.d_model : sae->d_out;
    if (session->adapter.d_model != 0 && session->adapter.d_model != width) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s is for vectors of %lld, but those of %s "
                          "have %lld: they do not belong together", options->adapter,
                          (long long)session->adapter.d_model,
                          activation ? options->model : options->sae, (long long)width);
    }
    if (session->explainer->model.d_model != width) {
        return assay_fail(error, ASSAY_BAD_INPUT, "%s embeds vectors of %lld, but those of %s "
                          "have %lld: choose an explainer of that width",
                          session->explainer->directory,
                          (long long)session->explainer->model.d_model,
                          activation ? options->model : options->sae, (long long)width);
    }
    return ASSAY_OK;
}

/* A tokenizer with more tokens than the model has rows would make embed read past the table. */
static assay_status check_ids(const int64_t *tokens, size_t count, const assay_model_file *model,
                              assay_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] < 0 || tokens[i] >= model->model.vocab) {
            return assay_fail(error, ASSAY_BAD_INPUT, "%s: its tokenizer gives token %lld, but "
                              "its model embeds %lld tokens: the files do not belong together",
                              model->directory, (long long)tokens[i],
                              (long long)model->model.vocab);
        }
    }
    return ASSAY_OK;
}

assay_status assay_explain_open(const assay_explain_options *options,
                                assay_explain_session *session, assay_error *error)
{
    memset(session, 0, sizeof *session);
    session->options = options;
    assay_status status = ASSAY_OK;
    if (options->style != NULL) {
        status = assay_style_parse(options->style, &session->style, error);
    }
    /* In the order of their cost: a wrong name fails before a large file is opened. */
    assay_status (*const steps[])(assay_explain_session *, assay_error *) = {
        open_table, open_models, open_sae, open_adapter, find_hook};
    for (size_t i = 0; status == ASSAY_OK && i < sizeof steps / sizeof *steps; i++) {
        status = steps[i](session, error);
    }
    if (status == ASSAY_OK) {
        status = check_table(session, error);
    }
    if (status == ASSAY_OK) {
        status = check_widths(session, error);
    }
    if (status == ASSAY_OK) {
        status = assay_explain_settle(options, session->style, session->explainer, session->words,
                                      &session->settings, error);
    }
    if (status == ASSAY_OK && options->steer == NULL) {
        status = assay_prompt_build(session->style, session->words, session->layer,
                                    &session->prompt, error);
    }
    if (status == ASSAY_OK) {
        status = check_ids(session->prompt.token, session->prompt.count, session->explainer, error);
    }
    return status; /* the caller closes, whatever the status */
}

void assay_explain_close(assay_explain_session *session)
{
    assay_prompt_free(&session->prompt);
    assay_adapter_close(&session->adapter);
    assay_sae_close(&session->sae);
    assay_tokenizer_close(&session->separate_words);
    assay_tokenizer_close(&session->subject_words);
    assay_model_close(&session->separate);
    assay_model_close(&session->subject);
    assay_arena_free(&session->arena);
}

assay_status assay_explain_tokenize(const assay_explain_session *session, const char *text,
                                    int64_t **tokens, size_t *count, char **rendered,
                                    assay_error *error)
{
    const assay_explain_options *const options = session->options;
    char *chat = NULL;
    assay_status status = ASSAY_OK;
    if (options->chat) {
        const assay_message message = {"user", text};
        assay_template_kind kind;
        status = assay_template_open(options->model, &kind, error);
        if (status == ASSAY_OK) {
            status = assay_template_render(kind, &message, 1, true, options->date, &chat, error);
        }
    } else {
        chat = strdup(text);
        status = chat != NULL ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    if (status == ASSAY_OK) {
        /* A rendered chat begins with begin_of_text: adding it again would double it. */
        status = assay_tokenizer_encode(session->subject_words, chat, strlen(chat),
                                        !options->chat && !options->no_special_tokens, tokens,
                                        count, error);
    }
    if (status == ASSAY_OK && *count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "the text has no tokens: give some text");
    }
    if (status == ASSAY_OK) {
        status = check_ids(*tokens, *count, &session->subject, error);
    }
    if (status == ASSAY_OK && rendered != NULL) {
        *rendered = chat;
        chat = NULL;
    }
    free(chat);
    return status;
}
