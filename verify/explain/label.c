#include <stdlib.h>
#include <string.h>

#include "verify/explain/host.h"

/* Where the earliest of the strings begins in text, or size. */
static size_t first_stop(const char *const *strings, size_t count, const char *text, size_t size)
{
    size_t earliest = size;
    for (size_t i = 0; i < count; i++) {
        const char *const at = memmem(text, size, strings[i], strlen(strings[i]));
        if (at != NULL && (size_t)(at - text) < earliest) {
            earliest = (size_t)(at - text);
        }
    }
    return earliest;
}

bool assay_stop_check(void *context, int64_t row, const int64_t *tokens, int64_t count)
{
    (void)row;
    assay_stop *const stop = context;
    if (stop->count == 0) {
        return false;
    }
    char *text = NULL;
    size_t size = 0;
    /* The whole text each time: a stop string may straddle any number of tokens. */
    const assay_status status = assay_tokenizer_decode(stop->tokenizer, tokens, (size_t)count,
                                                       true, false, &text, &size, &stop->error);
    if (status != ASSAY_OK) {
        stop->status = status;
        return true;
    }
    const bool found = first_stop(stop->strings, stop->count, text, size) < size;
    free(text);
    return found;
}

size_t assay_label_cut(const assay_label_rule *rule, const char *text, size_t size)
{
    size_t stop_count;
    const char *const *const stops = assay_style_stops(rule->style, &stop_count);
    const size_t length = first_stop(stops, stop_count, text, size);
    if (rule->style != ASSAY_STYLE_SELFIE || length == 0) {
        return length;
    }
    const char *const quote = rule->legacy ? memchr(text, '"', length)
                                           : memrchr(text, '"', length);
    return quote != NULL ? (size_t)(quote - text) : length;
}

assay_status assay_label_make(const assay_label_rule *rule, const assay_tokenizer *tokenizer,
                              const int64_t *tokens, size_t count, char **label, size_t *size,
                              assay_error *error)
{
    size_t used = 0;
    while (used < count && tokens[used] != -1) {
        used++;
    }
    size_t length = 0;
    const assay_status status = assay_tokenizer_decode(tokenizer, tokens, used, true,
                                                       rule->clean_up_spaces, label, &length,
                                                       error);
    if (status != ASSAY_OK) {
        return status;
    }
    const size_t kept = assay_label_cut(rule, *label, length);
    (*label)[kept] = '\0';
    if (size != NULL) {
        *size = kept;
    }
    return ASSAY_OK;
}
