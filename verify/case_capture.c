/* Bundle cases `capture` and `logits`: a model over a ragged batch, judged with chain budgets. */
#include "kernels/exec/stage.h"
#include "verify/chain_capture.h"

typedef struct capture_chain {
    assay_capture_params params;
    assay_tensor tokens, lengths, positions;
    int64_t rows, columns;
    bool logits;
} capture_chain;

static assay_status run_table(const capture_chain *chain, const assay_table *table,
                              const assay_exec *exec, assay_arena *arena, assay_tensor *residual)
{
    const int64_t shape[2] = {chain->rows, chain->columns};
    assay_status status = assay_buffer_make(arena, assay_table_activation(table), 2, shape,
                                            residual, exec->error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_buffer_poison(residual);
    if (chain->logits) {
        const assay_logits_io io = {chain->tokens, chain->lengths, *residual};
        assay_logits_stage *stage = NULL;
        status = assay_logits_stage_open(table, exec, &chain->params.model, &stage);
        if (status == ASSAY_OK) {
            status = assay_logits_stage_run(stage, &io);
        }
        assay_logits_stage_close(&stage);
        return status;
    }
    const assay_capture_io io = {.tokens = chain->tokens,
                                 .lengths = chain->lengths,
                                 .positions = chain->positions,
                                 .residual = *residual};
    assay_capture_stage *stage = NULL;
    status = assay_capture_stage_open(table, exec, &chain->params, &stage);
    if (status == ASSAY_OK) {
        status = assay_capture_stage_run(stage, &io);
    }
    assay_capture_stage_close(&stage);
    return status;
}

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
    if (assay_present(&chain->positions)) {
        chain->rows = chain->positions.shape[0];
    } else {
        for (int64_t b = 0; b < chain->lengths.shape[0]; b++) {
            chain->rows += (int64_t)assay_at1(&chain->lengths, b);
        }
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

static void judge_table(const capture_chain *chain, const assay_chain_case *chain_case,
                        const assay_table *table, assay_result *result)
{
    assay_error error = {.message = "no reason was given"};
    assay_arena arena = {0};
    assay_tensor residual;
    assay_budget budget;
    const assay_exec exec = assay_case_exec(&error);
    const double start = assay_now();
    assay_status status = run_table(chain, table, &exec, &arena, &residual);
    result->seconds = assay_now() - start;
    if (status == ASSAY_OK) {
        status = assay_chain_case_budget(chain_case, table, &budget, &error);
    }
    if (status == ASSAY_OK) {
        assay_compare_elements(&residual, chain_case->expected, &budget, "row", false, result);
    } else {
        assay_result_refuse(result, status, &error);
    }
    assay_arena_free(&arena);
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
        chain_case.expected = wide.data;
        status = assay_capture_chain_make(context, &chain.params.model, &chain.tokens,
                                          &chain.lengths, &arena, &scales, error);
        chain_case.output = scales.own;
    }
    for (size_t i = 0; status == ASSAY_OK && i < context->run->table_count; i++) {
        const assay_table *const table = &context->run->tables[i];
        if (assay_table_supports(table, ASSAY_OP_capture, NULL) != ASSAY_OK) {
            continue;
        }
        assay_result result = assay_case_result(context, table->name);
        judge_table(&chain, &chain_case, table, &result);
        status = assay_case_send(context, &result, error);
    }
    assay_arena_free(&arena);
    return status;
}
