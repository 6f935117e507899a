#include "verify/explain_judge.h"

#include <stdlib.h>

#include "fixtures/io/json_file.h"
#include "kernels/exec/stage.h"
#include "verify/explain_blame.h"

/* Texts may hold NULs, which end what a message shows of them. */
static size_t first_difference(const char *a, const char *b, size_t size)
{
    size_t i = 0;
    while (i < size && a[i] == b[i]) {
        i++;
    }
    return i;
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
    char *wanted = NULL;
    size_t size = 0;
    size_t wanted_size = 0;
    if (labels == NULL) {
        return ASSAY_OK;
    }
    if (!cJSON_IsString(expected)) {
        return assay_case_fail(context, error, "labels: expected %lld strings",
                               (long long)read->rows);
    }
    assay_status status = assay_case_host(context)->label(
        &rule, read->tokenizer, tokens, (size_t)read->steps, &label, &size, error);
    if (status == ASSAY_OK) {
        status = assay_json_bytes(expected->valuestring, &wanted, &wanted_size, error);
    }
    if (status == ASSAY_OK &&
        (size != wanted_size || memcmp(label, wanted, wanted_size) != 0)) {
        result->verdict = ASSAY_FAIL;
        result->check = ASSAY_CHECK_TEXT;
        const size_t same = first_difference(label, wanted, size < wanted_size ? size
                                                                               : wanted_size);
        (void)snprintf(result->message, sizeof result->message,
                       "label %lld is '%.200s', expected '%.200s': they differ at byte %zu of %zu, "
                       "%zu expected", (long long)row, label, wanted, same, size, wanted_size);
    }
    free(label);
    free(wanted);
    return status;
}

assay_status assay_explain_judge_tokens(const assay_explain_judge *judge,
                                        const assay_judged *judged, const int64_t *got,
                                        const assay_budget *budget)
{
    const assay_explain_case *const read = judge->read;
    const double *const logits = judge->logits.expected;
    assay_result *const result = judged->result;
    const int64_t *const expected = read->io.forced.data;
    assay_status status = ASSAY_OK;
    for (int64_t row = 0; row < read->rows && status == ASSAY_OK; row++) {
        const int64_t at = row * read->steps;
        assay_compare_tokens(got + at, expected + at, row, read->steps, logits + at * read->vocab,
                             budget->value + at * read->vocab, read->vocab,
                             judge->logits.expected != judge->logits.given, result);
        if (result->verdict == ASSAY_PASS &&
            memcmp(got + at, expected + at, (size_t)read->steps * sizeof *got) == 0) {
            status = judge_label(judge->context, read, got + at, row, result, judged->error);
        }
    }
    return status;
}

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

static assay_status blame_for(const assay_explain_judge *judge, const assay_judged *judged,
                              const assay_table *table, const assay_subject *subject,
                              assay_explain_blame *blame)
{
    *blame = (assay_explain_blame){.session = judged->session,
                                   .subject = subject,
                                   .table = judge->own,
                                   .read = judge->read,
                                   .type = assay_table_activation(table),
                                   .arena = judge->soft.arena,
                                   .error = judged->error};
    return assay_scales_truth(judge->context->scales, &judge->chain.chain, ASSAY_EXPLAIN_SOFT,
                              assay_contracts_round(table) ? table : NULL, &blame->soft_truth,
                              judged->error);
}

assay_status assay_explain_judge_soft(assay_explain_judge *judge, const assay_judged *judged,
                                      const assay_table *table, const assay_subject *subject,
                                      const assay_tensor *soft)
{
    assay_result part = assay_case_result(judge->context, table->name);
    const char *stage = "adapter";
    assay_explain_blame blame;
    assay_budget budget;
    assay_status status = assay_chain_case_budget(&judge->soft, table, &budget, judged->error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_compare_elements(soft, judge->soft.expected, &budget, "vector", false, &part);
    if (part.verdict == ASSAY_FAIL) {
        status = blame_for(judge, judged, table, subject, &blame);
        if (status == ASSAY_OK) {
            status = assay_blame_soft(&blame, judge->soft.expected, &budget, &stage);
        }
    }
    merge_stage(judged->result, &part, stage);
    return status;
}

assay_status assay_explain_judge_logits(const assay_explain_judge *judge,
                                        const assay_judged *judged, const assay_table *table,
                                        const assay_subject *subject, const assay_tensor *logits,
                                        const assay_budget *budget)
{
    assay_result part = assay_case_result(judge->context, table->name);
    const char *stage = "explainer";
    assay_explain_blame blame;
    assay_status status = ASSAY_OK;
    assay_compare_elements(logits, judge->logits.expected, budget, "step", false, &part);
    if (part.verdict == ASSAY_FAIL) {
        status = blame_for(judge, judged, table, subject, &blame);
        if (status == ASSAY_OK) {
            status = assay_blame_logits(&blame, judge->logits.expected, budget, &stage);
        }
    }
    merge_stage(judged->result, &part, stage);
    return status;
}
