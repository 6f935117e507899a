/* generate: prompts in one ragged batch, then one row a step for every sequence that still runs. */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/memory.h"
#include "kernels/exec/prefill.h"
#include "kernels/exec/stage.h"

struct assay_generate_stage {
    assay_bound_generate fused; /* kernel NULL: composed */
    assay_generate_params params;
    assay_forward forward;
    assay_head head;
    assay_bound_sample sample;
};

/* One run. Row i of the buffers belongs to sequence live[i]. */
typedef struct generate_job {
    assay_generate_stage *stage;
    const assay_generate_io *io;
    assay_prompts prompts;
    void *block, *there; /* on the host; where kernels have their operands */
    assay_tensor last, logits;        /* there: [B, d_model], [B, vocab] */
    assay_tensor shown;               /* logits on the host, where they are asked for */
    assay_tensor token, stream, live; /* [B, 1]: i32, i64, i64 */
    int64_t live_count;
    int64_t step;
} generate_job;

assay_status assay_generate_stage_open(const assay_table *table, const assay_exec *exec,
                                       const assay_generate_params *params,
                                       assay_generate_stage **stage)
{
    assay_generate_stage *made = calloc(1, sizeof *made);
    *stage = NULL;
    if (made == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a generation");
    }
    made->params = *params;
    assay_runner *const runner = &made->forward.runner;
    assay_status status = ASSAY_OK;
    if (table->kernel[ASSAY_OP_generate] != NULL) {
        assay_runner_open(runner, exec, table);
        status = assay_bind_generate(runner, table, params, &made->fused);
    } else {
        const assay_hook stop = {.kind = ASSAY_HOOK_OUTPUT, .layer = params->model.layers - 1};
        status = assay_forward_open(&made->forward, table, exec, &params->model, stop,
                                    &params->steering, true);
        if (status == ASSAY_OK) {
            status = assay_head_open(&made->head, &made->forward, true);
        }
        if (status == ASSAY_OK) {
            status = assay_bind_sample(runner, table, &params->sampling, &made->sample);
        }
    }
    *stage = made;
    if (status != ASSAY_OK) {
        assay_generate_stage_close(stage);
    }
    return status;
}

void assay_generate_stage_close(assay_generate_stage **stage)
{
    if (*stage == NULL) {
        return;
    }
    const assay_runner *const runner = &(*stage)->forward.runner;
    assay_unbind_generate(runner, &(*stage)->fused);
    assay_unbind_sample(runner, &(*stage)->sample);
    assay_head_close(&(*stage)->head, &(*stage)->forward);
    assay_forward_close(&(*stage)->forward);
    free(*stage);
    *stage = NULL;
}

static void settle_job(generate_job *job, bool apart)
{
    assay_tensor *const there[] = {&job->last, &job->logits};
    assay_tensor *const here[] = {&job->token, &job->stream, &job->live, &job->shown};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        assay_layout_settle(job->there, there[i]);
        assay_space_mark(&job->stage->forward.runner, there[i]);
    }
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        assay_layout_settle(job->block, here[i]);
    }
    if (!apart) {
        job->shown = job->logits;
    }
}

static assay_status reserve_job(generate_job *job)
{
    assay_generate_stage *const stage = job->stage;
    const int64_t batch = job->io->lengths.shape[0];
    const assay_model *const model = &stage->params.model;
    const assay_dtype type = stage->forward.type;
    const bool apart = stage->forward.runner.accelerator != NULL;
    const bool copied = apart && assay_present(&job->io->logits);
    assay_layout there = {0};
    assay_layout here = {0};
    assay_layout_place(&there, &job->last, type, batch, model->d_model);
    assay_layout_place(&there, &job->logits, type, batch, model->vocab);
    assay_layout_place(&here, &job->token, ASSAY_I32, batch, 1);
    assay_layout_place(&here, &job->stream, ASSAY_I64, batch, 1);
    assay_layout_place(&here, &job->live, ASSAY_I64, batch, 1);
    assay_layout_place(&here, &job->shown, type, copied ? batch : 0, model->vocab);
    /* The last new token is never fed back, so it needs no cache row. */
    const int64_t capacity = job->prompts.longest + stage->params.max_new_tokens - 1;
    assay_status status = assay_forward_reserve(&stage->forward, job->prompts.rows, batch,
                                                capacity);
    if (status == ASSAY_OK) {
        status = assay_space_take(&stage->forward.runner, there.bytes, "logits", &job->there);
    }
    if (status == ASSAY_OK) {
        status = assay_memory_take(&stage->forward.runner.exec, here.bytes, "new tokens",
                                   &job->block);
    }
    if (status == ASSAY_OK) {
        settle_job(job, apart);
    }
    return status;
}

static assay_status run_head(generate_job *job, const assay_tensor *rows)
{
    assay_runner *const runner = &job->stage->forward.runner;
    const assay_tensor normed = assay_rows_of(&job->last, job->live_count);
    const assay_rmsnorm_io norm = {.x = *rows, .y = normed};
    const assay_linear_io linear = {.x = normed,
                                    .y = assay_rows_of(&job->logits, job->live_count)};
    const assay_status status = assay_call_rmsnorm(runner, &job->stage->head.norm, &norm);
    return status != ASSAY_OK
               ? status
               : assay_call_linear(runner, &job->stage->head.lm_head, &linear);
}

/* The prompts; only their last rows pass the head. */
static assay_status first_logits(generate_job *job)
{
    const int64_t batch = job->io->lengths.shape[0];
    int64_t *const live = job->live.data;
    int64_t *const row = job->stream.data; /* not yet in use */
    assay_tensor rows;
    int64_t end = 0;
    for (int64_t b = 0; b < batch; b++) {
        end += assay_int1(&job->io->lengths, b);
        row[b] = end - 1;
        live[b] = b;
    }
    job->live_count = batch;
    assay_status status = assay_prefill(&job->stage->forward, &job->prompts, &rows);
    if (status == ASSAY_OK) {
        const assay_tensor ends = assay_vector(row, ASSAY_I64, batch);
        status = assay_forward_gather(&job->stage->forward, &rows, &ends, &job->last);
    }
    return status != ASSAY_OK ? status : run_head(job, &job->last);
}

static assay_status next_logits(generate_job *job)
{
    const assay_generate_params *const params = &job->stage->params;
    const assay_batch batch = {.rows = job->live_count,
                               .max_position = job->prompts.longest + job->step - 1,
                               .steer = params->steering.positions == ASSAY_STEER_ALL};
    assay_tensor rows;
    const assay_status status = assay_forward_run(&job->stage->forward, &batch, &rows);
    return status != ASSAY_OK ? status : run_head(job, &rows);
}

static assay_status draw(generate_job *job)
{
    const int64_t *const live = job->live.data;
    int64_t *const stream = job->stream.data;
    for (int64_t i = 0; i < job->live_count; i++) {
        stream[i] = assay_present(&job->io->stream) ? assay_int1(&job->io->stream, live[i])
                                                    : live[i];
    }
    const assay_sample_io io = {.logits = assay_rows_of(&job->logits, job->live_count),
                                .stream = assay_column_of(&job->stream, job->live_count),
                                .step = job->step,
                                .token = assay_column_of(&job->token, job->live_count)};
    assay_status status = assay_call_sample(&job->stage->forward.runner, &job->stage->sample, &io);
    if (status == ASSAY_OK && assay_present(&job->io->logits) &&
        job->shown.data != job->logits.data) {
        const assay_tensor rows = assay_rows_of(&job->logits, job->live_count);
        status = assay_space_read(&job->stage->forward.runner, &rows, job->shown.data);
    }
    return status;
}

static void put_logits(const generate_job *job, int64_t i, int64_t b)
{
    const assay_tensor *const to = &job->io->logits;
    for (int64_t v = 0; v < to->shape[2] && assay_present(to); v++) {
        const int64_t at = b * to->stride[0] + job->step * to->stride[1] + v * to->stride[2];
        assay_store(to->dtype, to->data, (size_t)at, assay_at2(&job->shown, i, v));
    }
}

static int64_t *row_of(const assay_tensor *tokens, int64_t b)
{
    return (int64_t *)tokens->data + b * tokens->stride[0];
}

/* Whether sequence b ends with the token just taken. */
static bool ends(const generate_job *job, int64_t b, int64_t token, const int64_t *tokens)
{
    const assay_generate_params *const params = &job->stage->params;
    const int64_t count = job->step + 1;
    bool ended = count == params->max_new_tokens;
    for (int64_t e = 0; e < params->eos_count; e++) {
        ended = ended || params->eos[e] == token;
    }
    /* Asked in any case: it is told of every step. */
    const bool stopped = job->io->stop != NULL &&
                         job->io->stop(job->io->stop_context, b, tokens, count);
    return ended || stopped;
}

/* Writes the step's outputs, retires what has ended and sets the rows of the next call. */
static assay_status take_tokens(generate_job *job)
{
    const assay_generate_io *const io = job->io;
    const bool forced = assay_present(&io->forced);
    int64_t *const live = job->live.data;
    const int32_t *const sampled = job->token.data;
    int64_t left = 0;
    for (int64_t i = 0; i < job->live_count; i++) {
        const int64_t b = live[i];
        const int64_t *const tokens = row_of(forced ? &io->forced : &io->new_tokens, b);
        if (forced && tokens[job->step] < 0) {
            continue; /* the forced text has ended: so has the row, without this step */
        }
        if (sampled[i] >= job->stage->params.model.vocab) {
            return assay_fail(job->stage->forward.runner.exec.error, ASSAY_INTERNAL,
                              "row %lld, new token %lld: sample gave token %lld of a vocabulary of "
                              "%lld",
                              (long long)b, (long long)job->step, (long long)sampled[i],
                              (long long)job->stage->params.model.vocab);
        }
        row_of(&io->new_tokens, b)[job->step] = sampled[i];
        put_logits(job, i, b);
        const int64_t token = tokens[job->step];
        if (token < 0) {
            return assay_fail(job->stage->forward.runner.exec.error, ASSAY_BAD_INPUT,
                              "row %lld, new token %lld: the logits give no distribution (NaN); "
                              "check the weights and the soft tokens",
                              (long long)b, (long long)job->step);
        }
        if (!ends(job, b, token, tokens)) {
            const int64_t position = assay_int1(&io->lengths, b) + job->step;
            assay_forward_set(&job->stage->forward, left, token, b, position);
            live[left++] = b;
        }
    }
    job->live_count = left;
    return ASSAY_OK;
}

static void clear_outputs(const generate_job *job)
{
    const assay_tensor *const tokens = &job->io->new_tokens;
    const assay_tensor *const logits = &job->io->logits;
    for (int64_t b = 0; b < tokens->shape[0]; b++) {
        for (int64_t step = 0; step < tokens->shape[1]; step++) {
            row_of(tokens, b)[step] = -1;
            const int64_t at = b * logits->stride[0] + step * logits->stride[1];
            for (int64_t v = 0; v < logits->shape[2] && assay_present(logits); v++) {
                assay_store(logits->dtype, logits->data, (size_t)(at + v * logits->stride[2]), 0.0);
            }
        }
    }
}

assay_status assay_generate_stage_run(assay_generate_stage *stage, const assay_generate_io *io)
{
    assay_runner *const runner = &stage->forward.runner;
    if (stage->fused.kernel != NULL) {
        return assay_call_generate(runner, &stage->fused, io);
    }
    generate_job job = {.stage = stage, .io = io};
    job.prompts = (assay_prompts){.tokens = io->tokens,
                                  .lengths = io->lengths,
                                  .soft = io->soft,
                                  .soft_at = io->soft_at};
    assay_status status = assay_check_generate(&stage->params, io, &job.prompts,
                                               runner->exec.error);
    if (status != ASSAY_OK || stage->params.max_new_tokens == 0) {
        return status;
    }
    status = reserve_job(&job);
    if (status == ASSAY_OK) {
        clear_outputs(&job);
        status = first_logits(&job);
    }
    while (status == ASSAY_OK && job.live_count > 0) {
        status = draw(&job);
        status = status != ASSAY_OK ? status : take_tokens(&job);
        job.step++;
        if (status == ASSAY_OK && job.live_count > 0) {
            status = next_logits(&job);
        }
    }
    assay_memory_return(&runner->exec, &job.block);
    assay_space_return(runner, &job.there);
    return status;
}
