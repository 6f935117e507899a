#include "verify/refusal.h"

#include <math.h>


/* One run with tokens[row, column] = token. */
static assay_status one_token(const assay_judged *judged, assay_generate_io *io, int64_t row,
                              int64_t column, int64_t token)
{
    assay_result *const result = judged->result;
    assay_outcome outcome = {.verdict = ASSAY_PASS};
    const double kept = assay_at2(&io->tokens, row, column);
    assay_put2(&io->tokens, row, column, (double)token);
    const assay_status status = assay_session_run(judged->session, io, ASSAY_PLACE_RIGHT, &outcome,
                                                  judged->error);
    assay_put2(&io->tokens, row, column, kept);
    const bool refused = outcome.check == ASSAY_CHECK_STATUS || outcome.verdict == ASSAY_SKIP;
    if (status != ASSAY_OK || refused) {
        return status;
    }
    result->verdict = outcome.verdict == ASSAY_PASS ? ASSAY_FAIL : outcome.verdict;
    result->check = outcome.verdict == ASSAY_PASS ? ASSAY_CHECK_STATUS : outcome.check;
    result->budget_used = INFINITY;
    (void)snprintf(result->message, sizeof result->message,
                   "tokens[%lld,%lld] was %lld, which is not in the vocabulary and must be "
                   "refused: %.200s", (long long)row, (long long)column, (long long)token,
                   outcome.verdict == ASSAY_PASS ? "it was accepted" : outcome.message);
    return ASSAY_OK;
}

assay_status assay_refusal_judge(const assay_judged *judged, const assay_generate_params *params,
                                 const assay_generate_io *io, assay_arena *arena)
{
    assay_generate_io other = *io;
    const int64_t row = io->tokens.shape[0] - 1;
    const int64_t last = (int64_t)assay_at1(&io->lengths, row) - 1;
    assay_status status = assay_buffer_convert(arena, &io->tokens, io->tokens.dtype, &other.tokens,
                                               judged->error);
    if (status == ASSAY_OK) {
        status = one_token(judged, &other, row, last, params->model.vocab);
    }
    return status == ASSAY_OK && judged->result->verdict == ASSAY_PASS
               ? one_token(judged, &other, row, 0, -1)
               : status;
}
