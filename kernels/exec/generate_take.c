/* What a generation's steps gave: outputs, and which rows go on. */
#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"

static void put_logits(const generate_job *job, int64_t shown, const generate_row *row)
{
    const assay_tensor *const to = &job->io->logits;
    const int64_t first = row->sequence * to->stride[0] + row->step * to->stride[1];
    for (int64_t v = 0; v < to->shape[2] && assay_present(to); v++) {
        assay_store(to->dtype, to->data, (size_t)(first + v * to->stride[2]),
                    assay_at2(&job->shown, shown, v));
    }
}

static int64_t *row_of(const assay_tensor *tokens, int64_t b)
{
    return (int64_t *)tokens->data + b * tokens->stride[0];
}

int64_t assay_generate_stream(const generate_job *job, int64_t b)
{
    return assay_present(&job->io->stream) ? assay_int1(&job->io->stream, b) : b;
}

int64_t assay_generate_position(const generate_job *job, const generate_row *row)
{
    return assay_int1(&job->io->lengths, row->sequence) + row->step - 1;
}

/* Whether a row ends with the token just taken. */
static bool ends(const generate_job *job, const generate_row *row, const int64_t *tokens)
{
    const assay_generate_params *const params = &job->stage->params;
    bool ended = row->step == params->max_new_tokens;
    for (int64_t e = 0; e < params->eos_count; e++) {
        ended = ended || params->eos[e] == row->token;
    }
    /* Asked in any case: it is told of every step. */
    const bool stopped = job->io->stop != NULL &&
                         job->io->stop(job->io->stop_context, row->sequence, tokens, row->step);
    return ended || stopped;
}

static assay_status refuse_token(const generate_job *job, const generate_row *row, int64_t token)
{
    assay_error *const error = job->stage->forward.runner.exec.error;
    const long long b = (long long)row->sequence;
    const long long step = (long long)row->step;
    if (token < 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "row %lld, new token %lld: the logits give no distribution (NaN); check "
                          "the weights and the soft tokens", b, step);
    }
    return assay_fail(error, ASSAY_INTERNAL,
                      "row %lld, new token %lld: sample gave token %lld of a vocabulary of %lld", b,
                      step, (long long)token, (long long)job->stage->params.model.vocab);
}

assay_status assay_generate_take(generate_job *job, int64_t first, int64_t of_window,
                                 const int32_t *sampled)
{
    const assay_generate_io *const io = job->io;
    const bool forced = assay_present(&io->forced);
    for (int64_t i = first; i < job->count; i++) {
        generate_row *const row = &job->row[i];
        const int64_t b = row->sequence;
        const int32_t token = sampled[i - first];
        if (b < 0) {
            continue; /* ended before: it was on the device that it went on */
        }
        const int64_t *const tokens = row_of(forced ? &io->forced : &io->new_tokens, b);
        if (forced && tokens[row->step] < 0) {
            row->sequence = -1; /* the forced text has ended: so has the row, without this step */
            continue;
        }
        if (token >= job->stage->params.model.vocab) {
            return refuse_token(job, row, token);
        }
        row_of(&io->new_tokens, b)[row->step] = token;
        put_logits(job, of_window * job->slots + i - first, row);
        row->token = tokens[row->step];
        if (row->token < 0) {
            return refuse_token(job, row, row->token);
        }
        row->step++;
        row->sequence = ends(job, row, tokens) ? -1 : b;
    }
    return ASSAY_OK;
}

bool assay_generate_retire(generate_job *job)
{
    const int64_t before = job->count;
    job->count = 0;
    for (int64_t i = 0; i < before; i++) {
        if (job->row[i].sequence >= 0) {
            job->row[job->count++] = job->row[i];
        } else {
            job->slot[job->row[i].slot].taken = false;
        }
    }
    return job->count < before;
}

void assay_generate_clear(const generate_job *job)
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
