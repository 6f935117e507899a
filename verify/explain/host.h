/* The host's part of an explanation, shared by `assay explain` and by verify's explain cases: the
 * prompt as tokens with its placeholders, stop strings, and the cut from new tokens to a label.
 *
 * selfie     `<|begin_of_text|>…What is the meaning of "<|reserved_special_token_0|>"?…is "`,
 *            written out whole, so nothing is added; every reserved_special_token_0 is a
 *            placeholder.
 * transluce  `At layer L, <10><12><11> encodes ` (with its trailing space) after begin_of_text; 10
 *            opens, 11 closes, and 12, the one between them, is the placeholder (continuous_rep).
 * The reserved tokens are looked up by name: their ids differ between Llama 3.0 and 3.1.
 * Source: SelfIE adapters' examples; the features-explain model card. */
#ifndef VERIFY_EXPLAIN_HOST_H
#define VERIFY_EXPLAIN_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/generate.h"
#include "assay/status.h"
#include "fixtures/io/tokenizer.h"

typedef enum assay_style { ASSAY_STYLE_SELFIE = 0, ASSAY_STYLE_TRANSLUCE = 1 } assay_style;

/* Names as in GOLDEN.md: "selfie", "transluce". */
assay_status assay_style_parse(const char *name, assay_style *style, assay_error *error);
const char *assay_style_name(assay_style style);

typedef struct assay_prompt {
    int64_t *token; /* [count] */
    size_t count;
    int64_t *placeholder; /* [placeholder_count], ascending positions in token */
    size_t placeholder_count;
} assay_prompt;

/* layer is read by transluce only. A tokenizer without the reserved tokens is an error that names
 * the missing one. */
assay_status assay_prompt_build(assay_style style, const assay_tokenizer *tokenizer, int64_t layer,
                                assay_prompt *prompt, assay_error *error);
void assay_prompt_free(assay_prompt *prompt);

/* The style's stop strings: transluce " [END]" and "\n", selfie none. */
const char *const *assay_style_stops(assay_style style, size_t *count);

/* An assay_stop_fn: true when the text of the tokens so far (special tokens skipped) holds one of
 * the strings, so the token that completes it is the last. context is an assay_stop. A failure to
 * decode ends the row and is kept in `status` for the caller to look at afterwards. */
typedef struct assay_stop {
    const assay_tokenizer *tokenizer;
    const char *const *strings;
    size_t count;
    assay_status status;
    assay_error error;
} assay_stop;

bool assay_stop_check(void *context, int64_t row, const int64_t *tokens, int64_t count);

typedef struct assay_label_rule {
    assay_style style;
    bool legacy;          /* selfie: cut at the first quote instead of the last */
    bool clean_up_spaces; /* Hugging Face's clean_up_tokenization_spaces */
} assay_label_rule;

/* Bytes of text that are the label, from its start: before the earliest stop string, then, for
 * selfie, before the last `"` (all when there is none). Nothing is stripped. */
size_t assay_label_cut(const assay_label_rule *rule, const char *text, size_t size);

/* Tokens (up to the first -1, at most count) to the label. *label is allocated, NUL-terminated and
 * may hold NULs; size (may be NULL) says how long it is. */
assay_status assay_label_make(const assay_label_rule *rule, const assay_tokenizer *tokenizer,
                              const int64_t *tokens, size_t count, char **label, size_t *size,
                              assay_error *error);

#endif
