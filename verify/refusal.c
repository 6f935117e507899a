#include "verify/refusal.h"

#include <math.h>

/* One run with an element of tokens, which is a tensor of io, changed. */
static assay_status one_token(const assay_judged *judged, const void *io, const char *name,
                              assay_tensor *tokens, int64_t at, int64_t token)
{
    assay_result *const result = judged->result;
    assay_outcome outcome = {.verdict = ASSAY_PASS};
    const double kept = assay_buffer_get(tokens, at);
    assay_store(tokens->dtype, tokens->data, (size_t)at, (double)token);
    const assay_status status = assay_session_run(judged->session, io, ASSAY_PLACE_RIGHT, &outcome,
                                                  judged->error);
    assay_store(tokens->dtype, tokens->data, (size_t)at, kept);
    const bool refused = outcome.check == ASSAY_CHECK_STATUS || outcome.verdict == ASSAY_SKIP;
    if (status != ASSAY_OK || refused) {
        return status;
    }
    result->verdict = outcome.verdict == ASSAY_PASS ? ASSAY_FAIL : outcome.verdict;
    result->check = outcome.verdict == ASSAY_PASS ? ASSAY_CHECK_STATUS : outcome.check;
    result->budget_used = INFINITY;
    (void)snprintf(result->message, sizeof result->message,
                   "element %lld of '%s' was %lld, which is not in the vocabulary and must be "
                   "refused: %.200s", (long long)at, name, (long long)token,
                   outcome.verdict == ASSAY_PASS ? "it was accepted" : outcome.message);
    return ASSAY_OK;
}

/* Past the vocabulary in one place, below it in another. */
static assay_status two_tokens(const assay_judged *judged, const void *io, const char *name,
                               assay_tensor *tokens, int64_t last, int64_t first, int64_t vocab)
{
    const assay_status status = one_token(judged, io, name, tokens, last, vocab);
    return status == ASSAY_OK && judged->result->verdict == ASSAY_PASS
               ? one_token(judged, io, name, tokens, first, -1)
               : status;
}

assay_status assay_refusal_judge(const assay_judged *judged, const assay_generate_params *params,
                                 const assay_generate_io *io, assay_arena *arena)
{
    assay_generate_io other = *io;
    const int64_t row = io->tokens.shape[0] - 1;
    const int64_t start = row * io->tokens.shape[1];
    const int64_t last = start + (int64_t)assay_at1(&io->lengths, row) - 1;
    const assay_status status = assay_buffer_convert(arena, &io->tokens, io->tokens.dtype,
                                                     &other.tokens, judged->error);
    return status == ASSAY_OK ? two_tokens(judged, &other, "tokens", &other.tokens, last, start,
                                           params->model.vocab)
                              : status;
}

/* The first position from `at` on, in steps of `step`, that no soft token takes; -1: none. */
static int64_t kept_position(const assay_explain_io *io, int64_t at, int64_t step)
{
    const int64_t length = io->prompt.shape[0];
    bool replaced = true;
    while (replaced && at >= 0 && at < length) {
        replaced = false;
        for (int64_t p = 0; p < io->placeholder.shape[0]; p++) {
            replaced = replaced || (int64_t)assay_at1(&io->placeholder, p) == at;
        }
        at += replaced ? step : 0;
    }
    return at < length ? at : -1;
}

assay_status assay_refusal_explain(const assay_judged *judged, const assay_explain_params *params,
                                   const assay_explain_io *io, assay_arena *arena)
{
    assay_explain_io other = *io;
    const int64_t first = kept_position(io, 0, 1);
    const int64_t last = kept_position(io, io->prompt.shape[0] - 1, -1);
    const assay_status status = assay_buffer_convert(arena, &io->prompt, io->prompt.dtype,
                                                     &other.prompt, judged->error);
    return status == ASSAY_OK && first >= 0
               ? two_tokens(judged, &other, "prompt", &other.prompt, last, first,
                            params->generate.model.vocab)
               : status;
}
