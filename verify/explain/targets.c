/* What is explained: latents by number, captured activations, or a text's strongest latents. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/exec/stage.h"
#include "verify/explain/session.h"
#include "verify/step.h"

enum { FIRST_CAPACITY = 4096 /* active latents a row, before the count is known */ };

static assay_status no_memory(assay_error *error, const char *what)
{
    return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %s; ask for less at once", what);
}

/* One target for each source. */
static assay_status each_source(assay_targets *targets, bool positions, assay_error *error)
{
    targets->count = targets->source_count;
    targets->item = calloc(targets->count, sizeof *targets->item);
    if (targets->item == NULL) {
        return no_memory(error, "the list of what is explained");
    }
    for (size_t i = 0; i < targets->count; i++) {
        targets->item[i].latent = positions ? -1 : targets->source[i];
        targets->item[i].position =
            positions ? (int64_t)assay_at2(&targets->positions, (int64_t)i, 1) : -1;
        targets->item[i].source = i;
    }
    return ASSAY_OK;
}

/* The tokens, their length and the chosen positions as capture wants them. */
static assay_status lay_out(assay_explain_session *session, const int64_t *tokens, int64_t length,
                            const int64_t *chosen, int64_t count, assay_targets *targets,
                            assay_error *error)
{
    const int64_t shapes[3][2] = {{1, length}, {1}, {count, 2}};
    assay_arena *const arena = &session->arena;
    assay_status status =
        assay_buffer_make(arena, ASSAY_I64, 2, shapes[0], &targets->tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, shapes[1], &targets->lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, shapes[2], &targets->positions, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    memcpy(targets->tokens.data, tokens, (size_t)length * sizeof *tokens);
    assay_put1(&targets->lengths, 0, (double)length);
    for (int64_t i = 0; i < count; i++) {
        assay_put2(&targets->positions, i, 0, 0);
        assay_put2(&targets->positions, i, 1, (double)(chosen[i] < 0 ? chosen[i] + length
                                                                     : chosen[i]));
    }
    return ASSAY_OK;
}

static assay_status run_capture(assay_explain_session *session, assay_targets *targets,
                                assay_error *error)
{
    const assay_capture_params params = {session->subject.model, session->hook};
    const int64_t shape[2] = {targets->positions.shape[0], session->subject.model.d_model};
    assay_status status = assay_buffer_make(&session->arena,
                                            assay_table_activation(session->table), 2, shape,
                                            &targets->residual, error);
    assay_capture_stage *stage = NULL;
    if (status == ASSAY_OK) {
        status = assay_capture_stage_open(session->table, &session->exec, &params, &stage);
    }
    if (status == ASSAY_OK) {
        const assay_capture_io io = {targets->tokens, targets->lengths, targets->positions,
                                     targets->residual};
        status = assay_capture_stage_run(stage, &io);
        assay_capture_stage_close(&stage);
    }
    return status;
}

/* Runs the text up to the hook. Positions can be checked only now that there are tokens. */
static assay_status capture(assay_explain_session *session, assay_targets *targets,
                            assay_error *error)
{
    const assay_explain_options *const options = session->options;
    int64_t *tokens = NULL;
    int64_t *chosen = NULL;
    size_t length = 0;
    size_t count = 0;
    assay_status status = assay_explain_tokenize(session, options->text, &tokens, &length,
                                                 &targets->text, error);
    if (status == ASSAY_OK) {
        const char *const position = options->position != NULL ? options->position : "-1";
        status = assay_ranges_parse("position", position, -(int64_t)length, (int64_t)length - 1,
                                    &chosen, &count, error);
    }
    if (status == ASSAY_OK) {
        status = lay_out(session, tokens, (int64_t)length, chosen, (int64_t)count, targets, error);
    }
    free(chosen);
    free(tokens);
    return status == ASSAY_OK ? run_capture(session, targets, error) : status;
}

/* Encodes the captured rows, with room grown to the true count where the first guess was short. */
static assay_status encode(assay_explain_session *session, assay_targets *targets,
                           assay_error *error)
{
    const assay_sae_encode_params params = {session->sae.sae};
    const int64_t rows = targets->residual.shape[0];
    const int64_t most = rows * params.sae.d_sae;
    int64_t capacity = rows * FIRST_CAPACITY < most ? rows * FIRST_CAPACITY : most;
    for (;;) {
        assay_any_io got;
        assay_sae_encode_io io = {.x = targets->residual};
        const int64_t offsets = rows + 1;
        io.codes.row_offsets = assay_dense(NULL, ASSAY_I64, 1, &offsets);
        io.codes.latent = assay_dense(NULL, ASSAY_I32, 1, &capacity);
        io.codes.value = assay_dense(NULL, ASSAY_F32, 1, &capacity);
        const assay_step step = {.op = ASSAY_OP_sae_encode, .params = &params, .io = &io};
        double seconds;
        const assay_status status =
            assay_step_run(session->table->kernel[ASSAY_OP_sae_encode], &step, &session->arena,
                           &got, &seconds, error);
        if (status != ASSAY_OK) {
            return status;
        }
        targets->codes = got.sae_encode.codes;
        const int64_t total = ((const int64_t *)targets->codes.row_offsets.data)[rows];
        if (total < 0 || total > most) {
            return assay_fail(error, ASSAY_INTERNAL, "sae_encode reported %lld active latents of "
                              "%lld", (long long)total, (long long)most);
        }
        if (total <= capacity) {
            targets->codes.latent.shape[0] = total;
            targets->codes.value.shape[0] = total;
            return ASSAY_OK;
        }
        capacity = total;
    }
}

/* Strongest first; a NaN above all numbers; equals by latent. */
static int by_strength(const void *a, const void *b)
{
    const assay_target *const x = a;
    const assay_target *const y = b;
    const bool x_first = isnan(x->value) ? !isnan(y->value) : x->value > y->value;
    const bool y_first = isnan(y->value) ? !isnan(x->value) : y->value > x->value;
    if (x_first || y_first) {
        return x_first ? -1 : 1;
    }
    return (x->latent > y->latent) - (x->latent < y->latent);
}

/* Appends row's k strongest latents. */
static assay_status take_strongest(assay_targets *targets, int64_t row, int64_t k,
                                   assay_error *error)
{
    const assay_csr *const codes = &targets->codes;
    const int64_t *const offset = codes->row_offsets.data;
    const int64_t active = offset[row + 1] - offset[row];
    if (active <= 0) {
        return ASSAY_OK;
    }
    assay_target *const grown =
        realloc(targets->item, (targets->count + (size_t)active) * sizeof *grown);
    if (grown == NULL) {
        return no_memory(error, "the active latents");
    }
    targets->item = grown;
    assay_target *const mine = grown + targets->count;
    for (int64_t i = 0; i < active; i++) {
        mine[i].latent = (int64_t)assay_at1(&codes->latent, offset[row] + i);
        mine[i].value = assay_at1(&codes->value, offset[row] + i);
        mine[i].position = (int64_t)assay_at2(&targets->positions, row, 1);
    }
    /* All are sorted: at the first token 17,000 may be active, which is nothing to qsort. */
    qsort(mine, (size_t)active, sizeof *mine, by_strength);
    targets->count += (size_t)(active < k ? active : k);
    return ASSAY_OK;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sources are the distinct latents: one that is strong at ten tokens is explained once. */
static assay_status share_sources(assay_targets *targets, assay_error *error)
{
    targets->source = malloc((targets->count + 1) * sizeof *targets->source);
    if (targets->source == NULL) {
        return no_memory(error, "the list of what is explained");
    }
    for (size_t i = 0; i < targets->count; i++) {
        targets->source[i] = targets->item[i].latent;
    }
    qsort(targets->source, targets->count, sizeof *targets->source, by_number);
    for (size_t i = 0; i < targets->count; i++) {
        if (i == 0 || targets->source[i] != targets->source[targets->source_count - 1]) {
            targets->source[targets->source_count++] = targets->source[i];
        }
    }
    for (size_t i = 0; i < targets->count; i++) {
        const int64_t *const found = bsearch(&targets->item[i].latent, targets->source,
                                             targets->source_count, sizeof *targets->source,
                                             by_number);
        targets->item[i].source = (size_t)(found - targets->source);
    }
    return ASSAY_OK;
}

static assay_status find_strongest(assay_explain_session *session, assay_targets *targets,
                                   assay_error *error)
{
    assay_status status = encode(session, targets, error);
    for (int64_t row = 0; status == ASSAY_OK && row < targets->residual.shape[0]; row++) {
        status = take_strongest(targets, row, session->options->top.value, error);
    }
    return status == ASSAY_OK ? share_sources(targets, error) : status;
}

/* The activations themselves: each captured row is a source. */
static assay_status find_rows(assay_targets *targets, assay_error *error)
{
    targets->rows = true;
    targets->source_count = (size_t)targets->residual.shape[0];
    targets->source = malloc(targets->source_count * sizeof *targets->source);
    if (targets->source == NULL) {
        return no_memory(error, "the list of what is explained");
    }
    for (size_t i = 0; i < targets->source_count; i++) {
        targets->source[i] = (int64_t)i;
    }
    return each_source(targets, true, error);
}

assay_status assay_targets_find(assay_explain_session *session, assay_targets *targets,
                                assay_error *error)
{
    memset(targets, 0, sizeof *targets);
    const assay_explain_options *const options = session->options;
    if (options->feature != NULL) {
        const assay_status status =
            assay_ranges_parse("feature", options->feature, 0, session->sae.sae.d_sae - 1,
                               &targets->source, &targets->source_count, error);
        return status == ASSAY_OK ? each_source(targets, false, error) : status;
    }
    const assay_status status = capture(session, targets, error);
    if (status != ASSAY_OK) {
        return status;
    }
    return options->top.given ? find_strongest(session, targets, error)
                              : find_rows(targets, error);
}

void assay_targets_free(assay_targets *targets)
{
    free(targets->item);
    free(targets->source);
    free(targets->text);
    memset(targets, 0, sizeof *targets);
}
