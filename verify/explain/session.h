/* What `assay explain` works with once the files are open: checkpoints, the table of kernels, the
 * prompt and the settings in effect. */
#ifndef VERIFY_EXPLAIN_SESSION_H
#define VERIFY_EXPLAIN_SESSION_H

#include "assay/kernel.h"
#include "fixtures/io/adapter_file.h"
#include "fixtures/io/model_file.h"
#include "fixtures/io/sae_file.h"
#include "verify/buffer.h"
#include "verify/explain/options.h"

enum { ASSAY_EOS_MAX = 16 };

/* The numbers a generation runs with, and where each came from. */
typedef struct assay_explain_settings {
    int64_t max_new_tokens;
    assay_sample_params sampling;
    int64_t eos[ASSAY_EOS_MAX];
    int64_t eos_count;
    const char *top_k_source, *top_p_source, *eos_source;
} assay_explain_settings;

typedef struct assay_explain_session {
    const assay_explain_options *options;
    assay_table found;
    const assay_table *table; /* &found, or the oracle */
    assay_exec exec;
    assay_model_file subject, separate;
    assay_tokenizer *subject_words, *separate_words;
    const assay_model_file *explainer; /* the separate one where given, else the subject */
    const assay_tokenizer *words;      /* the explainer's tokenizer */
    assay_sae_file sae;                /* sae.owned is NULL when none was given */
    assay_adapter_file adapter;
    bool has_hook;
    assay_hook hook;
    assay_style style;
    int64_t layer; /* what the prompt names, -1 when unknown */
    assay_prompt prompt;
    assay_explain_settings settings;
    assay_arena arena; /* lives as long as the session */
} assay_explain_session;

/* Opens every file the options name and checks that they fit together. */
assay_status assay_explain_open(const assay_explain_options *options,
                                assay_explain_session *session, assay_error *error);
void assay_explain_close(assay_explain_session *session);

/* The settings: an option where given, else the style's published value, else the hub's
 * generation_config.json, else Hugging Face's default. directory is the model's. */
assay_status assay_explain_settle(const assay_explain_options *options, assay_style style,
                                  const assay_model_file *model, const assay_tokenizer *words,
                                  assay_explain_settings *settings, assay_error *error);

/* --text or --prompt as tokens of the subject (rendered as a chat where asked). *tokens is
 * allocated (the caller frees it after a failure too); *rendered, unless rendered is NULL, receives
 * the text that was tokenized, allocated. */
assay_status assay_explain_tokenize(const assay_explain_session *session, const char *text,
                                    int64_t **tokens, size_t *count, char **rendered,
                                    assay_error *error);

/* What is explained. A source is one vector: a decoder column, or a captured row. */
typedef struct assay_target {
    int64_t latent;   /* -1: the activation itself */
    int64_t position; /* of the text's tokens; -1: no text */
    double value;     /* of the latent there */
    size_t source;
} assay_target;

typedef struct assay_targets {
    assay_target *item;
    size_t count;
    int64_t *source; /* latents, or rows of residual when rows is set */
    size_t source_count;
    bool rows;
    char *text; /* as tokenized */
    assay_tensor tokens, lengths, positions, residual; /* absent without a text */
    assay_csr codes;                                   /* absent without --top */
} assay_targets;

assay_status assay_targets_find(assay_explain_session *session, assay_targets *targets,
                                assay_error *error);
void assay_targets_free(assay_targets *targets);

/* The explanations of all sources. */
typedef struct assay_explanations {
    size_t count;
    int64_t *new_tokens; /* [count, max_new_tokens], -1 after the end */
    char **label;
    size_t *label_size;
    /* Only when kept for a dump: */
    assay_tensor x, soft, logits;
} assay_explanations;

/* done(context, first, count) is called after each batch; it may be NULL. */
typedef assay_status assay_explained_fn(void *context, const assay_explanations *explanations,
                                        size_t first, size_t count, assay_error *error);
assay_status assay_explain_run(assay_explain_session *session, const assay_targets *targets,
                               assay_explained_fn *done, void *context,
                               assay_explanations *explanations, assay_error *error);
void assay_explanations_free(assay_explanations *explanations);

/* Why a row ended: "eos", "stop" (a stop string) or "length". */
const char *assay_explain_ending(const assay_explain_session *session, const int64_t *tokens);

assay_status assay_explain_steer(assay_explain_session *session, assay_error *error);
assay_status assay_explain_dump(const assay_explain_session *session, const assay_targets *targets,
                                const assay_explanations *explanations, assay_error *error);

#endif
