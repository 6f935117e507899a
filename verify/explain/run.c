/* Vectors to explanations, batch by batch: adapter, generation, label.
 *
 * The stages are run one by one rather than as `explain`, because each vector draws from a stream
 * of its own (its latent's number): a text then depends on seed and latent, not on its neighbours,
 * its place in the list or the size of the batch. */
#include <stdlib.h>
#include <string.h>

#include "kernels/exec/stage.h"
#include "verify/explain/memory.h"
#include "verify/step.h"

/* One batch's rows first .. first+rows-1 of the sources. */
typedef struct batch {
    size_t first, rows;
    assay_arena arena;
    assay_tensor x, soft;
    assay_generate_io io;
} batch;

/* The vectors to explain, float64 [rows, width]. */
static assay_status gather(const assay_explain_session *session, const assay_targets *targets,
                           batch *b, assay_error *error)
{
    const int64_t width = session->explainer->model.d_model;
    const int64_t shape[2] = {(int64_t)b->rows, width};
    assay_status status = assay_buffer_make(&b->arena, ASSAY_F64, 2, shape, &b->x, error);
    for (size_t i = 0; status == ASSAY_OK && i < b->rows; i++) {
        const int64_t source = targets->source[b->first + i];
        double *const vector = (double *)b->x.data + i * (size_t)width;
        if (!targets->rows) {
            status = assay_sae_feature(&session->sae.sae, source, vector, error);
            continue;
        }
        for (int64_t j = 0; j < width; j++) {
            vector[j] = assay_at2(&targets->residual, source, j);
        }
    }
    return status;
}

/* x becomes what the kernel read (rounded to its type), soft what it wrote. */
static assay_status adapt(const assay_explain_session *session, batch *b, assay_error *error)
{
    assay_adapter_io io = {.x = b->x, .y = b->x};
    io.y.data = NULL;
    const assay_step step = {
        .op = ASSAY_OP_adapter, .params = &session->adapter.params, .io = &io};
    assay_any_io got;
    double seconds;
    const assay_status status = assay_step_run(session->table->kernel[ASSAY_OP_adapter], &step,
                                               &b->arena, &got, &seconds, error);
    if (status == ASSAY_OK) {
        b->x = got.adapter.x;
        b->soft = got.adapter.y;
    }
    return status;
}

/* The stream a source draws from. */
static int64_t stream_of(const assay_targets *targets, size_t source)
{
    return targets->rows ? targets->item[source].position : targets->source[source];
}

/* The prompt once for each row, and the row's soft token at each of its placeholders. */
static void fill_prompts(const assay_explain_session *session, const assay_targets *targets,
                         const batch *b)
{
    const assay_prompt *const prompt = &session->prompt;
    const size_t row_size = (size_t)b->soft.shape[1] * assay_dtype_size(b->soft.dtype);
    for (size_t i = 0; i < b->rows; i++) {
        memcpy((int64_t *)b->io.tokens.data + i * prompt->count, prompt->token,
               prompt->count * sizeof *prompt->token);
        ((int64_t *)b->io.lengths.data)[i] = (int64_t)prompt->count;
        ((int64_t *)b->io.stream.data)[i] = stream_of(targets, b->first + i);
        for (size_t s = 0; s < prompt->placeholder_count; s++) {
            const size_t at = i * prompt->placeholder_count + s;
            ((int64_t *)b->io.soft_at.data)[2 * at] = (int64_t)i;
            ((int64_t *)b->io.soft_at.data)[2 * at + 1] = prompt->placeholder[s];
            memcpy((char *)b->io.soft.data + at * row_size,
                   (const char *)b->soft.data + i * row_size, row_size);
        }
    }
}

static assay_status lay_out(const assay_explain_session *session, const assay_targets *targets,
                            batch *b, const assay_explanations *out, assay_error *error)
{
    const int64_t rows = (int64_t)b->rows;
    const int64_t injected = rows * (int64_t)session->prompt.placeholder_count;
    const struct {
        assay_tensor *tensor;
        assay_dtype dtype;
        int32_t rank;
        int64_t shape[2];
    } wanted[] = {
        {&b->io.tokens, ASSAY_I64, 2, {rows, (int64_t)session->prompt.count}},
        {&b->io.lengths, ASSAY_I64, 1, {rows, 0}},
        {&b->io.stream, ASSAY_I64, 1, {rows, 0}},
        {&b->io.soft_at, ASSAY_I64, 2, {injected, 2}},
        {&b->io.soft, b->soft.dtype, 2, {injected, b->soft.shape[1]}},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const assay_status status = assay_buffer_make(&b->arena, wanted[i].dtype, wanted[i].rank,
                                                      wanted[i].shape, wanted[i].tensor, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    fill_prompts(session, targets, b);
    const int64_t steps = session->settings.max_new_tokens;
    b->io.new_tokens = assay_matrix(out->new_tokens + (int64_t)b->first * steps, ASSAY_I64, rows,
                                    steps);
    if (assay_present(&out->logits)) {
        const int64_t shape[3] = {rows, steps, session->explainer->model.vocab};
        /* The batch writes its rows in place: real logits are too large to copy. */
        const size_t before = b->first * (size_t)(steps * shape[2]);
        b->io.logits = assay_dense((char *)out->logits.data +
                                       before * assay_dtype_size(out->logits.dtype),
                                   out->logits.dtype, 3, shape);
    }
    return ASSAY_OK;
}

/* Keeps the batch's rows of what a dump wants. */
static void keep(const batch *b, const assay_explanations *out)
{
    const assay_tensor *const from[] = {&b->x, &b->soft};
    const assay_tensor *const to[] = {&out->x, &out->soft};
    for (int k = 0; k < 2; k++) {
        if (assay_present(to[k])) {
            const size_t row = (size_t)from[k]->shape[1] * assay_dtype_size(from[k]->dtype);
            memcpy((char *)to[k]->data + b->first * row, from[k]->data, b->rows * row);
        }
    }
}

static assay_status label_rows(const assay_explain_session *session, const batch *b,
                               assay_explanations *out, assay_error *error)
{
    const assay_label_rule rule = {session->style, session->options->legacy_label,
                                   session->options->clean_up_spaces};
    const size_t steps = (size_t)session->settings.max_new_tokens;
    assay_status status = ASSAY_OK;
    for (size_t i = b->first; status == ASSAY_OK && i < b->first + b->rows; i++) {
        status = assay_label_make(&rule, session->words, out->new_tokens + i * steps, steps,
                                  &out->label[i], &out->label_size[i], error);
    }
    return status;
}

static assay_status run_batch(const assay_explain_session *session, const assay_targets *targets,
                              assay_generate_stage *stage, batch *b, assay_explanations *out,
                              assay_error *error)
{
    assay_stop stop = {.tokenizer = session->words};
    stop.strings = assay_style_stops(session->style, &stop.count);
    assay_status status = gather(session, targets, b, error);
    if (status == ASSAY_OK) {
        status = adapt(session, b, error);
    }
    if (status == ASSAY_OK) {
        status = lay_out(session, targets, b, out, error);
    }
    if (status == ASSAY_OK) {
        /* Without stop strings nothing is decoded between steps. */
        b->io.stop = stop.count > 0 ? assay_stop_check : NULL;
        b->io.stop_context = &stop;
        status = assay_generate_stage_run(stage, &b->io);
    }
    if (status == ASSAY_OK && stop.status != ASSAY_OK) {
        status = assay_fail(error, stop.status, "%s", stop.error.message);
    }
    if (status == ASSAY_OK) {
        keep(b, out);
        status = label_rows(session, b, out, error);
    }
    return status;
}

/* Room for the results; for a dump, also for what the stages made. */
static assay_status make_room(assay_explain_session *session, const assay_targets *targets,
                              assay_explanations *out, assay_error *error)
{
    const size_t rows = targets->source_count;
    const int64_t steps = session->settings.max_new_tokens;
    out->count = rows;
    out->new_tokens = calloc(rows * (size_t)steps + 1, sizeof *out->new_tokens);
    out->label = calloc(rows + 1, sizeof *out->label);
    out->label_size = calloc(rows + 1, sizeof *out->label_size);
    if (out->new_tokens == NULL || out->label == NULL || out->label_size == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %zu explanations", rows);
    }
    if (session->options->dump == NULL) {
        return ASSAY_OK;
    }
    const assay_model *const model = &session->explainer->model;
    const assay_dtype adapted =
        session->table->kernel[ASSAY_OP_adapter]->precision.output;
    const int64_t shape[3] = {(int64_t)rows, steps, model->vocab};
    const int64_t vectors[2] = {(int64_t)rows, model->d_model};
    assay_status status = assay_buffer_make(&session->arena, adapted, 2, vectors, &out->x, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&session->arena, adapted, 2, vectors, &out->soft, error);
    }
    if (status == ASSAY_OK) {
        const assay_dtype type = assay_table_activation(session->table);
        status = assay_buffer_make(&session->arena, type, 3, shape, &out->logits, error);
    }
    return status;
}

assay_status assay_explain_run(assay_explain_session *session, const assay_targets *targets,
                               assay_explained_fn *done, void *context,
                               assay_explanations *explanations, assay_error *error)
{
    memset(explanations, 0, sizeof *explanations);
    const assay_model *const model = &session->explainer->model;
    const assay_explain_settings *const settings = &session->settings;
    const double steps = (double)settings->max_new_tokens;
    const double kept = session->options->dump != NULL ? 8.0 * (double)model->vocab * steps
                                                       : 8.0 * steps;
    size_t size = 1;
    assay_generate_stage *stage = NULL;
    assay_status status = assay_explain_batch(session, model, session->prompt.count,
                                              targets->source_count, kept, &size, error);
    if (status == ASSAY_OK) {
        status = make_room(session, targets, explanations, error);
    }
    const assay_generate_params params = {.model = *model,
                                          .max_new_tokens = settings->max_new_tokens,
                                          .eos = settings->eos,
                                          .eos_count = settings->eos_count,
                                          .sampling = settings->sampling};
    if (status == ASSAY_OK) {
        status = assay_generate_stage_open(session->table, &session->exec, &params, &stage);
    }
    for (size_t at = 0; status == ASSAY_OK && at < targets->source_count; at += size) {
        const size_t left = targets->source_count - at;
        batch b = {.first = at, .rows = left < size ? left : size};
        status = run_batch(session, targets, stage, &b, explanations, error);
        assay_arena_free(&b.arena);
        if (status == ASSAY_OK && done != NULL) {
            status = done(context, explanations, at, b.rows, error);
        }
    }
    assay_generate_stage_close(&stage);
    return status;
}

void assay_explanations_free(assay_explanations *explanations)
{
    for (size_t i = 0; explanations->label != NULL && i < explanations->count; i++) {
        free(explanations->label[i]);
    }
    free(explanations->label);
    free(explanations->label_size);
    free(explanations->new_tokens);
    memset(explanations, 0, sizeof *explanations);
}

const char *assay_explain_ending(const assay_explain_session *session, const int64_t *tokens)
{
    const assay_explain_settings *const settings = &session->settings;
    int64_t used = 0;
    while (used < settings->max_new_tokens && tokens[used] != -1) {
        used++;
    }
    for (int64_t i = 0; used > 0 && i < settings->eos_count; i++) {
        if (tokens[used - 1] == settings->eos[i]) {
            return "eos";
        }
    }
    assay_stop stop = {.tokenizer = session->words};
    stop.strings = session->options->steer == NULL ? assay_style_stops(session->style, &stop.count)
                                                   : NULL;
    return assay_stop_check(&stop, 0, tokens, used) ? "stop" : "length";
}
