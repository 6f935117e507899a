/* Generations whose rows a stop function ends. */
#include <math.h>

#include "kernels/exec/stage.h"
#include "verify/forced.h"
#include "verify/generate_again.h"

assay_status assay_generate_prepare_anew(const assay_asked_generation *asked,
                                         const assay_generate_params *params,
                                         const assay_script *script, bool *ran)
{
    assay_subject subject = *asked->subject;
    subject.params = params;
    subject.script = script;
    subject.threads = ASSAY_AGAIN_THREADS;
    return assay_again_prepare(&asked->again, &subject, ran);
}

assay_status assay_generate_script(const assay_asked_generation *asked, assay_script *script,
                                   assay_tensor *expected)
{
    const int64_t steps = asked->io->forced.shape[1];
    const int64_t rows = asked->io->forced.shape[0];
    const assay_status status = assay_buffer_convert(asked->again.arena, &asked->io->forced,
                                                     ASSAY_I64, expected,
                                                     asked->again.judged->error);
    *script = (assay_script){.rows = rows < ASSAY_SCRIPT_ROWS ? rows : ASSAY_SCRIPT_ROWS};
    for (int64_t b = 0; b < script->rows && status == ASSAY_OK; b++) {
        int64_t *const row = (int64_t *)expected->data + b * steps;
        int64_t length = 0;
        while (length < steps && row[length] >= 0) {
            length++;
        }
        script->after[b] = length > 1 ? 1 + b * (length - 1) / rows : 1;
        script->token[b] = row[script->after[b] - 1];
        for (int64_t step = script->after[b]; step < steps; step++) {
            row[step] = -1;
        }
    }
    return status;
}

assay_status assay_generate_stopped(assay_asked_generation *asked)
{
    assay_generate_io io = *asked->io;
    assay_script script;
    assay_tensor expected;
    const int64_t batch = io.forced.shape[0];
    const int64_t steps = io.forced.shape[1];
    bool ran = false;
    asked->again.how = "where rows are stopped";
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = assay_generate_script(asked, &script, &expected);
    if (status == ASSAY_OK) {
        status = assay_generate_prepare_anew(asked, asked->params, &script, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_generate_outputs(asked, batch, steps, false, &io);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_LEFT, &ran);
    }
    for (int64_t b = 0; b < batch && status == ASSAY_OK && ran; b++) {
        const int64_t *const row = (const int64_t *)expected.data + b * steps;
        assay_generate_compare_row(asked, &io.new_tokens, b, row, b, steps);
    }
    return status;
}

/* Another first token is forced on every row, one that ends it; no other does. */
static assay_status force_first(const assay_asked_generation *asked, assay_script *script,
                                assay_tensor *forced, assay_tensor *expected)
{
    const assay_tensor *const given = &asked->io->forced;
    const int64_t steps = given->shape[1];
    const int64_t rows = given->shape[0] < ASSAY_SCRIPT_ROWS ? given->shape[0] : ASSAY_SCRIPT_ROWS;
    assay_error *const error = asked->again.judged->error;
    assay_status status = assay_buffer_convert(asked->again.arena, given, ASSAY_I64, forced, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(asked->again.arena, given, ASSAY_I64, expected, error);
    }
    *script = (assay_script){.rows = rows};
    for (int64_t b = 0; b < rows && status == ASSAY_OK; b++) {
        int64_t *const row = (int64_t *)expected->data + b * steps;
        const int64_t other = row[0] >= 0 ? assay_forced_other(asked->params, row[0]) : -1;
        if (other < 0) {
            continue;
        }
        ((int64_t *)forced->data)[b * steps] = other;
        script->after[b] = 1;
        script->token[b] = other;
        for (int64_t step = 1; step < steps; step++) {
            row[step] = -1;
        }
    }
    return status;
}

assay_status assay_generate_stopped_forced(assay_asked_generation *asked)
{
    assay_generate_io io = *asked->io;
    assay_script script;
    assay_tensor expected;
    const int64_t batch = io.forced.shape[0];
    const int64_t steps = io.forced.shape[1];
    bool ran = false;
    if (steps < 2 || !assay_stage_can_force(asked->fused)) {
        return ASSAY_OK;
    }
    asked->again.how = "where rows are stopped by forced tokens";
    assay_status status = force_first(asked, &script, &io.forced, &expected);
    if (status == ASSAY_OK) {
        status = assay_generate_prepare_anew(asked, asked->params, &script, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_generate_outputs(asked, batch, steps, false, &io);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_LEFT, &ran);
    }
    for (int64_t b = 0; b < script.rows && status == ASSAY_OK && ran; b++) {
        const int64_t *const row = (const int64_t *)expected.data + b * steps;
        if (script.after[b] > 0) {
            assay_generate_compare_row(asked, &io.new_tokens, b, row, b, steps);
        }
    }
    return status;
}

assay_status assay_generate_stopped_late(assay_asked_generation *asked)
{
    enum { LATE = 40 };
    assay_generate_io io = *asked->io;
    const int64_t steps = io.forced.shape[1];
    const int64_t *const forced = io.forced.data;
    bool ran = false;
    if (steps <= LATE || forced[LATE] < 0) {
        return ASSAY_OK;
    }
    const assay_script script = {.rows = 1, .after = {LATE}, .token = {forced[LATE - 1]}};
    asked->again.how = "where a row is stopped after 40 tokens";
    assay_status status = assay_generate_prepare_anew(asked, asked->params, &script, &ran);
    if (status == ASSAY_OK && ran) {
        status = assay_generate_outputs(asked, io.tokens.shape[0], steps, false, &io);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    const int64_t *const got = io.new_tokens.data;
    if (status == ASSAY_OK && ran && (got[LATE - 1] < 0 || got[LATE] >= 0)) {
        assay_result part = {.verdict = ASSAY_FAIL,
                             .check = ASSAY_CHECK_TOKENS,
                             .budget_used = INFINITY};
        (void)snprintf(part.message, sizeof part.message,
                       "row 0 is stopped after %d tokens: token %d is %lld, token %d is %lld", LATE,
                       LATE - 1, (long long)got[LATE - 1], LATE, (long long)got[LATE]);
        assay_again_merge(&asked->again, &part);
    }
    return status;
}
