/* Bundle cases `explain`, judged stage by stage: the soft tokens, the logits that they lead to with
 * the expected tokens forced, the free-running tokens, the label. The first to fail is named. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "verify/chain_explain.h"

typedef struct explain_run {
    assay_tensor soft, tokens, logits;
} explain_run;

static assay_status run_table(const assay_explain_case *read, const assay_table *table,
                              const assay_exec *exec, bool forced, explain_run *made)
{
    assay_explain_stage *stage = NULL;
    assay_explain_io io = read->io;
    size_t stops = 0;
    const char *const *const strings = assay_style_stops(read->style, &stops);
    assay_stop stop = {.tokenizer = read->tokenizer, .strings = strings, .count = stops};
    if (!forced) {
        memset(&io.forced, 0, sizeof io.forced);
        if (stops > 0) {
            io.stop = assay_stop_check;
            io.stop_context = &stop;
        }
    } else if (read->steps > 0) {
        io.logits = made->logits;
    }
    io.soft = made->soft;
    io.new_tokens = made->tokens;
    assay_status status = assay_explain_stage_open(table, exec, &read->params, &stage);
    if (status == ASSAY_OK) {
        status = assay_explain_stage_run(stage, &io);
    }
    if (status == ASSAY_OK && stop.status != ASSAY_OK) {
        status = assay_fail(exec->error, stop.status, "%s", stop.error.message);
    }
    assay_explain_stage_close(&stage);
    return status;
}

static assay_status outputs(const assay_explain_case *read, const assay_table *table,
                            assay_arena *arena, explain_run *made, assay_error *error)
{
    const int64_t soft[2] = {read->rows, read->width};
    const int64_t shape[3] = {read->rows, read->steps, read->vocab};
    const assay_dtype type = assay_table_activation(table);
    assay_status status = assay_buffer_make(arena, type, 2, soft, &made->soft, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &made->tokens, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, type, 3, shape, &made->logits, error);
    }
    if (status == ASSAY_OK) {
        assay_buffer_poison(&made->soft);
        assay_buffer_poison(&made->tokens);
        assay_buffer_poison(&made->logits);
    }
    return status;
}

/* The label that a row's tokens make against the manifest's. */
static assay_status judge_label(const assay_case_context *context, const assay_explain_case *read,
                                const int64_t *tokens, int64_t row, assay_result *result,
                                assay_error *error)
{
    const cJSON *const labels = cJSON_GetObjectItemCaseSensitive(context->c->params, "labels");
    const cJSON *const expected = cJSON_GetArrayItem(labels, (int)row);
    const assay_label_rule rule = {.style = read->style};
    char *label = NULL;
    if (labels == NULL) {
        return ASSAY_OK;
    }
    if (!cJSON_IsString(expected)) {
        return assay_case_fail(context, error, "labels: expected %lld strings",
                               (long long)read->rows);
    }
    const assay_status status = assay_label_make(&rule, read->tokenizer, tokens,
                                                 (size_t)read->steps, &label, NULL, error);
    if (status == ASSAY_OK && strcmp(label, expected->valuestring) != 0) {
        result->verdict = ASSAY_FAIL;
        (void)snprintf(result->message, sizeof result->message,
                       "label %lld is '%.200s', expected '%.200s'", (long long)row, label,
                       expected->valuestring);
    }
    free(label);
    return status;
}

static assay_status judge_tokens(const assay_case_context *context, const assay_explain_case *read,
                                 const double *logits, const assay_budget *budget,
                                 const int64_t *got, assay_result *result, assay_error *error)
{
    const int64_t *const expected = read->io.forced.data;
    assay_status status = ASSAY_OK;
    for (int64_t row = 0; row < read->rows && status == ASSAY_OK; row++) {
        const int64_t at = row * read->steps;
        assay_compare_tokens(got + at, expected + at, row, read->steps, logits + at * read->vocab,
                             budget->value + at * read->vocab, read->vocab, result);
        if (result->verdict == ASSAY_PASS &&
            memcmp(got + at, expected + at, (size_t)read->steps * sizeof *got) == 0) {
            status = judge_label(context, read, got + at, row, result, error);
        }
    }
    return status;
}

typedef struct explain_judge {
    const assay_case_context *context;
    const assay_explain_case *read;
    assay_explain_chain chain;
    assay_chain_case soft, logits;
} explain_judge;

/* Prefixes the message of a part with the stage it belongs to. */
static void merge_stage(assay_result *into, assay_result *part, const char *stage)
{
    if (part->verdict != ASSAY_PASS) {
        char detail[ASSAY_MESSAGE_MAX];
        memcpy(detail, part->message, sizeof detail);
        (void)snprintf(part->message, sizeof part->message, "stage %s: %.900s", stage, detail);
    }
    assay_result_merge(into, part);
}

static assay_status judge_table(explain_judge *judge, const assay_table *table,
                                assay_result *result, assay_error *input_error)
{
    assay_error error = {.message = "no reason was given"};
    assay_arena arena = {0};
    explain_run made;
    assay_budget budget[2];
    assay_result part = *result;
    assay_status input = ASSAY_OK;
    const assay_exec exec = assay_case_exec(&error);
    const assay_explain_case *const read = judge->read;
    assay_status status = outputs(read, table, &arena, &made, &error);
    if (status == ASSAY_OK) {
        status = run_table(read, table, &exec, true, &made);
    }
    if (status == ASSAY_OK) {
        status = assay_chain_case_budget(&judge->soft, table, &budget[0], &error);
    }
    if (status == ASSAY_OK) {
        status = assay_chain_case_budget(&judge->logits, table, &budget[1], &error);
    }
    if (status == ASSAY_OK) {
        assay_compare_elements(&made.soft, judge->soft.expected, &budget[0], "vector", false,
                               &part);
        merge_stage(result, &part, "adapter");
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        part = assay_case_result(judge->context, table->name);
        assay_compare_elements(&made.logits, judge->logits.expected, &budget[1], "step", false,
                               &part);
        merge_stage(result, &part, "explainer");
    }
    const double start = assay_now();
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = run_table(read, table, &exec, false, &made);
    }
    result->seconds = assay_now() - start;
    if (status != ASSAY_OK) {
        assay_result_refuse(result, status, &error);
    } else if (result->verdict == ASSAY_PASS) {
        input = judge_tokens(judge->context, read, judge->logits.expected, &budget[1],
                             made.tokens.data, result, input_error);
    }
    assay_arena_free(&arena);
    return input;
}

static assay_status prepare(explain_judge *judge, assay_arena *arena, assay_error *error)
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
        judge->soft.expected = soft.data;
    }
    if (status == ASSAY_OK) {
        status = assay_scales_truth(scales, &judge->chain.chain, ASSAY_EXPLAIN_LOGITS,
                                    &judge->logits.expected, error);
    }
    return status;
}

assay_status assay_case_judge_explain(const assay_case_context *context, assay_error *error)
{
    assay_arena arena = {0};
    assay_explain_case read = {.rows = 0};
    explain_judge judge = {.context = context, .read = &read};
    assay_status status = assay_explain_case_read(context, &arena, &read, error);
    if (status == ASSAY_OK) {
        status = prepare(&judge, &arena, error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < context->run->table_count; i++) {
        const assay_table *const table = &context->run->tables[i];
        if (assay_table_supports(table, ASSAY_OP_explain, NULL) != ASSAY_OK) {
            continue;
        }
        assay_result result = assay_case_result(context, table->name);
        status = judge_table(&judge, table, &result, error);
        if (status == ASSAY_OK) {
            status = assay_case_send(context, &result, error);
        }
    }
    assay_explain_case_free(&read);
    assay_arena_free(&arena);
    return status;
}
