/* Bundle cases `capture` and `logits`: a model over a ragged batch, judged with chain budgets. */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/stage.h"
#include "verify/capture_again.h"
#include "verify/capture_fresh.h"
#include "verify/chain_capture.h"
#include "verify/stage_judge.h"

typedef struct capture_chain {
    assay_capture_params params;
    assay_tensor tokens, lengths, positions;
    int64_t rows, columns;
    bool logits;
} capture_chain;

typedef struct capture_judge {
    const assay_case_context *context;
    const capture_chain *chain;
    assay_chain_case *chain_case;
    assay_fresh_capture *fresh;
} capture_judge;

static assay_status read_inputs(const assay_case_context *context, capture_chain *chain,
                                assay_tensor *expected, assay_error *error)
{
    const assay_model_file *model = NULL;
    const char *hook = NULL;
    assay_status status =
        assay_checkpoints_model(context->checkpoints, context->c, "model", &model, error);
    if (status != ASSAY_OK) {
        return status;
    }
    chain->params.model = model->model;
    if (chain->logits) {
        chain->params.hook.kind = ASSAY_HOOK_FINAL_NORM;
    } else {
        status = assay_case_text(context, "hook", &hook, error);
        if (status == ASSAY_OK) {
            status = assay_hook_parse(hook, &model->model, &chain->params.hook, error);
        }
    }
    if (status == ASSAY_OK) {
        status = assay_case_in(context, "tokens", true, &chain->tokens, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_in(context, "lengths", true, &chain->lengths, error);
    }
    if (status == ASSAY_OK && !chain->logits) {
        status = assay_case_in(context, "positions", false, &chain->positions, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_out(context, chain->logits ? "logits" : "residual", true, expected,
                                error);
    }
    return status;
}

/* The rows and columns that the inputs give, checked against the expectation's. */
static assay_status shape_chain(const assay_case_context *context, capture_chain *chain,
                                const assay_tensor *expected, assay_error *error)
{
    int64_t longest = 0;
    const assay_status status =
        assay_check_prompts(&chain->tokens, &chain->lengths, chain->params.model.vocab,
                            &chain->rows, &longest, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_present(&chain->positions)) {
        chain->rows = chain->positions.shape[0];
    }
    chain->columns = chain->logits ? chain->params.model.vocab : chain->params.model.d_model;
    if (expected->rank != 2 || expected->shape[0] != chain->rows ||
        expected->shape[1] != chain->columns) {
        return assay_case_fail(context, error,
                               "the expectation is [%lld, %lld], the inputs give [%lld, %lld]",
                               (long long)expected->shape[0],
                               (long long)(expected->rank > 1 ? expected->shape[1] : 1),
                               (long long)chain->rows, (long long)chain->columns);
    }
    return ASSAY_OK;
}

/* A capture_judge's case for one implementation. */
static assay_status judge_table(void *opaque, size_t index, assay_result *result,
                                assay_error *error)
{
    const capture_judge *const judge = opaque;
    const assay_case_context *const context = judge->context;
    const capture_chain *const chain = judge->chain;
    assay_chain_case *const chain_case = judge->chain_case;
    assay_arena *const arena = chain_case->arena;
    assay_stage_contracts room;
    const assay_table *const table = assay_stage_contracts_of(&context->run->tables[index],
                                                              ASSAY_OP_capture, &room);
    const assay_judged judged = {context->run->sessions[index], result, error};
    if (chain->logits && context->run->tables[index].kernel[ASSAY_OP_embed] == NULL) {
        result->verdict = ASSAY_SKIP;
        (void)snprintf(result->message, sizeof result->message,
                       "logits are composed of the step ops, of which '%s' has no embed: give it "
                       "those too, or judge its stages by capture, generate and explain",
                       table->name);
        return ASSAY_OK;
    }
    const int64_t shape[2] = {chain->rows, chain->columns};
    char *folder = NULL;
    assay_budget budget;
    assay_tensor residual;
    assay_status status = assay_checkpoints_folder(context->checkpoints, context->c, "model",
                                                   &folder, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, assay_table_activation(table), 2, shape, &residual,
                                   error);
    }
    if (status != ASSAY_OK) {
        free(folder);
        return status;
    }
    const assay_stage_files files = {.model = folder};
    const assay_subject subject = {.impl = table->name,
                                   .op = ASSAY_OP_capture,
                                   .logits = chain->logits,
                                   .params = &chain->params,
                                   .files = &files};
    const assay_capture_io capture = {.tokens = chain->tokens,
                                      .lengths = chain->lengths,
                                      .positions = chain->positions,
                                      .residual = residual};
    const assay_logits_io logits = {chain->tokens, chain->lengths, residual};
    const assay_stage stage = {.subject = subject,
                               .io = chain->logits ? (const void *)&logits : &capture,
                               .output_at = chain->logits
                                                ? offsetof(assay_logits_io, logits)
                                                : offsetof(assay_capture_io, residual),
                               .row_name = "row"};
    status = assay_judged_prepare(&judged, &subject);
    if (status != ASSAY_OK || result->verdict != ASSAY_PASS) {
        free(folder);
        return status;
    }
    status = assay_judged_run(&judged, stage.io, ASSAY_PLACE_RIGHT);
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_budget(chain_case, table, &budget, error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_golden(chain_case, true, result, error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        assay_compare_elements(&residual, chain_case->expected, &budget, stage.row_name, false,
                               result);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_stage_repeat(&judged, &stage, chain_case->expected, &budget, arena);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS && chain_case->witness == NULL &&
        assay_stage_asked_more(context->run, table, result)) {
        status = assay_capture_again(&judged, &stage, chain_case->expected, &budget, arena);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS && judge->fresh->wanted &&
        assay_stage_asked_more(context->run, table, result)) {
        status = assay_fresh_capture_judge(judge->fresh, &judged, &subject, table);
    }
    const assay_status released = assay_judged_release(&judged);
    free(folder);
    return status != ASSAY_OK ? status : released;
}

assay_status assay_case_judge_capture(const assay_case_context *context, bool logits,
                                      assay_error *error)
{
    assay_arena arena = {0};
    capture_chain chain = {.logits = logits};
    assay_capture_chain scales;
    assay_chain_case chain_case = {
        .chain = &scales.chain, .arena = &arena, .scales = context->scales};
    assay_tensor expected;
    assay_tensor wide;
    assay_fresh_capture fresh = {.wanted = false};
    assay_status status = read_inputs(context, &chain, &expected, error);
    if (status == ASSAY_OK) {
        status = shape_chain(context, &chain, &expected, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_witness(context, &chain_case.witness, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(&arena, &expected, ASSAY_F64, &wide, error);
    }
    if (status == ASSAY_OK) {
        chain_case.given = wide.data;
        status = assay_capture_chain_make(context, &chain.params.model, &chain.tokens,
                                          &chain.lengths, &arena, &scales, error);
        chain_case.output = scales.own;
    }
    if (status == ASSAY_OK && !logits) {
        status = assay_fresh_capture_make(context, &chain.params.model, &arena, &fresh, error);
    }
    if (status == ASSAY_OK) {
        capture_judge judge = {context, &chain, &chain_case, &fresh};
        status = assay_case_each(context, judge_table, &judge, error);
    }
    assay_drawn_model_release(&fresh.model);
    assay_arena_free(&arena);
    return status;
}
