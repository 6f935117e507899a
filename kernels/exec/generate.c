/* generate: prompts in ragged batches, and one row a step for every sequence that runs. On the host
 * as many run as there are slots for (generate_here.c); on a device all at once, and their tokens
 * stay there for a window of steps (generate_there.c). */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"
#include "kernels/exec/memory.h"

enum {
    STEPS_OF_A_WINDOW = 8, /* rows that have ended go on to its end */
    SLOTS_MOST = 256,      /* beyond it, a step's products take far longer than reading weights */
    ROWS_MOST = 1024,      /* of a call: bounds the activations; products are at their peak */
    SAVED_LEAST = 64       /* rows whose products take about as long as reading weights once more */
};

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
    made->limits = (generate_limits){
        .slots = SLOTS_MOST, .rows = ROWS_MOST, .saved = SAVED_LEAST};
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
        made->fusions = assay_fusions_of_head(table);
    }
    *stage = made;
    if (status != ASSAY_OK) {
        assay_generate_stage_close(stage);
    }
    return status;
}

void assay_generate_stage_whole(assay_generate_stage *stage)
{
    stage->limits.whole = true;
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

/* Logits of a whole window stay on the host until it has ended: not too many. */
static int64_t window_of(const generate_job *job)
{
    const assay_generate_stage *const stage = job->stage;
    const double step = (double)job->slots * (double)stage->params.model.vocab *
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

/* Sequences that run at once: as many as the limits say and as an eighth of the free memory has
 * caches and logits for. */
static int64_t slots_of(const generate_job *job, int64_t capacity)
{
    const assay_generate_stage *const stage = job->stage;
    const int64_t batch = job->io->lengths.shape[0];
    const assay_model *const model = &stage->params.model;
    const double cached = 2.0 * (double)(model->layers * model->kv_heads * model->head_dim) *
                          (double)capacity;
    const double kept = (cached + (double)model->vocab) *
                        (double)assay_dtype_size(stage->forward.type);
    const double fit = (double)stage->forward.runner.exec.device.memory_bytes / 8.0 / kept;
    const int64_t most = batch < stage->limits.slots ? batch : stage->limits.slots;
    if (job->whole) {
        return batch;
    }
    return fit <= 0.0 || fit >= (double)most ? most : fit < 1.0 ? 1 : (int64_t)fit;
}

/* Rows of a call: as the limits say, or one prompt beside all other sequences' rows. */
static int64_t rows_of(const generate_job *job)
{
    const int64_t one = job->prompts.longest + job->slots - 1;
    const int64_t limit = job->stage->limits.rows;
    const int64_t most = one > limit ? one : limit;
    return job->whole || job->prompts.rows < most ? job->prompts.rows : most;
}

static void place_there(generate_job *job, assay_layout *layout)
{
    const assay_model *const model = &job->stage->params.model;
    const assay_dtype type = job->stage->forward.type;
    assay_layout_place(layout, &job->last, type, job->slots, model->d_model);
    assay_layout_place(layout, &job->logits, type, job->slots, model->vocab);
}

static void place_here(generate_job *job, assay_layout *layout)
{
    const assay_model *const model = &job->stage->params.model;
    const assay_tensor *const soft = &job->prompts.soft;
    const bool copied = job->stage->forward.runner.accelerator != NULL &&
                        assay_present(&job->io->logits);
    const bool any = assay_present(&job->prompts.soft_at) && job->prompts.soft_at.shape[0] > 0;
    const int64_t fit = any && soft->shape[0] < job->rows ? soft->shape[0] : job->rows;
    const int64_t places = any && !job->whole ? fit : 0;
    assay_layout_place(layout, &job->token, ASSAY_I32, job->slots, 1);
    assay_layout_place(layout, &job->stream, ASSAY_I64, job->slots, 1);
    assay_layout_place(layout, &job->uniform, ASSAY_F64, job->slots, 1);
    assay_layout_place(layout, &job->ends, ASSAY_I64, job->slots, 1);
    assay_layout_place(layout, &job->soft_row, ASSAY_I64, places, 1);
    assay_layout_place(layout, &job->soft, any ? soft->dtype : ASSAY_F32, places, model->d_model);
    assay_layout_place(layout, &job->shown, job->stage->forward.type,
                       copied ? job->window * job->slots : 0, model->vocab);
}

static void settle_job(generate_job *job)
{
    assay_tensor *const there[] = {&job->last, &job->logits};
    assay_tensor *const here[] = {&job->token, &job->stream,   &job->uniform, &job->ends,
                                  &job->soft,  &job->soft_row, &job->shown};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        assay_layout_settle(job->there, there[i]);
        assay_space_mark(&job->stage->forward.runner, there[i]);
    }
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        assay_layout_settle(job->block, here[i]);
    }
    if (job->stage->forward.runner.accelerator == NULL) {
        job->shown = job->logits;
    }
}

/* The sequences, of which all wait. */
static assay_status reserve_lists(generate_job *job)
{
    assay_error *const error = job->stage->forward.runner.exec.error;
    const int64_t batch = job->io->lengths.shape[0];
    job->row = calloc((size_t)job->slots, sizeof *job->row);
    job->slot = calloc((size_t)job->slots, sizeof *job->slot);
    job->waiting = malloc((size_t)batch * sizeof *job->waiting);
    if (job->row == NULL || job->slot == NULL || job->waiting == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for %lld prompts", (long long)batch);
    }
    for (int64_t s = 0; s < job->slots; s++) {
        job->slot[s].sequence = -1;
    }
    for (int64_t b = 0; b < batch; b++) {
        job->waiting[b] = b;
    }
    job->waiting_count = batch;
    return assay_prefixes_open(&job->prefixes, &job->prompts, error);
}

static assay_status reserve_job(generate_job *job)
{
    assay_generate_stage *const stage = job->stage;
    const assay_runner *const runner = &stage->forward.runner;
    /* The last new token is never fed back, so it needs no cache row. */
    const int64_t capacity = job->prompts.longest + stage->params.max_new_tokens - 1;
    assay_layout there = {0};
    assay_layout here = {0};
    job->whole = stage->limits.whole || runner->accelerator != NULL;
    job->slots = slots_of(job, capacity);
    job->rows = rows_of(job);
    assay_status status = reserve_steps(job);
    place_there(job, &there);
    place_here(job, &here);
    if (status == ASSAY_OK) {
        status = assay_forward_reserve(&stage->forward, job->rows, job->slots, capacity);
    }
    if (status == ASSAY_OK) {
        status = assay_space_take(runner, there.bytes, "logits", &job->there);
    }
    if (status == ASSAY_OK) {
        status = assay_memory_take(&runner->exec, here.bytes, "new tokens", &job->block);
    }
    if (status == ASSAY_OK) {
        settle_job(job);
        status = reserve_lists(job);
    }
    return status;
}

static void release_job(generate_job *job)
{
    const assay_runner *const runner = &job->stage->forward.runner;
    assay_steps_close(&job->steps);
    assay_space_return(runner, &job->there); /* which waits for what still writes to the host's */
    assay_memory_return(&runner->exec, &job->block);
    assay_prefixes_close(&job->prefixes);
    free(job->row);
    free(job->slot);
    free(job->waiting);
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
        status = job.steps.runner != NULL ? assay_generate_there(&job)
                                          : assay_generate_here(&job);
    }
    release_job(&job);
    return status;
}
