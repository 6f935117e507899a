#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/explain/host.h"

static const char selfie_prompt[] =
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
    "What is the meaning of \"<|reserved_special_token_0|>\"?"
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    "The meaning of \"<|reserved_special_token_0|>\" is \"";

/* Begin, continuous_rep, end: in this order in the prompt, though not by number. */
static const char transluce_prompt[] =
    "At layer %lld, <|reserved_special_token_10|><|reserved_special_token_12|>"
    "<|reserved_special_token_11|> encodes ";

static const char *const selfie_special[] = {
    "<|begin_of_text|>", "<|start_header_id|>",          "<|end_header_id|>",
    "<|eot_id|>",        "<|reserved_special_token_0|>", NULL};
static const char *const transluce_special[] = {
    "<|reserved_special_token_10|>", "<|reserved_special_token_11|>",
    "<|reserved_special_token_12|>", NULL};

typedef struct style_facts {
    const char *name;
    const char *placeholder;
    const char *const *special; /* every token the prompt names, NULL at the end */
    bool add_special_tokens;
    const char *stops[2];
    size_t stop_count;
} style_facts;

static const style_facts styles[] = {
    [ASSAY_STYLE_SELFIE] = {"selfie", "<|reserved_special_token_0|>", selfie_special, false,
                            {NULL, NULL}, 0},
    [ASSAY_STYLE_TRANSLUCE] = {"transluce", "<|reserved_special_token_12|>", transluce_special,
                               true, {" [END]", "\n"}, 2},
};

assay_status assay_style_parse(const char *name, assay_style *style, assay_error *error)
{
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        if (strcmp(name, styles[i].name) == 0) {
            *style = (assay_style)i;
            return ASSAY_OK;
        }
    }
    return assay_fail(error, ASSAY_BAD_ARGUMENT,
                      "style '%s' is not known; the styles are selfie and transluce", name);
}

const char *assay_style_name(assay_style style)
{
    return styles[style].name;
}

const char *const *assay_style_stops(assay_style style, size_t *count)
{
    *count = styles[style].stop_count;
    return styles[style].stops;
}

/* A special token that the tokenizer lacks would be split into ordinary pieces without a word. */
static assay_status check_special(const style_facts *facts, const assay_tokenizer *tokenizer,
                                  assay_error *error)
{
    for (const char *const *name = facts->special; *name != NULL; name++) {
        if (assay_tokenizer_id(tokenizer, *name) < 0) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "the explainer's tokenizer has no %s, which the %s prompt needs; "
                              "give a Llama-3 tokenizer", *name, facts->name);
        }
    }
    return ASSAY_OK;
}

static assay_status find_placeholders(const style_facts *facts, const assay_tokenizer *tokenizer,
                                      assay_prompt *prompt, assay_error *error)
{
    const int64_t id = assay_tokenizer_id(tokenizer, facts->placeholder);
    prompt->placeholder = malloc((prompt->count + 1) * sizeof *prompt->placeholder);
    if (prompt->placeholder == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the prompt");
    }
    for (size_t i = 0; i < prompt->count; i++) {
        if (prompt->token[i] == id) {
            prompt->placeholder[prompt->placeholder_count++] = (int64_t)i;
        }
    }
    if (prompt->placeholder_count == 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "the explainer's tokenizer does not keep %s whole, so the %s prompt has "
                          "no place for the vector", facts->placeholder, facts->name);
    }
    return ASSAY_OK;
}

assay_status assay_prompt_build(assay_style style, const assay_tokenizer *tokenizer, int64_t layer,
                                assay_prompt *prompt, assay_error *error)
{
    const style_facts *const facts = &styles[style];
    memset(prompt, 0, sizeof *prompt);
    char text[512];
    if (style == ASSAY_STYLE_TRANSLUCE) {
        (void)snprintf(text, sizeof text, transluce_prompt, (long long)layer);
    } else {
        (void)snprintf(text, sizeof text, "%s", selfie_prompt);
    }
    assay_status status = check_special(facts, tokenizer, error);
    if (status == ASSAY_OK) {
        status = assay_tokenizer_encode(tokenizer, text, strlen(text), facts->add_special_tokens,
                                        &prompt->token, &prompt->count, error);
    }
    if (status == ASSAY_OK) {
        status = find_placeholders(facts, tokenizer, prompt, error);
    }
    if (status != ASSAY_OK) {
        assay_prompt_free(prompt);
    }
    return status;
}

void assay_prompt_free(assay_prompt *prompt)
{
    free(prompt->token);
    free(prompt->placeholder);
    memset(prompt, 0, sizeof *prompt);
}
