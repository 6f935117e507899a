#include "verify/evaluate/observe.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_TEXTS = 64 };

static const double batch_bytes = 64e6;

bool assay_observation_stands(const assay_observation *o)
{
    return o->into->result.verdict == ASSAY_PASS;
}

void assay_observation_tell(const assay_observation *o, const char *what, size_t done,
                            size_t total)
{
    if (o->progress != NULL) {
        o->progress(o->progress_context, o->table->name, what, done, total);
    }
}

assay_status assay_text_batch_make(const assay_world *world, size_t first, double bytes_a_row,
                                   assay_arena *arena, assay_text_batch *batch,
                                   assay_error *error)
{
    int64_t longest = 0;
    *batch = (assay_text_batch){.first = first};
    while (first + batch->count < world->text_count && batch->count < BATCH_TEXTS) {
        const int64_t length = world->text[first + batch->count].length;
        if (batch->count > 0 && (double)(batch->rows + length) * bytes_a_row > batch_bytes) {
            break;
        }
        batch->rows += length;
        batch->count++;
        longest = length > longest ? length : longest;
    }
    const int64_t shape[2] = {(int64_t)batch->count, longest};
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &batch->tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, shape, &batch->lengths, error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < batch->count; i++) {
        const assay_world_text *const text = &world->text[first + i];
        ((int64_t *)batch->lengths.data)[i] = text->length;
        memcpy((int64_t *)batch->tokens.data + (int64_t)i * longest, world->token + text->first,
               (size_t)text->length * sizeof *world->token);
    }
    return status;
}

static bool make_pair(const assay_world *world, size_t index, assay_observed_pair *pair)
{
    const size_t texts = world->text_count;
    pair->strongest = malloc(texts * sizeof *pair->strongest);
    pair->registered = malloc(texts * sizeof *pair->registered);
    pair->error = calloc(texts, sizeof *pair->error);
    pair->active = calloc(texts, sizeof *pair->active);
    pair->label = calloc((size_t)world->pair[index].sae.sae.d_sae, sizeof *pair->label);
    return pair->strongest != NULL && pair->registered != NULL && pair->error != NULL &&
           pair->active != NULL && pair->label != NULL;
}

static assay_status make_room(assay_observation *o)
{
    const assay_world *const world = o->world;
    assay_observed *const into = o->into;
    const size_t content = world->content_count + 1;
    into->nll = calloc(content, sizeof *into->nll);
    into->kl = calloc(content, sizeof *into->kl);
    into->residual =
        calloc(world->token_count * (size_t)world->model.model.d_model, sizeof *into->residual);
    into->pair = calloc(world->pair_count, sizeof *into->pair);
    bool good = into->nll != NULL && into->kl != NULL && into->residual != NULL &&
                into->pair != NULL;
    if (good && o->truth == NULL) {
        into->log_p = calloc(content * (size_t)world->model.model.vocab, sizeof *into->log_p);
        good = into->log_p != NULL;
    }
    for (size_t i = 0; good && i < world->pair_count; i++) {
        good = make_pair(world, i, &into->pair[i]);
    }
    return good ? ASSAY_OK
                : assay_fail(o->error, ASSAY_NO_MEMORY,
                             "out of memory for what '%s' makes of %zu texts", o->table->name,
                             world->text_count);
}

assay_status assay_observe(assay_observation *o)
{
    o->into->result = (assay_result){.verdict = ASSAY_PASS};
    o->judged = (assay_judged){o->session, &o->into->result, o->error};
    assay_status status = make_room(o);
    if (status == ASSAY_OK) {
        status = assay_observe_predictions(o);
    }
    if (status == ASSAY_OK && assay_observation_stands(o)) {
        status = assay_observe_residual(o);
    }
    for (size_t i = 0; i < o->world->pair_count; i++) {
        if (status == ASSAY_OK && assay_observation_stands(o)) {
            status = assay_observe_codes(o, i);
        }
        if (status == ASSAY_OK && assay_observation_stands(o)) {
            status = assay_observe_labels(o, i);
        }
    }
    return status;
}

void assay_observed_free(const assay_world *world, assay_observed *observed)
{
    for (size_t i = 0; observed->pair != NULL && i < world->pair_count; i++) {
        assay_observed_pair *const pair = &observed->pair[i];
        for (int64_t j = 0; pair->label != NULL && j < world->pair[i].sae.sae.d_sae; j++) {
            free(pair->label[j]);
        }
        free(pair->label);
        free(pair->active);
        free(pair->error);
        free(pair->registered);
        free(pair->strongest);
    }
    free(observed->pair);
    free(observed->log_p);
    free(observed->residual);
    free(observed->kl);
    free(observed->nll);
    memset(observed, 0, sizeof *observed);
}
