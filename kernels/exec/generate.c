/* generate: prompts in one ragged batch, then one row a step for every sequence that still runs.
 * On a device tokens stay there for a window of steps (generate_there.c): what returns is asked for
 * once a window, and rows that have ended meanwhile are cut off there. */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"
#include "kernels/exec/memory.h"

/* Steps of a window: rows that have ended go on to its end. */
enum { STEPS_OF_A_WINDOW = 8 };

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
    assay_tensor *const here[] = {&job->token, &job->stream, &job->live, &job->fed, &job->shown};
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

/* Logits of a whole window stay on the host until it has ended: not too many. */
static int64_t window_of(const generate_job *job)
{
    const assay_generate_stage *const stage = job->stage;
    const double step = (double)job->io->lengths.shape[0] * (double)stage->params.model.vocab *
                        (double)assay_dtype_size(stage->forward.type);
    const double fit = assay_present(&job->io->logits) ? 0x1p26 / step : STEPS_OF_A_WINDOW;
    if (job->steps.runner == NULL || fit < 1.0) {
        return 1;
    }
    return fit < STEPS_OF_A_WINDOW ? (int64_t)fit : STEPS_OF_A_WINDOW;
}

static assay_status reserve_steps(generate_job *job)
{
    const assay_generate_params *const params = &job->stage->params;
    const assay_runner *const runner = &job->stage->forward.runner;
    const assay_status status =
        !assay_steps_served(runner)
            ? ASSAY_OK
            : assay_steps_open(&job->steps, runner, job->io->lengths.shape[0],
                               params->max_new_tokens, params->sampling.temperature > 0.0,
                               assay_present(&job->io->forced));
    job->window = window_of(job);
    return status;
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
    assay_status status = reserve_steps(job);
    assay_layout_place(&there, &job->last, type, batch, model->d_model);
    assay_layout_place(&there, &job->logits, type, batch, model->vocab);
    assay_layout_place(&here, &job->token, ASSAY_I32, batch, 1);
    assay_layout_place(&here, &job->stream, ASSAY_I64, batch, 1);
    assay_layout_place(&here, &job->live, ASSAY_I64, batch, 1);
    assay_layout_place(&here, &job->fed, ASSAY_I64, batch, 1);
    assay_layout_place(&here, &job->shown, type, copied ? job->window * batch : 0, model->vocab);
    /* The last new token is never fed back, so it needs no cache row. */
    const int64_t capacity = job->prompts.longest + stage->params.max_new_tokens - 1;
    status = status != ASSAY_OK ? status
                                : assay_forward_reserve(&stage->forward, job->prompts.rows, batch,
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

assay_status assay_generate_logits(generate_job *job, int64_t max_position, bool kept)
{
    const assay_generate_params *const params = &job->stage->params;
    const assay_batch batch = {.rows = job->live_count,
                               .max_position = max_position,
                               .steer = params->steering.positions == ASSAY_STEER_ALL,
                               .kept = kept};
    assay_tensor rows;
    const assay_status status = assay_forward_run(&job->stage->forward, &batch, &rows);
    return status != ASSAY_OK ? status : run_head(job, &rows);
}

assay_status assay_generate_show(const generate_job *job, int64_t of_window)
{
    const assay_runner *const runner = &job->stage->forward.runner;
    const assay_tensor rows = assay_rows_of(&job->logits, job->live_count);
    const size_t step = (size_t)(of_window * job->io->lengths.shape[0] * rows.shape[1]) *
                        assay_dtype_size(rows.dtype);
    if (!assay_present(&job->io->logits) || job->shown.data == job->logits.data) {
        return ASSAY_OK;
    }
    return runner->accelerator->copy(runner->exec.device.index, runner->exec.stream,
                                     (char *)job->shown.data + step, rows.data,
                                     (size_t)assay_tensor_extent(&rows), ASSAY_FROM_DEVICE,
                                     runner->exec.error);
}

/* A step whose tokens come from the host and go there. */
static assay_status step_here(generate_job *job)
{
    assay_runner *const runner = &job->stage->forward.runner;
    const int64_t *const live = job->live.data;
    int64_t *const stream = job->stream.data;
    for (int64_t i = 0; i < job->live_count; i++) {
        stream[i] = assay_generate_stream(job, live[i]);
    }
    const assay_sample_io io = {.logits = assay_rows_of(&job->logits, job->live_count),
                                .stream = assay_column_of(&job->stream, job->live_count),
                                .step = job->step,
                                .token = assay_column_of(&job->token, job->live_count)};
    assay_status status = job->step == 0
                              ? ASSAY_OK
                              : assay_generate_logits(job, job->prompts.longest + job->step - 1,
                                                      false);
    status = status != ASSAY_OK ? status : assay_generate_show(job, 0);
    /* whose token arrives after the logits */
    return status != ASSAY_OK ? status : assay_call_sample(runner, &job->stage->sample, &io);
}

static assay_status run_window(generate_job *job)
{
    const bool there = job->steps.runner != NULL;
    const int64_t left = job->stage->params.max_new_tokens - job->step;
    const int64_t count = left < job->window ? left : job->window;
    const int32_t *const taken = there ? assay_steps_here(&job->steps, &job->steps.taken)
                                       : job->token.data;
    assay_status status = there ? assay_generate_there(job, count) : step_here(job);
    for (int64_t w = 0; w < count && status == ASSAY_OK; w++) {
        status = assay_generate_take(job, w, taken + (there ? job->step * job->steps.batch : 0));
        job->step++;
    }
    const bool fewer = status == ASSAY_OK && assay_generate_retire(job);
    return fewer && there && job->live_count > 0 ? assay_generate_send(job) : status;
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
        assay_generate_clear(&job);
        status = first_logits(&job);
    }
    while (status == ASSAY_OK && job.live_count > 0) {
        status = run_window(&job);
    }
    assay_steps_close(&job.steps);
    assay_space_return(runner, &job.there); /* which waits for what still writes to the host's */
    assay_memory_return(&runner->exec, &job.block);
    return status;
}
