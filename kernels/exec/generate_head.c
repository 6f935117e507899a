/* From the last layer's rows to tokens: the head and what samples from its logits. */
#include "kernels/exec/generate_job.h"

/* Whether logits may be left unwritten. */
static bool is_fused(const generate_job *job)
{
    const assay_fusions *const fusions = job->stage->fusions;
    return fusions != NULL && ASSAY_FUSIONS_HAVE(fusions, linear_sample) &&
           !assay_present(&job->io->logits);
}

static assay_status multiply(generate_job *job, int64_t count)
{
    const assay_linear_io io = {.x = assay_rows_of(&job->last, count),
                                .y = assay_rows_of(&job->logits, count)};
    return assay_call_linear(&job->stage->forward.runner, &job->stage->head.lm_head, &io);
}

assay_status assay_generate_head(generate_job *job, const assay_tensor *rows, int64_t count)
{
    assay_runner *const runner = &job->stage->forward.runner;
    const assay_rmsnorm_io norm = {.x = *rows, .y = assay_rows_of(&job->last, count)};
    const assay_status status = assay_call_rmsnorm(runner, &job->stage->head.norm, &norm);
    return status != ASSAY_OK || is_fused(job) ? status : multiply(job, count);
}

assay_status assay_generate_draw(generate_job *job, int64_t count, const assay_sample_io *io)
{
    assay_generate_stage *const stage = job->stage;
    assay_runner *const runner = &stage->forward.runner;
    assay_sample_io sample = *io;
    assay_status status = ASSAY_OK;
    if (is_fused(job)) {
        const assay_linear_sample_steps steps = {
            .linear = {&stage->head.lm_head.params, stage->head.lm_head.state},
            .sample = {&stage->sample.params, stage->sample.state}};
        const assay_linear_sample_io both = {.x = assay_rows_of(&job->last, count),
                                             .stream = io->stream,
                                             .step = io->step,
                                             .uniform = io->uniform,
                                             .token = io->token};
        if (assay_fuse_linear_sample(runner, stage->fusions, &steps, &both, &status)) {
            return status;
        }
        status = multiply(job, count);
    }
    sample.logits = assay_rows_of(&job->logits, count);
    return status != ASSAY_OK ? status : assay_call_sample(runner, &stage->sample, &sample);
}

assay_status assay_generate_show(const generate_job *job, int64_t of_window, int64_t count)
{
    const assay_runner *const runner = &job->stage->forward.runner;
    const assay_tensor rows = assay_rows_of(&job->logits, count);
    const size_t step = (size_t)(of_window * job->slots * rows.shape[1]) *
                        assay_dtype_size(rows.dtype);
    if (!assay_present(&job->io->logits) || job->shown.data == job->logits.data) {
        return ASSAY_OK;
    }
    return runner->accelerator->copy(runner->exec.device.index, runner->exec.stream,
                                     (char *)job->shown.data + step, rows.data,
                                     (size_t)assay_tensor_extent(&rows), ASSAY_FROM_DEVICE,
                                     runner->exec.error);
}
