/* A small trained world, opened: planted concepts with their labels, texts that name them, a model
 * that has learned both, SAEs on it, adapters, and which latent stands for which concept. The files
 * are described in fixtures/world/README.md. */
#ifndef VERIFY_EVALUATE_WORLD_H
#define VERIFY_EVALUATE_WORLD_H

#include <cjson/cJSON.h>

#include "fixtures/io/adapter_file.h"
#include "fixtures/io/model_file.h"
#include "fixtures/io/sae_file.h"
#include "verify/explain/host.h"

typedef struct assay_world_text {
    int64_t concept;
    int64_t position;      /* of a token that completes one of the concept's words; BOS is 0 */
    size_t first;          /* of its tokens in the world's, BOS first */
    int64_t length;        /* tokens */
    size_t content;        /* content tokens before this text's */
    size_t content_count;  /* content tokens complete a word of any concept */
} assay_world_text;

/* An SAE with an adapter for its decoder columns. */
typedef struct assay_world_pair {
    const char *sae_name, *adapter_name; /* texts of the world's figures */
    assay_sae_file sae;
    assay_adapter_file adapter;
    int64_t *about; /* [d_sae]: the concept that a latent stands for, -1: none */
    int64_t *best;  /* [concepts]: the latent that stands best for it, -1: none does */
    double least_labels, least_variance; /* the world's gates; NaN: it states none */
} assay_world_pair;

typedef struct assay_world {
    char *folder, *model_folder;
    cJSON *language, *figures;
    int64_t seed;
    assay_model_file model;
    assay_tokenizer *words;
    assay_prompt prompt; /* SelfIE's */
    const char *hook_name;
    assay_hook hook;
    const char **label; /* [concepts] */
    size_t concept_count;
    assay_world_text *text;
    size_t text_count;
    int64_t *token;
    bool *is_content; /* [tokens] */
    size_t token_count, content_count;
    int64_t new_tokens; /* that a right label takes at most, its end included */
    assay_world_pair *pair;
    size_t pair_count;
} assay_world;

/* Opens the world in a folder, with the pairs whose names match the globs (NULL: all SAEs; all
 * adapters). Whatever is missing or does not fit is an error that names file and key. world is the
 * caller's; close also after a failed open. */
assay_status assay_world_open(const char *folder, const char *sae, const char *adapter,
                              assay_world *world, assay_error *error);
void assay_world_close(assay_world *world);

/* Parts of it. Concepts and texts, of language.json; pairs, of figures.json and the files it
 * names. */
assay_status assay_world_read_language(assay_world *world, assay_error *error);
assay_status assay_world_read_pairs(assay_world *world, const char *sae, const char *adapter,
                                    assay_error *error);
void assay_world_close_pairs(assay_world *world);

#endif
