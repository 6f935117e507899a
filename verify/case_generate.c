/* Bundle cases `generate` and `steered_generate`: teacher-forced logits with chain budgets, then
 * free-running tokens by their margins. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "verify/forced.h"
#include "verify/generate_case.h"
#include "verify/generate_fresh.h"
#include "verify/refusal.h"
#include "verify/stage_judge.h"

typedef struct generate_judge {
    const assay_case_context *context;
    assay_generate_case read;
    assay_chain_case chain_case;
    assay_fresh_set fresh;
} generate_judge;

static assay_status outputs(const generate_judge *judge, const assay_table *table,
                            assay_tensor *tokens, assay_tensor *logits, assay_error *error)
{
    const assay_generate_case *const read = &judge->read;
    assay_arena *const arena = judge->chain_case.arena;
    const int64_t shape[3] = {read->batch, read->steps, read->vocab};
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, assay_table_activation(table), 3, shape, logits, error);
    }
    if (status == ASSAY_OK) {
        assay_buffer_poison(tokens);
        assay_buffer_poison(logits);
    }
    return status;
}

/* Free-running tokens against the expected ones. */
static void judge_tokens(const generate_judge *judge, const assay_budget *budget,
                         const assay_tensor *tokens, assay_result *result)
{
    const assay_generate_case *const read = &judge->read;
    const double *const logits = judge->chain_case.expected;
    const int64_t *const got = tokens->data;
    const int64_t *const expected = read->io.forced.data;
    for (int64_t b = 0; b < read->batch; b++) {
        const int64_t at = b * read->steps;
        assay_compare_tokens(got + at, expected + at, b, read->steps, logits + at * read->vocab,
                             budget->value + at * read->vocab, read->vocab,
                             logits != judge->chain_case.given, result);
    }
}

/* The expected tokens forced, and the logits they lead to. */
static assay_status judge_forced(const assay_judged *judged, const generate_judge *judge,
                                 const assay_budget *budget, const assay_subject *subject,
                                 const assay_tensor *tokens, const assay_tensor *logits)
{
    const double *const expected = judge->chain_case.expected;
    assay_arena *const arena = judge->chain_case.arena;
    assay_generate_io io = judge->read.io;
    io.new_tokens = *tokens;
    io.logits = *logits;
    const assay_stage stage = {.subject = *subject,
                               .io = &io,
                               .output_at = offsetof(assay_generate_io, logits),
                               .row_name = "step"};
    assay_status status = assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT);
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        assay_compare_elements(logits, expected, budget, stage.row_name, false, judged->result);
    }
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        status = assay_stage_repeat(judged, &stage, expected, budget, arena);
    }
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        status = assay_forced_judge(judged, &judge->read.params, &io, arena);
    }
    return status;
}

/* In other ways, and what the bundle has no truth of. */
static assay_status judge_again(const assay_judged *judged, generate_judge *judge,
                                const assay_budget *budget, const assay_table *table,
                                const assay_kernel *fused, const assay_subject *subject)
{
    const assay_chain_case *const chain_case = &judge->chain_case;
    assay_asked_generation asked = {
        .again = {judged, NULL, chain_case->arena, chain_case->expected, budget, "step"},
        .subject = subject,
        .params = &judge->read.params,
        .io = &judge->read.io,
        .table = table,
        .fused = fused,
        .moved = chain_case->expected != chain_case->given};
    if (chain_case->witness != NULL ||
        !assay_stage_asked_more(judge->context->run, table, judged->result)) {
        return ASSAY_OK;
    }
    assay_status status = assay_generate_again(&asked);
    for (int i = 0; i < judge->fresh.count && status == ASSAY_OK &&
                    judged->result->verdict == ASSAY_PASS; i++) {
        status = assay_fresh_judge(&judge->fresh.one[i], &asked);
    }
    return status;
}

/* Runs freely first: then no expected token has been seen. */
static assay_status judge_prepared(const assay_judged *judged, generate_judge *judge,
                                   const assay_table *table, const assay_kernel *fused,
                                   const assay_subject *subject)
{
    assay_result *const result = judged->result;
    assay_arena *const arena = judge->chain_case.arena;
    assay_tensor tokens;
    assay_tensor forced_tokens;
    assay_tensor logits;
    assay_budget budget;
    assay_generate_io io = judge->read.io;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = outputs(judge, table, &tokens, &logits, judged->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(arena, &tokens, ASSAY_I64, &forced_tokens, judged->error);
    }
    io.new_tokens = tokens;
    if (status == ASSAY_OK) {
        status = assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_budget(&judge->chain_case, table, &budget, judged->error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_golden(&judge->chain_case, false, result, judged->error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS && assay_stage_can_force(fused)) {
        status = judge_forced(judged, judge, &budget, subject, &forced_tokens, &logits);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        judge_tokens(judge, &budget, &tokens, result);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_refusal_judge(judged, &judge->read.params, &io, arena);
    }
    return status == ASSAY_OK && result->verdict == ASSAY_PASS
               ? judge_again(judged, judge, &budget, table, fused, subject)
               : status;
}

/* A generate_judge's case for one implementation. */
static assay_status judge_table(void *opaque, size_t index, assay_result *result,
                                assay_error *error)
{
    generate_judge *const judge = opaque;
    const assay_case_context *const context = judge->context;
    const assay_kernel *const fused = context->run->tables[index].kernel[ASSAY_OP_generate];
    assay_stage_contracts room;
    const assay_table *const table = assay_stage_contracts_of(&context->run->tables[index],
                                                              ASSAY_OP_generate, &room);
    const assay_judged judged = {context->run->sessions[index], result, error};
    char *folder = NULL;
    assay_status status = assay_checkpoints_folder(context->checkpoints, context->c, "model",
                                                   &folder, error);
    const assay_stage_files files = {.model = folder};
    const assay_subject subject = {.impl = table->name,
                                   .op = ASSAY_OP_generate,
                                   .params = &judge->read.params,
                                   .files = &files};
    if (status == ASSAY_OK) {
        status = assay_judged_prepare(&judged, &subject);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = judge_prepared(&judged, judge, table, fused, &subject);
        const assay_status released = assay_judged_release(&judged);
        status = status != ASSAY_OK ? status : released;
    }
    free(folder);
    return status;
}

assay_status assay_case_judge_generate(const assay_case_context *context, bool steered,
                                       assay_error *error)
{
    assay_arena arena = {0};
    assay_generate_chain scales;
    generate_judge judge = {
        .context = context,
        .chain_case = {.chain = &scales.chain, .arena = &arena, .scales = context->scales}};
    assay_generate_case *const read = &judge.read;
    assay_chain_case *const chain_case = &judge.chain_case;
    assay_tensor logits;
    assay_tensor wide = {0};
    assay_status status = assay_generate_case_read(context, steered, read, &logits, error);
    if (status == ASSAY_OK) {
        status = assay_case_witness(context, &chain_case->witness, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(&arena, &logits, ASSAY_F64, &wide, error);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_chain_make(context, &read->params, &read->io, &arena, &scales,
                                           error);
    }
    if (status == ASSAY_OK && assay_present(&wide)) {
        chain_case->given = wide.data;
    } else if (status == ASSAY_OK) {
        status = assay_scales_truth(context->scales, &scales.chain, 0, NULL, &chain_case->given,
                                    error);
    }
    if (status == ASSAY_OK) {
        status = assay_fresh_make(context, &read->params, &read->io, chain_case->given, &arena,
                                  &judge.fresh, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_each(context, judge_table, &judge, error);
    }
    assay_fresh_release(&judge.fresh);
    assay_arena_free(&arena);
    return status;
}
