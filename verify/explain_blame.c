#include "verify/explain_blame.h"

#include "kernels/exec/stage.h"
#include "verify/stage_judge.h"

/* Whether got leaves the budget; a run that did not end well leaves it too. */
static bool leaves(const assay_result *run, const assay_tensor *got, const double *expected,
                   const assay_budget *budget)
{
    assay_result result = {.verdict = ASSAY_PASS};
    if (run->verdict != ASSAY_PASS) {
        return true;
    }
    assay_compare_elements(got, expected, budget, "row", true, &result);
    return result.verdict != ASSAY_PASS;
}

/* The rows that the oracle captures, in the implementation's type. */
static assay_status oracle_rows(const assay_explain_blame *blame, assay_tensor *rows)
{
    const assay_explain_case *const read = blame->read;
    const int64_t shape[2] = {read->rows, read->params.capture.model.d_model};
    const assay_exec exec = assay_case_exec(blame->error);
    assay_capture_stage *stage = NULL;
    assay_tensor truth;
    assay_status status =
        assay_buffer_make(blame->arena, ASSAY_F64, 2, shape, &truth, blame->error);
    if (status == ASSAY_OK) {
        status = assay_capture_stage_open(&assay_oracle, &exec, &read->params.capture, &stage);
    }
    if (status == ASSAY_OK) {
        const assay_capture_io io = {.tokens = read->io.tokens,
                                     .lengths = read->io.lengths,
                                     .positions = read->io.positions,
                                     .residual = truth};
        status = assay_capture_stage_run(stage, &io);
    }
    assay_capture_stage_close(&stage);
    return status == ASSAY_OK
               ? assay_buffer_convert(blame->arena, &truth, blame->type, rows, blame->error)
               : status;
}

static assay_status make_outputs(const assay_explain_blame *blame, assay_tensor *soft,
                                 assay_tensor *tokens, assay_tensor *logits)
{
    const assay_explain_case *const read = blame->read;
    const int64_t soft_shape[2] = {read->rows, read->width};
    const int64_t shape[3] = {read->rows, read->steps, read->vocab};
    assay_status status =
        assay_buffer_make(blame->arena, blame->type, 2, soft_shape, soft, blame->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(blame->arena, ASSAY_I64, 2, shape, tokens, blame->error);
    }
    return status == ASSAY_OK
               ? assay_buffer_make(blame->arena, blame->type, 3, shape, logits, blame->error)
               : status;
}

assay_status assay_blame_soft(const assay_explain_blame *blame, const double *expected,
                              const assay_budget *budget, const char **stage)
{
    assay_explain_io io = blame->read->io;
    assay_result result = {.verdict = ASSAY_PASS};
    const assay_judged judged = {blame->session, &result, blame->error};
    *stage = "adapter";
    if (assay_present(&io.vectors)) {
        return ASSAY_OK;
    }
    assay_status status = oracle_rows(blame, &io.vectors);
    memset(&io.tokens, 0, sizeof io.tokens);
    memset(&io.lengths, 0, sizeof io.lengths);
    memset(&io.positions, 0, sizeof io.positions);
    if (status == ASSAY_OK) {
        status = make_outputs(blame, &io.soft, &io.new_tokens, &io.logits);
    }
    if (status == ASSAY_OK) {
        status = assay_judged_run(&judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && !leaves(&result, &io.soft, expected, budget)) {
        *stage = "capture";
    }
    return status;
}

/* The explainer's prompts as a batch, the oracle's soft tokens at their placeholders. */
static assay_status make_prompts(const assay_explain_blame *blame, assay_generate_io *io)
{
    const assay_explain_case *const read = blame->read;
    const int64_t length = read->io.prompt.shape[0];
    const int64_t places = read->io.placeholder.shape[0];
    const int64_t tokens[2] = {read->rows, length};
    const int64_t soft[2] = {read->rows * places, read->width};
    const int64_t soft_at[2] = {read->rows * places, 2};
    assay_status status =
        assay_buffer_make(blame->arena, ASSAY_I64, 2, tokens, &io->tokens, blame->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(blame->arena, ASSAY_I64, 1, tokens, &io->lengths, blame->error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(blame->arena, blame->type, 2, soft, &io->soft, blame->error);
    }
    if (status == ASSAY_OK) {
        status =
            assay_buffer_make(blame->arena, ASSAY_I64, 2, soft_at, &io->soft_at, blame->error);
    }
    for (int64_t row = 0; status == ASSAY_OK && row < read->rows; row++) {
        assay_put1(&io->lengths, row, (double)length);
        for (int64_t t = 0; t < length; t++) {
            assay_put2(&io->tokens, row, t, assay_at1(&read->io.prompt, t));
        }
        for (int64_t s = 0; s < places; s++) {
            const int64_t at = row * places + s;
            assay_put2(&io->soft_at, at, 0, (double)row);
            assay_put2(&io->soft_at, at, 1, assay_at1(&read->io.placeholder, s));
            for (int64_t i = 0; i < read->width; i++) {
                assay_put2(&io->soft, at, i, blame->soft_truth[row * read->width + i]);
            }
        }
    }
    return status;
}

assay_status assay_blame_logits(const assay_explain_blame *blame, const double *expected,
                                const assay_budget *budget, const char **stage)
{
    assay_generate_io io = {.forced = blame->read->io.forced};
    assay_tensor unused;
    assay_result result = {.verdict = ASSAY_PASS};
    const assay_judged judged = {blame->session, &result, blame->error};
    const assay_stage_files files = {.model = blame->subject->files->explainer};
    const assay_subject generate = {.impl = blame->subject->impl,
                                    .op = ASSAY_OP_generate,
                                    .params = &blame->read->params.generate,
                                    .files = &files};
    *stage = "explainer";
    if (assay_table_supports(blame->table, ASSAY_OP_generate, NULL) != ASSAY_OK) {
        return ASSAY_OK;
    }
    assay_status status = make_prompts(blame, &io);
    if (status == ASSAY_OK) {
        status = make_outputs(blame, &unused, &io.new_tokens, &io.logits);
    }
    if (status == ASSAY_OK) {
        status = assay_judged_release(&judged);
    }
    if (status == ASSAY_OK) {
        status = assay_judged_prepare(&judged, &generate);
    }
    if (status == ASSAY_OK && result.verdict == ASSAY_PASS) {
        status = assay_judged_run(&judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && !leaves(&result, &io.logits, expected, budget)) {
        *stage = "adapter";
    }
    return status;
}
