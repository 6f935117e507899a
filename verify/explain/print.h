/* What `assay explain` shows: plain lines for people and pipes, or one JSON object. */
#ifndef VERIFY_EXPLAIN_PRINT_H
#define VERIFY_EXPLAIN_PRINT_H

#include <cjson/cJSON.h>

#include "verify/explain/session.h"

/* Text that came from a model, on one line: control characters as \n, \t, \xNN, so that no
 * generation can move a terminal's cursor. */
void assay_print_text(const char *text, size_t size);

/* Lines that begin with "# ": files and settings in effect. */
void assay_print_settings(const assay_explain_session *session);
/* Rows first .. first+count-1, for the forms that print as they go (not --top). */
void assay_print_rows(const assay_explain_session *session, const assay_targets *targets,
                      const assay_explanations *explanations, size_t first, size_t count);
/* The strongest latents, token by token. */
assay_status assay_print_strongest(const assay_explain_session *session,
                                   const assay_targets *targets,
                                   const assay_explanations *explanations, assay_error *error);

/* On a terminal's standard error only; what is "explained" or the like. done == total wipes it. */
void assay_print_progress(const char *what, size_t done, size_t total);

/* {"format":"assay-explain","version":1,"settings":{…}}. NULL when memory is out. */
cJSON *assay_explain_json(const assay_explain_session *session);
/* Adds "explanations" (and "text" with its tokens where there is one). */
assay_status assay_explain_json_add(const assay_explain_session *session,
                                    const assay_targets *targets,
                                    const assay_explanations *explanations, cJSON *root,
                                    assay_error *error);
/* A string that may hold NULs, which cJSON cannot: each becomes U+FFFD. */
cJSON *assay_json_text(const char *text, size_t size);
/* Tokens up to the first -1. */
cJSON *assay_json_tokens(const int64_t *tokens, int64_t count);
/* Prints and deletes root. */
assay_status assay_json_print(cJSON *root, assay_error *error);

#endif
