/* Windows of a generation's steps that stay on a device. */
#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"

static assay_status draw_there(generate_job *job)
{
    assay_steps *const steps = &job->steps;
    assay_runner *const runner = &job->stage->forward.runner;
    const bool drawn = steps->drawn.shape[0] > 0;
    const assay_sample_io io = {.logits = assay_rows_of(&job->logits, job->live_count),
                                .stream = assay_column_of(&steps->stream, job->live_count),
                                .step = job->step,
                                .uniform = drawn ? assay_column_of(&steps->uniform,
                                                                   job->live_count)
                                                 : (assay_tensor){0},
                                .token = assay_column_of(&steps->token, job->live_count)};
    const assay_status status = assay_call_sample(runner, &job->stage->sample, &io);
    return status != ASSAY_OK ? status
                              : assay_steps_move_on(steps, &job->stage->forward, job->live_count);
}

/* A step that stays there. What it is called with does not change from step to step: the greatest
 * position is that of the last one. */
static assay_status step_there(void *context)
{
    generate_job *const job = context;
    const int64_t last = job->prompts.longest + job->stage->params.max_new_tokens - 2;
    const assay_status status = assay_generate_logits(job, last, true);
    return status != ASSAY_OK ? status : draw_there(job);
}

assay_status assay_generate_send(generate_job *job)
{
    assay_steps *const steps = &job->steps;
    const assay_generate_io *const io = job->io;
    const uint64_t seed = job->stage->params.sampling.seed;
    const int64_t *const live = job->live.data;
    int64_t *const stream = assay_steps_here(steps, &steps->stream);
    double *const uniform = assay_steps_here(steps, &steps->uniform);
    double *const drawn = assay_steps_here(steps, &steps->drawn);
    int64_t *const given = assay_steps_here(steps, &steps->given);
    *(int64_t *)assay_steps_here(steps, &steps->step) = job->step;
    for (int64_t i = 0; i < job->live_count; i++) {
        stream[i] = assay_generate_stream(job, live[i]);
        uniform[i] = assay_philox_uniform(seed, (uint64_t)stream[i], (uint64_t)job->step);
        for (int64_t s = job->step; s < steps->drawn.shape[0]; s++) {
            drawn[s * steps->batch + i] = assay_philox_uniform(seed, (uint64_t)stream[i],
                                                               (uint64_t)s);
        }
        for (int64_t s = job->step; s < steps->given.shape[0]; s++) {
            given[s * steps->batch + i] = assay_int2(&io->forced, live[i], s);
        }
    }
    const assay_status status = assay_steps_send(steps);
    return status != ASSAY_OK ? status : assay_forward_send(&job->stage->forward);
}

/* The rows as the prompts leave them: the first token moves them on. */
static assay_status begin_there(generate_job *job)
{
    for (int64_t b = 0; b < job->live_count; b++) {
        assay_forward_set(&job->stage->forward, b, 0, b, assay_int1(&job->io->lengths, b) - 1);
    }
    return assay_generate_send(job);
}

assay_status assay_generate_there(generate_job *job, int64_t count)
{
    assay_status status = job->step == 0 ? begin_there(job) : ASSAY_OK;
    for (int64_t w = 0; w < count && status == ASSAY_OK; w++) {
        const int64_t left = job->stage->params.max_new_tokens - job->step - w;
        status = job->step + w == 0 ? draw_there(job)
                                    : assay_steps_run(&job->steps, job->live_count, left,
                                                      step_there, job);
        status = status != ASSAY_OK ? status : assay_generate_show(job, w);
    }
    return status != ASSAY_OK ? status : assay_steps_read(&job->steps, job->step, count);
}
