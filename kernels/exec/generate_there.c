/* Windows of a generation's steps that stay on a device: what returns is asked for once a window,
 * and rows that have ended meanwhile are cut off there. All sequences run at once. */
#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"

static assay_status draw_there(generate_job *job)
{
    assay_steps *const steps = &job->steps;
    const bool drawn = steps->drawn.shape[0] > 0;
    const assay_sample_io io = {.stream = assay_column_of(&steps->stream, job->count),
                                .step = job->step,
                                .uniform = drawn ? assay_column_of(&steps->uniform,
                                                                   job->count)
                                                 : (assay_tensor){0},
                                .token = assay_column_of(&steps->token, job->count)};
    const assay_status status = assay_generate_draw(job, job->count, &io);
    return status != ASSAY_OK ? status
                              : assay_steps_move_on(steps, &job->stage->forward, job->count);
}

/* A step that stays there, of rows that are where kernels read them. What it is called with does
 * not change from step to step: the greatest position is that of the last one. */
static assay_status step_there(void *context)
{
    generate_job *const job = context;
    const assay_generate_params *const params = &job->stage->params;
    const assay_batch batch = {.rows = job->count,
                               .max_position = job->prompts.longest + params->max_new_tokens - 2,
                               .steer = params->steering.positions == ASSAY_STEER_ALL,
                               .kept = true};
    assay_tensor rows;
    assay_status status = assay_forward_run(&job->stage->forward, &batch, &rows);
    if (status == ASSAY_OK) {
        status = assay_generate_head(job, &rows, job->count);
    }
    return status != ASSAY_OK ? status : draw_there(job);
}

/* What the next steps need to know of the rows as they are now. */
static assay_status send_rows(generate_job *job)
{
    assay_steps *const steps = &job->steps;
    const assay_generate_io *const io = job->io;
    const uint64_t seed = job->stage->params.sampling.seed;
    int64_t *const stream = assay_steps_here(steps, &steps->stream);
    double *const uniform = assay_steps_here(steps, &steps->uniform);
    double *const drawn = assay_steps_here(steps, &steps->drawn);
    int64_t *const given = assay_steps_here(steps, &steps->given);
    *(int64_t *)assay_steps_here(steps, &steps->step) = job->step;
    for (int64_t i = 0; i < job->count; i++) {
        const generate_row *const row = &job->row[i];
        assay_forward_set(&job->stage->forward, i, row->token, row->slot,
                          assay_generate_position(job, row));
        stream[i] = assay_generate_stream(job, row->sequence);
        uniform[i] = assay_philox_uniform(seed, (uint64_t)stream[i], (uint64_t)job->step);
        for (int64_t s = job->step; s < steps->drawn.shape[0]; s++) {
            drawn[s * steps->batch + i] = assay_philox_uniform(seed, (uint64_t)stream[i],
                                                               (uint64_t)s);
        }
        for (int64_t s = job->step; s < steps->given.shape[0]; s++) {
            given[s * steps->batch + i] = assay_int2(&io->forced, row->sequence, s);
        }
    }
    const assay_status status = assay_steps_send(steps);
    return status != ASSAY_OK ? status : assay_forward_send(&job->stage->forward);
}

/* The next `count` steps, whose tokens are then on the host. */
static assay_status run_window(generate_job *job, int64_t count)
{
    assay_steps *const steps = &job->steps;
    const int32_t *const taken = assay_steps_here(steps, &steps->taken);
    assay_status status = ASSAY_OK;
    for (int64_t w = 0; w < count && status == ASSAY_OK; w++) {
        const int64_t left = job->stage->params.max_new_tokens - job->step - w;
        status = job->step + w == 0 ? draw_there(job)
                                    : assay_steps_run(steps, job->count, left, step_there, job);
        status = status != ASSAY_OK ? status : assay_generate_show(job, w, job->count);
    }
    if (status == ASSAY_OK) {
        status = assay_steps_read(steps, job->step, count);
    }
    for (int64_t w = 0; w < count && status == ASSAY_OK; w++) {
        status = assay_generate_take(job, 0, w, taken + job->step * steps->batch);
        job->step++;
    }
    return status;
}

/* Rows are sent as their prompts leave them (the first token moves them on), and as they are when
 * some were retired. */
assay_status assay_generate_there(generate_job *job)
{
    assay_status status = assay_generate_first(job);
    bool send = true;
    while (status == ASSAY_OK && job->count > 0) {
        const int64_t left = job->stage->params.max_new_tokens - job->step;
        if (send) {
            status = send_rows(job);
        }
        if (status == ASSAY_OK) {
            status = run_window(job, left < job->window ? left : job->window);
        }
        send = assay_generate_retire(job);
    }
    return status;
}
