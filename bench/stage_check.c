#include "bench/stage_check.h"

#include <stdlib.h>

#include "bench/outputs.h"
#include "bench/stage_cost.h"
#include "bench/stage_operands.h"
#include "fixtures/io/model_file.h"
#include "kernels/exec/stage.h"
#include "verify/chain_generate.h"
#include "verify/chain_inputs.h"
#include "verify/compare.h"
#include "verify/stage_judge.h"
#include "verify/step_truth.h"

/* More arithmetic than this, the replicas' included, is not worth a timing. */
static const double work_most = 0x1p33;

typedef struct stage_check {
    assay_stage_case read;
    assay_model_file model;
    assay_stage_params params;
    assay_stage_operands operands;
    const assay_table *table; /* of contracts */
    const cJSON *outputs;
    int output;
    uint64_t seed;
    assay_arena arena;
    assay_result *result;
    assay_error *error;
} stage_check;

static assay_status run_capture(const void *context, assay_chain_pass *pass)
{
    const stage_check *const c = context;
    const assay_capture_io *const from = &c->operands.capture;
    const int64_t width = from->residual.shape[1];
    const int64_t shape[2] = {from->residual.shape[0] * pass->replicas, width};
    assay_error *const error = pass->exec.error;
    assay_capture_io io = {.tokens = from->tokens};
    assay_capture_stage *stage = NULL;
    assay_arena arena = {0};
    if (pass->perturbation != NULL) {
        pass->perturbation->given[0] = c->model.model.embed.data;
    }
    assay_status status = assay_repeat(&arena, &from->tokens, pass->replicas, &io.tokens, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(&arena, &from->lengths, pass->replicas, &io.lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&arena, ASSAY_F64, 2, shape, &io.residual, error);
    }
    if (status == ASSAY_OK) {
        status = assay_capture_stage_open(pass->table, &pass->exec, &c->params.capture, &stage);
    }
    if (status == ASSAY_OK) {
        status = assay_capture_stage_run(stage, &io);
    }
    if (status == ASSAY_OK) {
        assay_chain_tap(pass, 0, &io.residual, NULL, from->residual.shape[0], 0);
    }
    assay_capture_stage_close(&stage);
    assay_arena_free(&arena);
    return status;
}

/* Truth and budget of a chain's one output. */
static assay_status budget_of(stage_check *c, const assay_chain *chain, double **truth,
                              assay_budget *budget)
{
    const assay_chain_output *const output = chain->output;
    const size_t count = (size_t)(output->rows * output->columns);
    float *const scale = assay_arena_take(&c->arena, count * sizeof *scale);
    double *const value = assay_arena_take(&c->arena, count * sizeof *value);
    *truth = assay_arena_take(&c->arena, count * sizeof **truth);
    if (scale == NULL || value == NULL || *truth == NULL) {
        return assay_fail(c->error, ASSAY_NO_MEMORY, "no memory for a stage's budget");
    }
    float *const scales[1] = {scale};
    double *const truths[1] = {*truth};
    const assay_status status = assay_chain_scales(chain, c->table, truths, scales, c->error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        value[i] = assay_chain_kappa() * (double)scale[i];
    }
    *budget = (assay_budget){output->rows, output->columns, value, NULL, 0};
    if (status == ASSAY_OK) {
        assay_floor_by_agreement(*truth, budget);
    }
    return status;
}

static assay_status check_capture(stage_check *c)
{
    const assay_tensor *const residual = &c->operands.capture.residual;
    const assay_chain_output output = {"residual", residual->shape[0], residual->shape[1]};
    const assay_chain chain = {
        .run = run_capture,
        .context = c,
        .key = "timed",
        .output = &output,
        .output_count = 1,
        .seed = c->seed,
        .bytes = assay_activation_bytes(&c->model.model, c->operands.rows, 0, 0)};
    double *truth = NULL;
    assay_budget budget;
    assay_tensor got;
    assay_status status = assay_outputs_find(c->outputs, c->output, "residual",
                                             assay_count(residual), &c->arena, &got, c->error);
    if (status == ASSAY_OK) {
        status = budget_of(c, &chain, &truth, &budget);
    }
    if (status == ASSAY_OK) {
        assay_compare_elements(&got, truth, &budget, "row", true, c->result);
    }
    return status;
}

/* The truth's logits at one step, after the tokens that the run itself chose before. */
typedef struct token_row {
    int64_t row, step;
    const double *logits, *budget;
    int64_t vocab;
} token_row;

/* Acceptable: l_top - l_t <= b_top + b_t (METHOD A.3). The first that is not is told. */
static void judge_token(const token_row *at, int64_t token, assay_result *result)
{
    int64_t top = 0;
    for (int64_t j = 1; j < at->vocab; j++) {
        top = at->logits[j] > at->logits[top] ? j : top;
    }
    const double gap = at->logits[top] - at->logits[token];
    const double allowed = at->budget[top] + at->budget[token];
    result->compared++;
    result->undecided += token != top && gap <= allowed;
    if (gap > 0.0 && result->budget_used < gap / allowed) {
        result->budget_used = gap / allowed;
    }
    if (!(gap <= allowed) && result->verdict == ASSAY_PASS) {
        result->verdict = ASSAY_FAIL;
        result->check = ASSAY_CHECK_TOKENS;
        (void)snprintf(result->message, sizeof result->message,
                       "row %lld, step %lld: token %lld, but the logit of token %lld is greater "
                       "by %.4g (budget %.3g)",
                       (long long)at->row, (long long)at->step, (long long)token, (long long)top,
                       gap, allowed);
    }
}

/* Every token of the run, given those before it. */
static assay_status check_tokens(stage_check *c, const assay_generate_params *params,
                                 assay_generate_io *io)
{
    const int64_t batch = io->tokens.shape[0];
    const int64_t steps = params->max_new_tokens;
    const int64_t vocab = params->model.vocab;
    assay_generate_chain chain;
    double *truth = NULL;
    assay_budget budget;
    assay_tensor got;
    assay_status status = assay_outputs_find(c->outputs, c->output, "new_tokens", batch * steps,
                                             &c->arena, &got, c->error);
    if (status != ASSAY_OK || got.dtype != ASSAY_I64) {
        return status != ASSAY_OK ? status : assay_outputs_bad(c->error);
    }
    int64_t *const token = got.data;
    for (int64_t i = 0; i < batch * steps; i++) {
        if (token[i] < 0 || token[i] >= vocab) {
            c->result->verdict = ASSAY_FAIL;
            (void)snprintf(c->result->message, sizeof c->result->message,
                           "row %lld, step %lld: %lld is no token", (long long)(i / steps),
                           (long long)(i % steps), (long long)token[i]);
            return ASSAY_OK;
        }
    }
    io->forced = assay_matrix(token, ASSAY_I64, batch, steps);
    assay_generate_chain_set(params, io, "timed", c->seed, &chain);
    status = budget_of(c, &chain.chain, &truth, &budget);
    for (int64_t i = 0; i < batch * steps && status == ASSAY_OK; i++) {
        const token_row row = {i / steps, i % steps, truth + i * vocab, budget.value + i * vocab,
                               vocab};
        judge_token(&row, token[i], c->result);
    }
    return status;
}

static assay_status check_soft(stage_check *c, assay_tensor *soft)
{
    const assay_explain_io *const from = &c->operands.explain;
    const assay_kernel *const kernel = c->table->kernel[ASSAY_OP_adapter];
    assay_result part = {.verdict = ASSAY_PASS, .cosine = 1.0};
    const assay_adapter_io io = {.x = from->vectors, .y = from->soft};
    const assay_step step = {.op = ASSAY_OP_adapter, .params = &c->params.explain.adapter,
                             .io = &io, .allow_void = true};
    assay_any_io seen;
    assay_step_truth truth;
    assay_status status = assay_outputs_find(c->outputs, c->output, "soft",
                                             assay_count(&from->soft), &c->arena, soft, c->error);
    assay_step_blank(&step, &seen);
    seen.adapter = io;
    if (status == ASSAY_OK) {
        status = assay_step_truth_make(&kernel->precision, &step, &seen, &c->arena, &truth, &part,
                                       c->error);
    }
    if (status == ASSAY_OK) {
        seen.adapter.y = *soft;
        assay_step_compare(&step, &truth, &seen, &part);
        assay_result_merge(c->result, &part);
    }
    return status;
}

static assay_status check_explain(stage_check *c)
{
    const assay_explain_io *const from = &c->operands.explain;
    const int64_t rows = c->read.batch;
    const int64_t places = from->placeholder.shape[0];
    const int64_t length = from->prompt.shape[0];
    const int64_t width = from->vectors.shape[1];
    const int64_t soft_shape[2] = {rows * places, width};
    const int64_t pairs[2] = {rows * places, 2};
    const assay_tensor prompt = assay_matrix(from->prompt.data, ASSAY_I64, 1, length);
    assay_generate_io io = {.stop = NULL};
    assay_tensor soft;
    assay_status status = check_soft(c, &soft);
    if (status != ASSAY_OK || c->result->verdict != ASSAY_PASS) {
        return status;
    }
    status = assay_repeat(&c->arena, &prompt, rows, &io.tokens, c->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&c->arena, ASSAY_I64, 1, &rows, &io.lengths, c->error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&c->arena, ASSAY_F64, 2, soft_shape, &io.soft, c->error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&c->arena, ASSAY_I64, 2, pairs, &io.soft_at, c->error);
    }
    for (int64_t i = 0; status == ASSAY_OK && i < rows * places; i++) {
        const int64_t row = i / places;
        ((int64_t *)io.lengths.data)[row] = length;
        ((int64_t *)io.soft_at.data)[2 * i] = row;
        ((int64_t *)io.soft_at.data)[2 * i + 1] =
            ((const int64_t *)from->placeholder.data)[i % places];
        for (int64_t j = 0; j < width; j++) {
            ((double *)io.soft.data)[i * width + j] = assay_buffer_get(&soft, row * width + j);
        }
    }
    return status == ASSAY_OK ? check_tokens(c, &c->params.explain.generate, &io) : status;
}

static assay_status check(stage_check *c, assay_op op, bool *judged)
{
    const assay_stage_size size = {.op = op,
                                   .batch = c->read.batch,
                                   .tokens = c->operands.rows,
                                   .new_tokens = c->read.new_tokens,
                                   .hook = c->params.capture.hook};
    assay_bench_work work;
    assay_stage_work(&c->model.model, &size, &work);
    *judged = work.flops * (1.0 + ASSAY_CHAIN_RUNS) <= work_most;
    if (!*judged) {
        return ASSAY_OK;
    }
    c->result->verdict = ASSAY_PASS;
    c->result->cosine = 1.0;
    return op == ASSAY_OP_capture    ? check_capture(c)
           : op == ASSAY_OP_generate ? check_tokens(c, &c->params.generate, &c->operands.generate)
                                     : check_explain(c);
}

assay_status assay_check_stage(const cJSON *json, const assay_table *table, uint64_t seed,
                               const cJSON *outputs, int output, bool *judged,
                               assay_result *result, assay_error *error)
{
    stage_check c = {.outputs = outputs, .output = output, .seed = seed, .result = result,
                     .error = error};
    assay_stage_contracts room;
    assay_status status = assay_stage_case_read(json, &c.read, error);
    if (status == ASSAY_OK) {
        c.table = assay_stage_contracts_of(table, c.read.op, &room);
        status = assay_model_open(c.read.checkpoint, &c.model, error);
    }
    if (status == ASSAY_OK) {
        status = assay_stage_params_make(&c.read, &c.model.model, &c.arena, &c.params, error);
    }
    if (status == ASSAY_OK) {
        status = assay_stage_operands_make(&c.read, &c.model.model, assay_table_activation(c.table),
                                           &c.arena, &c.operands, error);
    }
    if (status == ASSAY_OK) {
        status = assay_stage_operands_renew(&c.operands, seed, error);
    }
    if (status == ASSAY_OK) {
        status = check(&c, c.read.op, judged);
    }
    assay_arena_free(&c.arena);
    assay_model_close(&c.model);
    return status;
}
