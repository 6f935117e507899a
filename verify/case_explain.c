/* Bundle cases `explain`, judged stage by stage: the soft tokens, the logits that they lead to with
 * the expected tokens forced, the free-running tokens, the label. The first to fail is named. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "verify/explain_again.h"
#include "verify/explain_brief.h"
#include "verify/explain_fresh.h"
#include "verify/refusal.h"

typedef struct explain_judges {
    assay_explain_judge judge;
    assay_fresh_explanation fresh;
    assay_brief_explanation brief[ASSAY_BRIEF_MOST];
    int brief_count;
} explain_judges;

/* Poisoned: what is not written is seen. */
static assay_status outputs(const assay_explain_case *read, const assay_table *table,
                            assay_arena *arena, assay_explain_io *made, assay_error *error)
{
    const assay_status status = assay_explain_case_outputs(
        read, read->rows, assay_table_activation(table), true, arena, made, error);
    if (status == ASSAY_OK) {
        assay_buffer_poison(&made->soft);
        assay_buffer_poison(&made->new_tokens);
        assay_buffer_poison(&made->logits);
    }
    return status;
}

/* The soft tokens and the logits that the expected tokens lead to, each with its stage's name. */
static assay_status judge_forced(assay_explain_judge *judge, const assay_judged *judged,
                                 const assay_table *table, const assay_subject *subject,
                                 const assay_explain_io *made, assay_budget *budget,
                                 assay_arena *arena)
{
    const assay_explain_case *const read = judge->read;
    assay_result *const result = judged->result;
    assay_explain_io io = read->io;
    io.soft = made->soft;
    io.new_tokens = made->new_tokens;
    io.logits = made->logits;
    const assay_stage stage = {.subject = *subject,
                               .io = &io,
                               .output_at = offsetof(assay_explain_io, logits),
                               .row_name = "step"};
    assay_status status = assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT);
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_explain_judge_soft(judge, judged, table, subject, &made->soft);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_explain_judge_logits(judge, judged, table, subject, &made->logits, budget);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_stage_repeat(judged, &stage, judge->logits.expected, budget, arena);
    }
    return status;
}

/* Runs freely first: then no expected token has been seen. */
static assay_status judge_prepared(assay_explain_judge *judge, const assay_judged *judged,
                                   const assay_table *table, const assay_kernel *fused,
                                   const assay_subject *subject, assay_arena *arena)
{
    const assay_explain_case *const read = judge->read;
    assay_result *const result = judged->result;
    assay_explain_io made = {.soft = {.data = NULL}};
    assay_tensor tokens = {.data = NULL};
    assay_budget budget;
    assay_explain_io io = read->io;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = outputs(read, table, arena, &made, judged->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(arena, &made.new_tokens, ASSAY_I64, &tokens, judged->error);
    }
    io.soft = made.soft;
    io.new_tokens = tokens;
    if (status == ASSAY_OK) {
        status = assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_budget(&judge->logits, table, &budget, judged->error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_golden(&judge->soft, true, result, judged->error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS && assay_stage_can_force(fused)) {
        status = judge_forced(judge, judged, table, subject, &made, &budget, arena);
    } else if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_explain_judge_soft(judge, judged, table, subject, &made.soft);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_explain_judge_tokens(judge, judged, tokens.data, &budget);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_refusal_explain(judged, &read->params, &io, arena);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS && judge->logits.witness == NULL &&
        assay_stage_asked_more(judge->context->run, table, result)) {
        status = assay_explain_again(judge, judged, table, fused, subject, &budget);
    }
    return status;
}

static assay_status judge_table(void *opaque, size_t index, assay_result *result,
                                assay_error *error)
{
    explain_judges *const judges = opaque;
    assay_explain_judge *const judge = &judges->judge;
    const assay_case_context *const context = judge->context;
    assay_stage_contracts room;
    const assay_table *const table = assay_stage_contracts_of(&context->run->tables[index],
                                                              ASSAY_OP_explain, &room);
    judge->own = &context->run->tables[index];
    const assay_judged judged = {context->run->sessions[index], result, error};
    const cJSON *const params = context->c->params;
    const bool apart = cJSON_GetObjectItemCaseSensitive(params, "explainer") != NULL;
    char *model = NULL;
    char *explainer = NULL;
    size_t stops = 0;
    (void)assay_style_stops(judge->read->style, &stops);
    assay_status status = assay_checkpoints_folder(context->checkpoints, context->c,
                                                   apart ? "explainer" : "model", &explainer,
                                                   error);
    if (status == ASSAY_OK && !assay_present(&judge->read->io.vectors)) {
        status = assay_checkpoints_folder(context->checkpoints, context->c, "model", &model,
                                          error);
    }
    const assay_stage_files files = {
        .model = model, .explainer = explainer, .stops = stops > 0};
    const assay_subject subject = {.impl = table->name,
                                   .op = ASSAY_OP_explain,
                                   .params = &judge->read->params,
                                   .files = &files};
    if (status == ASSAY_OK) {
        status = assay_judged_prepare(&judged, &subject);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        const assay_kernel *const fused = context->run->tables[index].kernel[ASSAY_OP_explain];
        status = judge_prepared(judge, &judged, table, fused, &subject, judge->soft.arena);
        const bool more = assay_stage_asked_more(context->run, table, result);
        if (status == ASSAY_OK && result->verdict == ASSAY_PASS && judges->fresh.wanted && more) {
            status = assay_fresh_explanation_judge(&judges->fresh, &judged, table, fused, &subject);
        }
        for (int i = 0; i < judges->brief_count && more && status == ASSAY_OK &&
                        result->verdict == ASSAY_PASS; i++) {
            status = assay_brief_judge(&judges->brief[i], &judged, table, fused, &subject);
        }
        const assay_status released = assay_judged_release(&judged);
        status = status != ASSAY_OK ? status : released;
    }
    free(model);
    free(explainer);
    return status;
}

static assay_status prepare(assay_explain_judge *judge, assay_arena *arena, assay_error *error)
{
    assay_scales *const scales = judge->context->scales;
    assay_tensor soft;
    const assay_table *witness = NULL;
    assay_status status =
        assay_explain_chain_make(judge->context, judge->read, arena, &judge->chain, error);
    if (status == ASSAY_OK) {
        status = assay_case_witness(judge->context, &witness, error);
    }
    judge->soft = (assay_chain_case){.chain = &judge->chain.chain,
                                     .output = ASSAY_EXPLAIN_SOFT,
                                     .witness = witness,
                                     .arena = arena,
                                     .scales = scales};
    judge->logits = judge->soft;
    judge->logits.output = ASSAY_EXPLAIN_LOGITS;
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(arena, &judge->read->soft, ASSAY_F64, &soft, error);
        judge->soft.given = soft.data;
    }
    if (status == ASSAY_OK) {
        status = assay_scales_truth(scales, &judge->chain.chain, ASSAY_EXPLAIN_LOGITS, NULL,
                                    &judge->logits.given, error);
    }
    return status;
}

assay_status assay_case_judge_explain(const assay_case_context *context, assay_error *error)
{
    assay_arena arena = {0};
    assay_explain_case read = {.rows = 0};
    explain_judges judges = {.judge = {.context = context, .read = &read}};
    assay_status status = assay_explain_case_read(context, &arena, &read, error);
    if (status == ASSAY_OK) {
        status = prepare(&judges.judge, &arena, error);
    }
    if (status == ASSAY_OK) {
        status = assay_fresh_explanation_make(&judges.judge, &judges.fresh, error);
    }
    if (status == ASSAY_OK) {
        status = assay_brief_make(&judges.judge, judges.brief, &judges.brief_count, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_each(context, judge_table, &judges, error);
    }
    assay_explain_case_free(&read);
    assay_arena_free(&arena);
    return status;
}
