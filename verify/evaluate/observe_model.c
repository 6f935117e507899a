/* The model: predictions at content tokens, and the activations at the world's hook. */
#include <math.h>

#include "kernels/exec/stage.h"
#include "verify/evaluate/observe.h"
#include "verify/stage_judge.h"

/* logits[0 .. count-1] of a row become log-probabilities. */
static void log_softmax(const assay_tensor *logits, int64_t row, int64_t count, double *log_p)
{
    double most = -(double)INFINITY;
    double sum = 0.0;
    for (int64_t v = 0; v < count; v++) {
        log_p[v] = assay_at2(logits, row, v);
        most = fmax(most, log_p[v]); /* fmax passes over NaN, the sum does not */
    }
    for (int64_t v = 0; v < count; v++) {
        sum += exp(log_p[v] - most);
    }
    const double whole = most + log(sum);
    for (int64_t v = 0; v < count; v++) {
        log_p[v] -= whole;
    }
}

/* Of q from p, both given as logarithms. */
static double divergence(const double *log_p, const double *log_q, int64_t count)
{
    double sum = 0.0;
    for (int64_t v = 0; v < count; v++) {
        const double p = exp(log_p[v]);
        sum += p > 0.0 ? p * (log_p[v] - log_q[v]) : 0.0;
    }
    return sum;
}

/* A text's content tokens, predicted by the rows before them; `row` is the text's first. */
static void read_predictions(const assay_observation *o, const assay_world_text *text,
                             const assay_tensor *logits, int64_t row, double *log_q)
{
    const assay_world *const world = o->world;
    const int64_t vocab = world->model.model.vocab;
    size_t content = text->content;
    for (int64_t t = 1; t < text->length; t++) {
        if (!world->is_content[text->first + (size_t)t]) {
            continue;
        }
        const size_t at = content * (size_t)vocab;
        double *const made = o->truth == NULL ? o->into->log_p + at : log_q;
        log_softmax(logits, row + t - 1, vocab, made);
        o->into->nll[content] = -made[world->token[text->first + (size_t)t]];
        o->into->kl[content] =
            o->truth == NULL ? 0.0 : divergence(o->truth->log_p + at, made, vocab);
        content++;
    }
}

static assay_status predict_batch(assay_observation *o, const assay_table *table, size_t *first)
{
    const assay_world *const world = o->world;
    const int64_t vocab = world->model.model.vocab;
    assay_arena arena = {0};
    assay_text_batch batch;
    assay_tensor logits = {.data = NULL};
    assay_status status = assay_text_batch_make(world, *first, 8.0 * (double)vocab, &arena, &batch,
                                                o->error);
    if (status == ASSAY_OK) {
        const int64_t shape[2] = {batch.rows, vocab};
        status = assay_buffer_make(&arena, assay_table_activation(table), 2, shape, &logits,
                                   o->error);
    }
    double *const log_q = assay_arena_take(&arena, (size_t)vocab * sizeof *log_q);
    if (status == ASSAY_OK && log_q == NULL) {
        status = assay_fail(o->error, ASSAY_NO_MEMORY, "out of memory for a prediction");
    }
    if (status == ASSAY_OK) {
        const assay_logits_io io = {batch.tokens, batch.lengths, logits};
        status = assay_judged_run(&o->judged, &io, ASSAY_PLACE_RIGHT);
    }
    int64_t row = 0;
    for (size_t i = 0; status == ASSAY_OK && assay_observation_stands(o) && i < batch.count; i++) {
        const assay_world_text *const text = &world->text[*first + i];
        read_predictions(o, text, &logits, row, log_q);
        row += text->length;
    }
    *first += batch.count;
    assay_arena_free(&arena);
    return status;
}

static assay_status residual_batch(assay_observation *o, const assay_table *table, size_t *first)
{
    const assay_world *const world = o->world;
    const int64_t d = world->model.model.d_model;
    assay_arena arena = {0};
    assay_text_batch batch;
    assay_tensor residual = {.data = NULL};
    assay_status status =
        assay_text_batch_make(world, *first, 64.0 * (double)d, &arena, &batch, o->error);
    if (status == ASSAY_OK) {
        const int64_t shape[2] = {batch.rows, d};
        status = assay_buffer_make(&arena, assay_table_activation(table), 2, shape, &residual,
                                   o->error);
    }
    if (status == ASSAY_OK) {
        const assay_capture_io io = {
            .tokens = batch.tokens, .lengths = batch.lengths, .residual = residual};
        status = assay_judged_run(&o->judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && assay_observation_stands(o)) {
        double *const to = o->into->residual + world->text[*first].first * (size_t)d;
        for (int64_t i = 0; i < batch.rows * d; i++) {
            to[i] = assay_buffer_get(&residual, i);
        }
    }
    *first += batch.count;
    assay_arena_free(&arena);
    return status;
}

static assay_status each_batch(assay_observation *o, bool logits)
{
    const assay_world *const world = o->world;
    assay_stage_contracts room;
    const assay_table *const table =
        assay_stage_contracts_of(o->table, ASSAY_OP_capture, &room);
    const assay_capture_params params = {
        world->model.model, logits ? (assay_hook){ASSAY_HOOK_FINAL_NORM, 0} : world->hook};
    const assay_stage_files files = {.model = world->model_folder};
    const assay_subject subject = {.impl = o->table->name,
                                   .op = ASSAY_OP_capture,
                                   .logits = logits,
                                   .params = &params,
                                   .files = &files};
    const char *const what = logits ? "predictions" : "activations";
    assay_status status = assay_judged_prepare(&o->judged, &subject);
    for (size_t at = 0; at < world->text_count && status == ASSAY_OK &&
                        assay_observation_stands(o);) {
        status = logits ? predict_batch(o, table, &at) : residual_batch(o, table, &at);
        assay_observation_tell(o, what, at, world->text_count);
    }
    const assay_status released = assay_judged_release(&o->judged);
    return status != ASSAY_OK ? status : released;
}

assay_status assay_observe_predictions(assay_observation *o)
{
    return each_batch(o, true);
}

assay_status assay_observe_residual(assay_observation *o)
{
    return each_batch(o, false);
}
