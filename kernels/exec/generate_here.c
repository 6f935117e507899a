/* Steps whose tokens pass through the host. A call's rows are one of every sequence that runs, and
 * the prompts of those that have just come in: a slot that a row leaves is used again at once. */
#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"

/* Only their last rows pass the head. */
assay_status assay_generate_first(generate_job *job)
{
    assay_forward *const forward = &job->stage->forward;
    const int64_t batch = job->io->lengths.shape[0];
    const assay_tensor ends = assay_column_of(&job->ends, batch);
    assay_tensor rows;
    int64_t end = 0;
    for (int64_t b = 0; b < batch; b++) {
        end += assay_int1(&job->io->lengths, b);
        ((int64_t *)ends.data)[b] = end - 1;
        job->row[b] = (generate_row){.sequence = b, .slot = b};
    }
    job->count = batch;
    job->waiting_count = 0;
    assay_status status = assay_prefill(forward, &job->prompts, &rows);
    if (status == ASSAY_OK) {
        status = assay_forward_gather(forward, &rows, &ends, &job->last);
    }
    return status != ASSAY_OK ? status : assay_generate_head(job, &job->last, batch);
}

/* A steered prompt's rows are steered in a call of their own where new tokens' are not. */
static bool is_apart(const generate_job *job)
{
    const assay_steering *const steering = &job->stage->params.steering;
    return steering->on && steering->positions == ASSAY_STEER_PROMPT;
}

/* Soft token `from` of the prompts becomes the call's next one, at row `at`. */
static void set_soft(generate_job *job, int64_t from, int64_t at, assay_batch *batch)
{
    const assay_tensor *const soft = &job->prompts.soft;
    const size_t size = assay_dtype_size(soft->dtype);
    const int64_t width = soft->shape[1];
    const int64_t row = batch->soft.shape[0]++;
    char *const to = (char *)job->soft.data + (size_t)(row * width) * size;
    ((int64_t *)job->soft_row.data)[row] = at;
    batch->soft_at.shape[0]++;
    for (int64_t i = 0; i < width; i++) {
        const int64_t element = from * soft->stride[0] + i * soft->stride[1];
        memcpy(to + (size_t)i * size, (const char *)soft->data + (size_t)element * size, size);
    }
}

/* A prompt's rows that its slot does not hold yet, from row `at` on; the row behind the last. */
static int64_t set_prompt(generate_job *job, const generate_row *row, int64_t at,
                          assay_batch *batch)
{
    const int64_t b = row->sequence;
    const int64_t length = assay_int1(&job->io->lengths, b);
    generate_slot *const slot = &job->slot[row->slot];
    const assay_prefixes *const prefixes = &job->prefixes;
    for (int64_t i = prefixes->first[b]; i < prefixes->first[b + 1]; i++) {
        const int64_t behind = prefixes->place[i].position - slot->ready;
        if (behind >= 0) {
            set_soft(job, prefixes->place[i].soft, at + behind, batch);
        }
    }
    for (int64_t t = slot->ready; t < length; t++) {
        assay_forward_set(&job->stage->forward, at++, assay_int2(&job->prompts.tokens, b, t),
                          row->slot, t);
    }
    slot->ready = length;
    return at;
}

/* Rows first .. count-1 through the layers and the head; those from `fresh` on are prompts. */
static assay_status run_call(generate_job *job, int64_t first, int64_t fresh)
{
    const assay_generate_params *const params = &job->stage->params;
    assay_forward *const forward = &job->stage->forward;
    const bool prompts = fresh < job->count;
    const int64_t count = job->count - first;
    const assay_tensor ends = assay_column_of(&job->ends, count);
    assay_batch batch = {.soft = assay_rows_of(&job->soft, 0),
                         .soft_at = assay_column_of(&job->soft_row, 0),
                         .steer = prompts || params->steering.positions == ASSAY_STEER_ALL};
    assay_tensor rows;
    for (int64_t i = first; i < job->count; i++) {
        const generate_row *const row = &job->row[i];
        const int64_t position = assay_generate_position(job, row);
        if (i < fresh) {
            assay_forward_set(forward, batch.rows++, row->token, row->slot, position);
        } else {
            batch.rows = set_prompt(job, row, batch.rows, &batch);
        }
        ((int64_t *)ends.data)[i - first] = batch.rows - 1;
        batch.max_position = position > batch.max_position ? position : batch.max_position;
    }
    if (batch.soft.shape[0] == 0) {
        batch.soft = batch.soft_at = (assay_tensor){0};
    }
    assay_status status = assay_forward_run(forward, &batch, &rows);
    if (status == ASSAY_OK && prompts) { /* of whose rows only the last ones pass the head */
        const assay_tensor last = assay_rows_of(&job->last, count);
        status = assay_forward_gather(forward, &rows, &ends, &last);
        rows = last;
    }
    return status != ASSAY_OK ? status : assay_generate_head(job, &rows, count);
}

/* sample's rows take one step, or numbers drawn here as it would draw them. */
static assay_status draw(generate_job *job, int64_t first)
{
    const assay_sample_params *const sampling = &job->stage->params.sampling;
    const int64_t count = job->count - first;
    const int64_t step = job->row[first].step;
    bool drawn = false;
    for (int64_t i = 0; i < count; i++) {
        const generate_row *const row = &job->row[first + i];
        const int64_t stream = assay_generate_stream(job, row->sequence);
        ((int64_t *)job->stream.data)[i] = stream;
        ((double *)job->uniform.data)[i] =
            assay_philox_uniform(sampling->seed, (uint64_t)stream, (uint64_t)row->step);
        drawn = drawn || (row->step != step && sampling->temperature > 0.0);
    }
    const assay_sample_io io = {.stream = assay_column_of(&job->stream, count),
                                .step = step,
                                .uniform = drawn ? assay_column_of(&job->uniform, count)
                                                 : (assay_tensor){0},
                                .token = assay_column_of(&job->token, count)};
    return assay_generate_draw(job, count, &io);
}

/* What rows first .. count-1 gave is taken. */
static assay_status take(generate_job *job, int64_t first)
{
    assay_status status = assay_generate_show(job, 0, job->count - first);
    if (status == ASSAY_OK) { /* whose token arrives after the logits */
        status = draw(job, first);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_take(job, first, 0, job->token.data);
    }
    (void)assay_generate_retire(job);
    return status;
}

assay_status assay_generate_here(generate_job *job)
{
    assay_status status = ASSAY_OK;
    if (job->whole) {
        status = assay_generate_first(job);
        status = status != ASSAY_OK ? status : take(job, 0);
    }
    while (status == ASSAY_OK && job->count + job->waiting_count > 0) {
        const int64_t fresh = assay_generate_admit(job, is_apart(job) ? 0 : job->count);
        const int64_t first = is_apart(job) && fresh < job->count ? fresh : 0;
        status = run_call(job, first, fresh);
        status = status != ASSAY_OK ? status : take(job, first);
    }
    return status;
}
