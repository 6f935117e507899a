#include "verify/selftest/host_mutants.h"

#include <stdlib.h>
#include <string.h>

/* encode */
static assay_status encode_special_always(const assay_tokenizer *t, const char *text, size_t size,
                                          bool special, int64_t **tokens, size_t *count,
                                          assay_error *error)
{
    (void)special;
    return assay_tokenizer_encode(t, text, size, true, tokens, count, error);
}

static assay_status encode_special_never(const assay_tokenizer *t, const char *text, size_t size,
                                         bool special, int64_t **tokens, size_t *count,
                                         assay_error *error)
{
    (void)special;
    return assay_tokenizer_encode(t, text, size, false, tokens, count, error);
}

static assay_status encode_trimmed(const assay_tokenizer *t, const char *text, size_t size,
                                   bool special, int64_t **tokens, size_t *count,
                                   assay_error *error)
{
    while (size > 0 && text[size - 1] == ' ') {
        size--;
    }
    return assay_tokenizer_encode(t, text, size, special, tokens, count, error);
}

/* Encodes pieces on their own; `cut` gives how long the piece at hand is. */
static assay_status encode_pieces(const assay_tokenizer *t, const char *text, size_t size,
                                  bool special, size_t (*cut)(const char *text, size_t size),
                                  int64_t **tokens, size_t *count, assay_error *error)
{
    size_t at = cut(text, size);
    assay_status status = assay_tokenizer_encode(t, text, at, special, tokens, count, error);
    while (status == ASSAY_OK && at < size) {
        int64_t *piece = NULL;
        size_t more = 0;
        const size_t length = cut(text + at, size - at);
        status = assay_tokenizer_encode(t, text + at, length, false, &piece, &more, error);
        int64_t *const grown =
            status == ASSAY_OK ? realloc(*tokens, (*count + more + 1) * sizeof *grown) : NULL;
        if (grown != NULL) {
            *tokens = grown;
            memcpy(grown + *count, piece, more * sizeof *piece);
            *count += more;
        }
        free(piece);
        at += length;
    }
    return status;
}

static size_t cut_by_eight(const char *text, size_t size)
{
    (void)text;
    return size < 8 ? size : 8;
}

/* After every "<", so that no special token's text stays whole. */
static size_t cut_specials(const char *text, size_t size)
{
    const char *const bracket = memmem(text, size, "<|", 2);
    return bracket != NULL ? (size_t)(bracket - text) + 1 : size;
}

static assay_status encode_chunked(const assay_tokenizer *t, const char *text, size_t size,
                                   bool special, int64_t **tokens, size_t *count,
                                   assay_error *error)
{
    return encode_pieces(t, text, size, special, cut_by_eight, tokens, count, error);
}

static assay_status encode_specials_as_text(const assay_tokenizer *t, const char *text,
                                            size_t size, bool special, int64_t **tokens,
                                            size_t *count, assay_error *error)
{
    return encode_pieces(t, text, size, special, cut_specials, tokens, count, error);
}

/* decode */
static assay_status decode_specials_kept(const assay_tokenizer *t, const int64_t *tokens,
                                         size_t count, bool skip, bool clean, char **text,
                                         size_t *size, assay_error *error)
{
    (void)skip;
    return assay_tokenizer_decode(t, tokens, count, false, clean, text, size, error);
}

static assay_status decode_specials_dropped(const assay_tokenizer *t, const int64_t *tokens,
                                            size_t count, bool skip, bool clean, char **text,
                                            size_t *size, assay_error *error)
{
    (void)skip;
    return assay_tokenizer_decode(t, tokens, count, true, clean, text, size, error);
}

static assay_status decode_spaces_cleaned(const assay_tokenizer *t, const int64_t *tokens,
                                          size_t count, bool skip, bool clean, char **text,
                                          size_t *size, assay_error *error)
{
    (void)clean;
    return assay_tokenizer_decode(t, tokens, count, skip, true, text, size, error);
}

/* Takes `length` bytes at `at` out of a text. */
static void take_out(char *text, size_t *size, size_t at, size_t length)
{
    memmove(text + at, text + at + length, *size - at - length + 1);
    *size -= length;
}

static assay_status decode_stripped(const assay_tokenizer *t, const int64_t *tokens, size_t count,
                                    bool skip, bool clean, char **text, size_t *size,
                                    assay_error *error)
{
    const assay_status status =
        assay_tokenizer_decode(t, tokens, count, skip, clean, text, size, error);
    while (status == ASSAY_OK && *size > 0 && (*text)[0] == ' ') {
        take_out(*text, size, 0, 1);
    }
    return status;
}

static assay_status decode_invalid_dropped(const assay_tokenizer *t, const int64_t *tokens,
                                           size_t count, bool skip, bool clean, char **text,
                                           size_t *size, assay_error *error)
{
    const assay_status status =
        assay_tokenizer_decode(t, tokens, count, skip, clean, text, size, error);
    char *at = NULL;
    while (status == ASSAY_OK && (at = memmem(*text, *size, "\xef\xbf\xbd", 3)) != NULL) {
        take_out(*text, size, (size_t)(at - *text), 3);
    }
    return status;
}

/* render */
static assay_status render_date_absent(assay_template_kind kind, const assay_message *messages,
                                       size_t count, bool prompt, const char *date, char **text,
                                       assay_error *error)
{
    (void)kind;
    return assay_template_render(ASSAY_TEMPLATE_LLAMA_3, messages, count, prompt, date, text,
                                 error);
}

static assay_status render_date_present(assay_template_kind kind, const assay_message *messages,
                                        size_t count, bool prompt, const char *date, char **text,
                                        assay_error *error)
{
    kind = kind == ASSAY_TEMPLATE_LLAMA_3 ? ASSAY_TEMPLATE_LLAMA_3_1 : kind;
    return assay_template_render(kind, messages, count, prompt, date, text, error);
}

static assay_status render_date_ignored(assay_template_kind kind, const assay_message *messages,
                                        size_t count, bool prompt, const char *date, char **text,
                                        assay_error *error)
{
    return assay_template_render(kind, messages, count, prompt,
                                 date != NULL ? "26 Jul 2024" : NULL, text, error);
}

static assay_status render_no_generation_prompt(assay_template_kind kind,
                                                const assay_message *messages, size_t count,
                                                bool prompt, const char *date, char **text,
                                                assay_error *error)
{
    (void)prompt;
    return assay_template_render(kind, messages, count, false, date, text, error);
}

static assay_status render_system_dropped(assay_template_kind kind, const assay_message *messages,
                                          size_t count, bool prompt, const char *date, char **text,
                                          assay_error *error)
{
    const bool dropped = count > 0 && strcmp(messages[0].role, "system") == 0;
    return assay_template_render(kind, messages + (dropped ? 1 : 0), count - (dropped ? 1 : 0),
                                 prompt, date, text, error);
}

/* prompt */
static assay_status prompt_reserved_other(assay_style style, const assay_tokenizer *t,
                                          int64_t layer, assay_prompt *prompt, assay_error *error)
{
    const assay_status status = assay_prompt_build(style, t, layer, prompt, error);
    for (size_t i = 0; status == ASSAY_OK && i < prompt->count; i++) {
        for (int n = 10; n <= 12; n++) {
            char name[48];
            (void)snprintf(name, sizeof name, "<|reserved_special_token_%d|>", n);
            if (prompt->token[i] == assay_tokenizer_id(t, name)) {
                prompt->token[i] -= 3; /* the two versions' numbers of N >= 5 differ by 3 */
                break;
            }
        }
    }
    return status;
}

static assay_status prompt_no_bos(assay_style style, const assay_tokenizer *t, int64_t layer,
                                  assay_prompt *prompt, assay_error *error)
{
    const assay_status status = assay_prompt_build(style, t, layer, prompt, error);
    if (status == ASSAY_OK && prompt->count > 1) {
        memmove(prompt->token, prompt->token + 1, --prompt->count * sizeof *prompt->token);
        for (size_t i = 0; i < prompt->placeholder_count; i++) {
            prompt->placeholder[i]--;
        }
    }
    return status;
}

static assay_status prompt_two_bos(assay_style style, const assay_tokenizer *t, int64_t layer,
                                   assay_prompt *prompt, assay_error *error)
{
    const assay_status status = assay_prompt_build(style, t, layer, prompt, error);
    int64_t *const grown =
        status == ASSAY_OK ? realloc(prompt->token, (prompt->count + 1) * sizeof *grown) : NULL;
    if (grown != NULL) {
        prompt->token = grown;
        memmove(grown + 1, grown, prompt->count++ * sizeof *grown);
        for (size_t i = 0; i < prompt->placeholder_count; i++) {
            prompt->placeholder[i]++;
        }
    }
    return status;
}

/* label */
static assay_status label_first_quote(const assay_label_rule *rule, const assay_tokenizer *t,
                                      const int64_t *tokens, size_t count, char **label,
                                      size_t *size, assay_error *error)
{
    const assay_label_rule other = {rule->style, true, rule->clean_up_spaces};
    return assay_label_make(&other, t, tokens, count, label, size, error);
}

/* Up to the first -1, and nothing cut. */
static assay_status label_not_cut(const assay_label_rule *rule, const assay_tokenizer *t,
                                  const int64_t *tokens, size_t count, char **label, size_t *size,
                                  assay_error *error)
{
    size_t used = 0;
    size_t length = 0;
    while (used < count && tokens[used] != -1) {
        used++;
    }
    return assay_tokenizer_decode(t, tokens, used, true, rule->clean_up_spaces, label,
                                  size != NULL ? size : &length, error);
}

static assay_status label_sliced(const assay_label_rule *rule, const assay_tokenizer *t,
                                 const int64_t *tokens, size_t count, char **label, size_t *size,
                                 assay_error *error)
{
    const size_t prompt = 26; /* the SelfIE prompt's length */
    const size_t cut = count < prompt ? count : prompt;
    return assay_label_make(rule, t, tokens + cut, count - cut, label, size, error);
}

/* SelfIE has no stop strings. */
static assay_status label_stops_kept(const assay_label_rule *rule, const assay_tokenizer *t,
                                     const int64_t *tokens, size_t count, char **label,
                                     size_t *size, assay_error *error)
{
    const assay_label_rule other = {ASSAY_STYLE_SELFIE, rule->legacy, rule->clean_up_spaces};
    return assay_label_make(&other, t, tokens, count, label, size, error);
}

static int64_t eos_count_one(int64_t count)
{
    return count > 1 ? 1 : count;
}

bool assay_host_mutant(const char *name, assay_host_functions *functions)
{
    *functions = assay_host_own;
#define HOST_CHANGE(field, name_, checks, cases, what)                                             \
    if (strcmp(name, "m_" #field "_" #name_) == 0) {                                               \
        functions->field = field##_##name_;                                                        \
        return true;                                                                               \
    }
    HOST_MUTANTS(HOST_CHANGE)
#undef HOST_CHANGE
    return false;
}
