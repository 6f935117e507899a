/* Host cases: text to tokens and back, judged by equality. */
#include <stdlib.h>

#include "fixtures/io/json_file.h"
#include "verify/cases.h"

enum { MESSAGES_MAX = 1000 };

static assay_status chat_text(const assay_case_context *context, const cJSON *messages, char **text,
                              assay_error *error)
{
    assay_template_kind kind;
    char *folder = NULL;
    assay_message *list = NULL;
    const char *date = NULL;
    bool prompt = false;
    const int count = cJSON_GetArraySize(messages);
    assay_status status = assay_case_option(context, "date_string", &date, error);
    if (status == ASSAY_OK) {
        status = assay_case_flag(context, "add_generation_prompt", &prompt, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (!cJSON_IsArray(messages) || count > MESSAGES_MAX) {
        return assay_case_fail(context, error, "messages: expected a list of at most %d",
                               MESSAGES_MAX);
    }
    list = calloc((size_t)count + 1, sizeof *list);
    if (list == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    for (int i = 0; i < count && status == ASSAY_OK; i++) {
        const cJSON *const message = cJSON_GetArrayItem(messages, i);
        const cJSON *const role = cJSON_GetObjectItemCaseSensitive(message, "role");
        const cJSON *const content = cJSON_GetObjectItemCaseSensitive(message, "content");
        if (!cJSON_IsString(role) || !cJSON_IsString(content)) {
            status = assay_case_fail(context, error,
                                     "messages[%d]: expected strings role and content", i);
        } else {
            list[i] = (assay_message){role->valuestring, content->valuestring};
        }
    }
    if (status == ASSAY_OK) {
        status =
            assay_checkpoints_folder(context->checkpoints, context->c, "model", &folder, error);
    }
    if (status == ASSAY_OK) {
        status = assay_template_open(folder, &kind, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_host(context)->render(kind, list, (size_t)count, prompt, date, text,
                                                  error);
    }
    free(folder);
    free(list);
    return status;
}

static void compare_tokens(const int64_t *got, size_t count, const assay_tensor *expected,
                           assay_result *result)
{
    const size_t wanted = (size_t)assay_count(expected);
    size_t same = 0;
    while (same < count && same < wanted &&
           (double)got[same] == assay_at1(expected, (int64_t)same)) {
        same++;
    }
    result->compared = wanted;
    if (same < count || same < wanted) {
        result->verdict = ASSAY_FAIL;
        result->check = ASSAY_CHECK_TEXT;
        (void)snprintf(result->message, sizeof result->message,
                       "token %zu: got %lld, expected %lld (%zu tokens, expected %zu)", same,
                       same < count ? (long long)got[same] : -1LL,
                       same < wanted ? (long long)assay_at1(expected, (int64_t)same) : -1LL, count,
                       wanted);
    }
}

static assay_status expect_list(const assay_case_context *context, const assay_tensor *tokens,
                                assay_error *error)
{
    return tokens->rank == 1 ? ASSAY_OK
                             : assay_case_fail(context, error,
                                               "tensor 'tokens' has rank %d, expected 1",
                                               (int)tokens->rank);
}

static assay_status judge_tokenize(const assay_case_context *context,
                                   const assay_tokenizer *tokenizer, assay_result *result,
                                   assay_error *error)
{
    assay_tensor expected;
    int64_t *tokens = NULL;
    size_t count = 0;
    char *rendered = NULL;
    char *bytes = NULL;
    size_t size = 0;
    const char *text = NULL;
    const cJSON *const params = context->c->params;
    const cJSON *const messages = cJSON_GetObjectItemCaseSensitive(params, "messages");
    bool add_special = messages == NULL; /* a rendered template carries its own begin_of_text */
    assay_status status = assay_case_out(context, "tokens", true, &expected, error);
    if (status == ASSAY_OK) {
        status = expect_list(context, &expected, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_flag(context, "add_special_tokens", &add_special, error);
    }
    if (status == ASSAY_OK && messages != NULL) {
        status = chat_text(context, messages, &rendered, error);
        text = rendered;
    } else if (status == ASSAY_OK) {
        status = assay_case_text(context, "text", &text, error);
    }
    if (status == ASSAY_OK) {
        status = assay_json_bytes(text, &bytes, &size, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_host(context)->encode(tokenizer, bytes, size, add_special, &tokens,
                                                  &count, error);
    }
    if (status == ASSAY_OK) {
        compare_tokens(tokens, count, &expected, result);
    }
    free(tokens);
    free(bytes);
    free(rendered);
    return status;
}

static assay_status judge_detokenize(const assay_case_context *context,
                                     const assay_tokenizer *tokenizer, assay_result *result,
                                     assay_error *error)
{
    assay_tensor given;
    assay_arena arena = {0};
    assay_tensor tokens;
    const char *string = NULL;
    char *expected = NULL;
    char *text = NULL;
    size_t size = 0;
    size_t wanted = 0;
    bool skip = false;
    assay_status status = assay_case_in(context, "tokens", true, &given, error);
    if (status == ASSAY_OK) {
        status = expect_list(context, &given, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_flag(context, "skip_special_tokens", &skip, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "text", &string, error);
    }
    if (status == ASSAY_OK) {
        status = assay_json_bytes(string, &expected, &wanted, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(&arena, &given, ASSAY_I64, &tokens, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_host(context)->decode(tokenizer, tokens.data,
                                                  (size_t)assay_count(&tokens), skip, false,
                                                  &text, &size, error);
    }
    if (status == ASSAY_OK) {
        size_t same = 0;
        while (same < size && same < wanted && text[same] == expected[same]) {
            same++;
        }
        result->compared = size;
        if (same < size || same < wanted) {
            result->verdict = ASSAY_FAIL;
            result->check = ASSAY_CHECK_TEXT;
            (void)snprintf(result->message, sizeof result->message,
                           "the texts part at byte %zu (%zu bytes, expected %zu)", same, size,
                           wanted);
        }
    }
    free(text);
    free(expected);
    assay_arena_free(&arena);
    return status;
}

assay_status assay_case_judge_host(const assay_case_context *context, assay_error *error)
{
    const assay_tokenizer *tokenizer = NULL;
    assay_result result = assay_case_result(context, "host");
    assay_status status =
        assay_checkpoints_tokenizer(context->checkpoints, context->c, "model", &tokenizer, error);
    if (status == ASSAY_OK) {
        status = strcmp(context->c->op, "tokenize") == 0
                     ? judge_tokenize(context, tokenizer, &result, error)
                     : judge_detokenize(context, tokenizer, &result, error);
    }
    return status == ASSAY_OK ? assay_case_send(context, &result, error) : status;
}
