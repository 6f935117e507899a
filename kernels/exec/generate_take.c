/* What a generation's steps gave: outputs, and which rows go on. */
#include "kernels/exec/check.h"
#include "kernels/exec/generate_job.h"

static void put_logits(const generate_job *job, int64_t row, int64_t b)
{
    const assay_tensor *const to = &job->io->logits;
    for (int64_t v = 0; v < to->shape[2] && assay_present(to); v++) {
        const int64_t at = b * to->stride[0] + job->step * to->stride[1] + v * to->stride[2];
        assay_store(to->dtype, to->data, (size_t)at, assay_at2(&job->shown, row, v));
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

static assay_status refuse_token(const generate_job *job, int64_t b, int64_t token)
{
    assay_error *const error = job->stage->forward.runner.exec.error;
    const long long row = (long long)b;
    const long long step = (long long)job->step;
    if (token < 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "row %lld, new token %lld: the logits give no distribution (NaN); check "
                          "the weights and the soft tokens", row, step);
    }
    return assay_fail(error, ASSAY_INTERNAL,
                      "row %lld, new token %lld: sample gave token %lld of a vocabulary of %lld",
                      row, step, (long long)token, (long long)job->stage->params.model.vocab);
}

assay_status assay_generate_take(generate_job *job, int64_t of_window, const int32_t *sampled)
{
    const assay_generate_io *const io = job->io;
    const bool forced = assay_present(&io->forced);
    const int64_t batch = io->lengths.shape[0];
    int64_t *const live = job->live.data;
    int64_t *const fed = job->fed.data;
    for (int64_t i = 0; i < job->live_count; i++) {
        const int64_t b = live[i];
        if (b < 0) {
            continue; /* ended before: it was on the device that it went on */
        }
        const int64_t *const tokens = row_of(forced ? &io->forced : &io->new_tokens, b);
        if (forced && tokens[job->step] < 0) {
            live[i] = -1; /* the forced text has ended: so has the row, without this step */
            continue;
        }
        if (sampled[i] >= job->stage->params.model.vocab) {
            return refuse_token(job, b, sampled[i]);
        }
        row_of(&io->new_tokens, b)[job->step] = sampled[i];
        put_logits(job, of_window * batch + i, b);
        fed[i] = tokens[job->step];
        if (fed[i] < 0) {
            return refuse_token(job, b, fed[i]);
        }
        live[i] = ends(job, b, fed[i], tokens) ? -1 : b;
    }
    return ASSAY_OK;
}

bool assay_generate_retire(generate_job *job)
{
    int64_t *const live = job->live.data;
    const int64_t *const fed = job->fed.data;
    const int64_t before = job->live_count;
    int64_t left = 0;
    for (int64_t i = 0; i < before; i++) {
        if (live[i] >= 0) {
            const int64_t position = assay_int1(&job->io->lengths, live[i]) + job->step - 1;
            assay_forward_set(&job->stage->forward, left, fed[i], live[i], position);
            live[left++] = live[i];
        }
    }
    job->live_count = left;
    return left < before;
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
