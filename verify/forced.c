#include "verify/forced.h"

#include <math.h>

int64_t assay_forced_other(const assay_generate_params *params, int64_t token)
{
    for (int64_t t = 1; t < params->model.vocab; t++) {
        const int64_t other = (token + t) % params->model.vocab;
        bool ends = false;
        for (int64_t e = 0; e < params->eos_count; e++) {
            ends = ends || params->eos[e] == other;
        }
        if (!ends) {
            return other;
        }
    }
    return -1;
}

/* Row b's logits of a step, as bytes. */
static const char *step_logits(const assay_tensor *logits, int64_t b, int64_t step)
{
    const int64_t at = (b * logits->shape[1] + step) * logits->shape[2];
    return (const char *)logits->data + (size_t)at * assay_dtype_size(logits->dtype);
}

assay_status assay_forced_judge(const assay_judged *judged, const assay_generate_params *params,
                                const assay_generate_io *io, assay_arena *arena)
{
    assay_generate_io other = *io;
    const int64_t steps = io->forced.shape[1];
    if (steps < 2) {
        return ASSAY_OK;
    }
    assay_status status = assay_buffer_convert(arena, &io->forced, ASSAY_I64, &other.forced,
                                               judged->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(arena, &io->logits, io->logits.dtype, &other.logits,
                                      judged->error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(arena, &io->new_tokens, ASSAY_I64, &other.new_tokens,
                                      judged->error);
    }
    int64_t *const forced = other.forced.data;
    for (int64_t b = 0; b < io->forced.shape[0] && status == ASSAY_OK; b++) {
        const bool goes_on = forced[b * steps + 1] >= 0;
        const int64_t token = goes_on ? assay_forced_other(params, forced[b * steps]) : -1;
        forced[b * steps] = token >= 0 ? token : forced[b * steps];
    }
    if (status == ASSAY_OK) {
        status = assay_judged_run(judged, &other, ASSAY_PLACE_RIGHT);
    }
    const size_t bytes = (size_t)io->logits.shape[2] * assay_dtype_size(io->logits.dtype);
    const int64_t *const expected = io->forced.data;
    for (int64_t b = 0; b < io->forced.shape[0] && status == ASSAY_OK; b++) {
        assay_result *const result = judged->result;
        if (result->verdict == ASSAY_PASS && forced[b * steps] != expected[b * steps] &&
            memcmp(step_logits(&other.logits, b, 1), step_logits(&io->logits, b, 1), bytes) == 0) {
            result->verdict = ASSAY_FAIL;
            result->check = ASSAY_CHECK_TOKENS;
            result->budget_used = INFINITY;
            (void)snprintf(result->message, sizeof result->message,
                           "row %lld: after token %lld forced instead of %lld the next logits are "
                           "the same: forced tokens are not obeyed",
                           (long long)b, (long long)forced[b * steps],
                           (long long)expected[b * steps]);
        }
    }
    return status;
}
