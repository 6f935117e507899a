/* What is said of latents: each concept's best, and those that stand for a concept and were the
 * strongest at a text's position. */
#include <stdlib.h>
#include <string.h>

#include "kernels/exec/stage.h"
#include "verify/evaluate/observe.h"
#include "verify/stage_judge.h"

enum { BATCH_LATENTS = 64 };

/* The latents asked for, ascending. */
static int64_t *wanted(const assay_observation *o, size_t pair, int64_t *count)
{
    const assay_world_pair *const source = &o->world->pair[pair];
    const int64_t latents = source->sae.sae.d_sae;
    bool *const asked = calloc((size_t)latents, sizeof *asked);
    int64_t *const list = calloc((size_t)latents, sizeof *list);
    *count = 0;
    for (size_t c = 0; asked != NULL && list != NULL && c < o->world->concept_count; c++) {
        if (source->best[c] >= 0) {
            asked[source->best[c]] = true;
        }
    }
    for (size_t i = 0; asked != NULL && list != NULL && i < o->world->text_count; i++) {
        if (o->into->pair[pair].registered[i] >= 0) {
            asked[o->into->pair[pair].registered[i]] = true;
        }
    }
    for (int64_t j = 0; asked != NULL && list != NULL && j < latents; j++) {
        if (asked[j]) {
            list[(*count)++] = j;
        }
    }
    free(asked);
    return list;
}

static assay_status vectors_of(const assay_sae *sae, const int64_t *latent, int64_t count,
                               assay_arena *arena, assay_tensor *vectors, assay_error *error)
{
    const int64_t shape[2] = {count, sae->d_out};
    assay_status status = assay_buffer_make(arena, ASSAY_F64, 2, shape, vectors, error);
    for (int64_t i = 0; status == ASSAY_OK && i < count; i++) {
        status = assay_sae_feature(sae, latent[i], (double *)vectors->data + i * sae->d_out,
                                   error);
    }
    return status;
}

/* Labels of a batch's new tokens. A token that the vocabulary does not have is the kernel's. */
static assay_status read_labels(const assay_observation *o, size_t pair, const int64_t *latent,
                                int64_t count, const assay_tensor *tokens)
{
    const assay_label_rule rule = {.style = ASSAY_STYLE_SELFIE};
    const int64_t steps = o->world->new_tokens;
    const int64_t *const made = tokens->data;
    for (int64_t i = 0; i < count * steps; i++) {
        if (made[i] < -1 || made[i] >= o->world->model.model.vocab) {
            o->into->result.verdict = ASSAY_FAIL;
            o->into->result.check = ASSAY_CHECK_TOKENS;
            (void)snprintf(o->into->result.message, sizeof o->into->result.message,
                           "explain wrote token %lld of a vocabulary of %lld", (long long)made[i],
                           (long long)o->world->model.model.vocab);
            return ASSAY_OK;
        }
    }
    assay_status status = ASSAY_OK;
    for (int64_t i = 0; i < count && status == ASSAY_OK; i++) {
        status = assay_label_make(&rule, o->world->words, made + i * steps, (size_t)steps,
                                  &o->into->pair[pair].label[latent[i]], NULL, o->error);
    }
    return status;
}

static assay_status explain_batch(const assay_observation *o, const assay_table *table,
                                  size_t pair, const int64_t *latent, int64_t count)
{
    const assay_world *const world = o->world;
    const int64_t soft[2] = {count, world->model.model.d_model};
    const int64_t tokens[2] = {count, world->new_tokens};
    assay_arena arena = {0};
    assay_explain_io io = {
        .prompt =
            assay_vector(world->prompt.token, ASSAY_I64, (int64_t)world->prompt.count),
        .placeholder = assay_vector(world->prompt.placeholder, ASSAY_I64,
                                    (int64_t)world->prompt.placeholder_count)};
    assay_status status =
        vectors_of(&world->pair[pair].sae.sae, latent, count, &arena, &io.vectors, o->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&arena, assay_table_activation(table), 2, soft, &io.soft,
                                   o->error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&arena, ASSAY_I64, 2, tokens, &io.new_tokens, o->error);
    }
    if (status == ASSAY_OK) {
        status = assay_judged_run(&o->judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && assay_observation_stands(o)) {
        status = read_labels(o, pair, latent, count, &io.new_tokens);
    }
    assay_arena_free(&arena);
    return status;
}

static assay_status each_batch(assay_observation *o, size_t pair, const int64_t *latent,
                               int64_t count)
{
    const assay_world *const world = o->world;
    assay_stage_contracts room;
    const assay_table *const table = assay_stage_contracts_of(o->table, ASSAY_OP_explain, &room);
    const assay_generation_config *const generation = &world->model.generation;
    /* Greedy, to the label's end: what a right label takes and no more. */
    const assay_explain_params params = {
        .adapter = world->pair[pair].adapter.params,
        .generate = {.model = world->model.model,
                     .max_new_tokens = world->new_tokens,
                     .eos = generation->eos,
                     .eos_count = generation->eos_count,
                     .sampling = {.temperature = 0.0, .top_p = 1.0}}};
    const assay_stage_files files = {.explainer = world->model_folder};
    const assay_subject subject = {
        .impl = o->table->name, .op = ASSAY_OP_explain, .params = &params, .files = &files};
    assay_status status = assay_judged_prepare(&o->judged, &subject);
    for (int64_t at = 0; at < count && status == ASSAY_OK && assay_observation_stands(o);
         at += BATCH_LATENTS) {
        const int64_t rows = count - at < BATCH_LATENTS ? count - at : BATCH_LATENTS;
        status = explain_batch(o, table, pair, latent + at, rows);
        assay_observation_tell(o, world->pair[pair].adapter_name, (size_t)(at + rows),
                               (size_t)count);
    }
    const assay_status released = assay_judged_release(&o->judged);
    return status != ASSAY_OK ? status : released;
}

assay_status assay_observe_labels(assay_observation *o, size_t pair)
{
    int64_t count = 0;
    int64_t *const latent = wanted(o, pair, &count);
    const assay_status status =
        latent != NULL ? each_batch(o, pair, latent, count)
                       : assay_fail(o->error, ASSAY_NO_MEMORY, "out of memory for labels");
    free(latent);
    return status;
}
