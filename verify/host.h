/* What the host does around kernels in a bundle's cases: text to tokens and back, templates,
 * prompts, labels, ends of rows. One table, so that `assay selftest mutants` can put a wrong
 * function in the place of one and see it caught. */
#ifndef VERIFY_HOST_H
#define VERIFY_HOST_H

#include "fixtures/io/chat_template.h"
#include "fixtures/io/tokenizer.h"
#include "verify/explain/host.h"

typedef struct assay_host_functions {
    assay_status (*encode)(const assay_tokenizer *tokenizer, const char *text, size_t size,
                           bool add_special_tokens, int64_t **tokens, size_t *count,
                           assay_error *error);
    assay_status (*decode)(const assay_tokenizer *tokenizer, const int64_t *tokens, size_t count,
                           bool skip_special_tokens, bool clean_up_spaces, char **text,
                           size_t *size, assay_error *error);
    assay_status (*render)(assay_template_kind kind, const assay_message *messages, size_t count,
                           bool add_generation_prompt, const char *date, char **text,
                           assay_error *error);
    assay_status (*prompt)(assay_style style, const assay_tokenizer *tokenizer, int64_t layer,
                           assay_prompt *prompt, assay_error *error);
    assay_status (*label)(const assay_label_rule *rule, const assay_tokenizer *tokenizer,
                          const int64_t *tokens, size_t count, char **label, size_t *size,
                          assay_error *error);
    int64_t (*eos_count)(int64_t count); /* of the ids read, those that are used */
} assay_host_functions;

/* The program's own. */
extern const assay_host_functions assay_host_own;

#endif
