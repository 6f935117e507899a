/* `assay explain`'s command line. */
#ifndef VERIFY_EXPLAIN_OPTIONS_H
#define VERIFY_EXPLAIN_OPTIONS_H

#include "verify/explain/host.h"
#include "verify/options.h"

typedef struct assay_explain_options {
    const char *model, *explainer, *sae, *recipe, *adapter, *mean, *mean_key;
    const char *feature;          /* explains latents … */
    const char *text, *position;  /* … or what a text activates … */
    const char *steer, *prompt, *positions; /* … or steers a generation */
    const char *hook, *style, *impl, *eos, *date, *dump;
    assay_option_int top, layer, max_new_tokens, sample_top_k, threads;
    assay_option_real temperature, top_p;
    uint64_t seed;
    bool json, legacy_label, clean_up_spaces, chat, no_special_tokens, help;
} assay_explain_options;

/* Reads argv and checks that the options go together: BAD_ARGUMENT with one line when not. */
assay_status assay_explain_options_parse(int argc, char **argv, assay_explain_options *options,
                                         assay_error *error);
void assay_explain_help(void);

/* "3", "1,2,7-10", "all"; negative numbers count from the end where lowest allows them. what is the
 * option's name for the message. *list is allocated. */
assay_status assay_ranges_parse(const char *what, const char *text, int64_t lowest, int64_t highest,
                                int64_t **list, size_t *count, assay_error *error);

#endif
