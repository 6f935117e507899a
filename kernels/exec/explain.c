/* explain: rows captured or given, through the adapter, then generated from in batches that fit in
 * memory; where a generation has rows that wait for others to end, a batch is long, since between
 * two of them its slots stand empty. A row's text does not depend on its batch. */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/memory.h"
#include "kernels/exec/stage.h"
#include "kernels/exec/bind.h"

enum {
    BATCH_MOST = 64,    /* beyond it, weights are read often enough to hide their reading */
    BATCH_QUEUED = 2048 /* of prompts that may wait: bounds the copies of their soft tokens */
};

struct assay_explain_stage {
    assay_bound_explain fused; /* kernel NULL: composed */
    assay_runner runner;
    assay_dtype type;
    int64_t width; /* d_model of the explainer */
    bool queues;   /* the generation bounds what runs at once by itself */
    assay_generate_params params;
    assay_bound_adapter adapter;
    assay_capture_stage *capture; /* NULL when the params name no subject */
    int64_t captured_width;
    assay_generate_stage *generate;
};

assay_status assay_explain_stage_open(const assay_table *table, const assay_exec *exec,
                                      const assay_explain_params *params,
                                      assay_explain_stage **stage)
{
    assay_explain_stage *made = calloc(1, sizeof *made);
    *stage = NULL;
    if (made == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for an explanation");
    }
    assay_runner_open(&made->runner, exec, table);
    made->type = assay_table_activation(table);
    made->width = params->generate.model.d_model;
    made->queues = table->kernel[ASSAY_OP_generate] == NULL && made->runner.accelerator == NULL;
    made->params = params->generate;
    made->captured_width = params->capture.model.d_model;
    assay_status status = ASSAY_OK;
    if (table->kernel[ASSAY_OP_explain] != NULL) {
        status = assay_bind_explain(&made->runner, table, params, &made->fused);
    } else {
        status = assay_bind_adapter(&made->runner, table, &params->adapter, &made->adapter);
        if (status == ASSAY_OK && params->capture.model.layers > 0) {
            status = assay_capture_stage_open(table, exec, &params->capture, &made->capture);
        }
        if (status == ASSAY_OK) {
            status = assay_generate_stage_open(table, exec, &params->generate, &made->generate);
        }
    }
    *stage = made;
    if (status != ASSAY_OK) {
        assay_explain_stage_close(stage);
    }
    return status;
}

void assay_explain_stage_close(assay_explain_stage **stage)
{
    if (*stage == NULL) {
        return;
    }
    assay_unbind_explain(&(*stage)->runner, &(*stage)->fused);
    assay_unbind_adapter(&(*stage)->runner, &(*stage)->adapter);
    assay_capture_stage_close(&(*stage)->capture);
    assay_generate_stage_close(&(*stage)->generate);
    assay_runner_close(&(*stage)->runner);
    free(*stage);
    *stage = NULL;
}

static assay_status check_explain(const assay_explain_stage *stage, const assay_explain_io *io,
                                  int64_t n)
{
    assay_error *const error = stage->runner.exec.error;
    const assay_tensor *const prompt = &io->prompt;
    const assay_tensor *const placeholder = &io->placeholder;
    if (assay_present(&io->vectors) == assay_present(&io->tokens)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "explain: give either vectors or tokens to capture them from");
    }
    if (!assay_present(&io->vectors) && stage->capture == NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "explain: rows are to be captured, but no subject model was given");
    }
    if (!assay_present(&io->vectors) && !assay_present(&io->positions)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "explain: positions of the rows to capture are missing");
    }
    if (!assay_present(prompt) || !assay_is_int(prompt) || prompt->rank != 1 ||
        prompt->shape[0] < 1 || !assay_present(placeholder) || !assay_is_int(placeholder) ||
        placeholder->rank != 1) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "explain: prompt and placeholder must be vectors of integers");
    }
    const int64_t width = assay_present(&io->vectors) && io->vectors.rank == 2
                              ? io->vectors.shape[1]
                              : stage->captured_width;
    if (width != stage->width) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "explain: vectors are %lld wide, the explainer's embeddings %lld",
                          (long long)width, (long long)stage->width);
    }
    if (assay_present(&io->vectors)) {
        const assay_status status = assay_check_matrix("vectors", &io->vectors, ASSAY_NONE, n,
                                                       width, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return assay_check_matrix("soft", &io->soft, stage->type, n, stage->width, error);
}

/* The rows to explain -> soft, through the adapter. */
static assay_status make_soft(assay_explain_stage *stage, const assay_explain_io *io, int64_t n)
{
    void *memory = NULL;
    assay_tensor x = io->vectors;
    assay_status status = ASSAY_OK;
    if (!assay_present(&x)) {
        assay_layout layout = {0};
        assay_layout_place(&layout, &x, stage->type, n, stage->width);
        status = assay_space_take(&stage->runner, layout.bytes, "captured rows", &memory);
        if (status == ASSAY_OK) {
            assay_layout_settle(memory, &x);
            assay_space_mark(&stage->runner, &x);
            const assay_capture_io capture = {.tokens = io->tokens,
                                              .lengths = io->lengths,
                                              .positions = io->positions,
                                              .residual = x};
            status = assay_capture_stage_run(stage->capture, &capture);
        }
    }
    if (status == ASSAY_OK) {
        const assay_adapter_io adapt = {.x = x, .y = io->soft};
        status = assay_call_adapter(&stage->runner, &stage->adapter, &adapt);
    }
    assay_space_return(&stage->runner, &memory);
    return status;
}

/* Prompts of one generation: where none of them waits, what their caches, activations and logits
 * need must be a small part of the memory that is free. */
static int64_t batch_size(const assay_explain_stage *stage, int64_t length)
{
    const assay_model *const model = &stage->params.model;
    const int64_t kv = model->kv_heads * model->head_dim;
    const int64_t row = 4 * model->d_model + model->heads * model->head_dim + 2 * kv +
                        2 * model->d_ff;
    const int64_t cached = 2 * model->layers * kv * (length + stage->params.max_new_tokens);
    const double bytes = ((double)(row * length) + (double)cached + (double)model->vocab) *
                         (double)assay_dtype_size(stage->type);
    const double room = (double)stage->runner.exec.device.memory_bytes / 8.0;
    const double fit = room > 0.0 ? room / bytes : 1.0 * BATCH_MOST;
    return stage->queues       ? BATCH_QUEUED
           : fit >= BATCH_MOST ? BATCH_MOST
           : fit < 1.0         ? 1
                               : (int64_t)fit;
}

/* The inputs of one batch: prompts repeated, each soft row at each of its prompt's placeholders. */
typedef struct explain_batch {
    void *block;
    assay_tensor tokens, lengths, stream, soft, soft_at;
    assay_stop_fn *stop;
    void *stop_context;
    int64_t first;
} explain_batch;

static bool stop_in_batch(void *context, int64_t row, const int64_t *tokens, int64_t count)
{
    const explain_batch *const batch = context;
    return batch->stop(batch->stop_context, batch->first + row, tokens, count);
}

static assay_status reserve_batch(const assay_explain_stage *stage, const assay_explain_io *io,
                                  int64_t rows, explain_batch *batch)
{
    const int64_t places = io->placeholder.shape[0];
    assay_layout layout = {0};
    assay_layout_place(&layout, &batch->tokens, ASSAY_I64, rows, io->prompt.shape[0]);
    assay_layout_place(&layout, &batch->lengths, ASSAY_I64, rows, 1);
    assay_layout_place(&layout, &batch->stream, ASSAY_I64, rows, 1);
    assay_layout_place(&layout, &batch->soft, stage->type, rows * places, stage->width);
    assay_layout_place(&layout, &batch->soft_at, ASSAY_I64, rows * places, 2);
    const assay_status status = assay_memory_take(&stage->runner.exec, layout.bytes,
                                                  "repeated prompts", &batch->block);
    if (status == ASSAY_OK) {
        assay_layout_settle(batch->block, &batch->tokens);
        assay_layout_settle(batch->block, &batch->lengths);
        assay_layout_settle(batch->block, &batch->stream);
        assay_layout_settle(batch->block, &batch->soft);
        assay_layout_settle(batch->block, &batch->soft_at);
    }
    return status;
}

static void fill_batch(const assay_explain_io *io, int64_t rows, explain_batch *batch)
{
    const int64_t length = io->prompt.shape[0];
    const int64_t places = io->placeholder.shape[0];
    const size_t size = assay_dtype_size(io->soft.dtype);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t t = 0; t < length; t++) {
            ((int64_t *)batch->tokens.data)[r * length + t] = assay_int1(&io->prompt, t);
        }
        ((int64_t *)batch->lengths.data)[r] = length;
        ((int64_t *)batch->stream.data)[r] = batch->first + r;
        for (int64_t p = 0; p < places; p++) {
            const int64_t s = r * places + p;
            ((int64_t *)batch->soft_at.data)[2 * s] = r;
            ((int64_t *)batch->soft_at.data)[2 * s + 1] = assay_int1(&io->placeholder, p);
            for (int64_t i = 0; i < io->soft.shape[1]; i++) {
                const int64_t from = (batch->first + r) * io->soft.stride[0] +
                                     i * io->soft.stride[1];
                memcpy((char *)batch->soft.data + (size_t)(s * io->soft.shape[1] + i) * size,
                       (const char *)io->soft.data + (size_t)from * size, size);
            }
        }
    }
}

/* Rows first .. first+rows-1 of an optional output or input. */
static assay_tensor part_of(const assay_tensor *tensor, int64_t first, int64_t rows)
{
    assay_tensor part = *tensor;
    if (assay_present(tensor)) {
        part.shape[0] = rows;
        part.data = (char *)tensor->data +
                    first * tensor->stride[0] * (int64_t)assay_dtype_size(tensor->dtype);
    }
    return part;
}

static assay_status generate_part(assay_explain_stage *stage, const assay_explain_io *io,
                                  int64_t rows, explain_batch *batch)
{
    fill_batch(io, rows, batch);
    const bool soft = batch->soft_at.shape[0] > 0;
    const assay_generate_io part = {
        .tokens = part_of(&batch->tokens, 0, rows),
        .lengths = assay_vector(batch->lengths.data, ASSAY_I64, rows),
        .soft = soft ? part_of(&batch->soft, 0, rows * io->placeholder.shape[0])
                     : (assay_tensor){0},
        .soft_at = soft ? part_of(&batch->soft_at, 0, rows * io->placeholder.shape[0])
                        : (assay_tensor){0},
        .stream = assay_vector(batch->stream.data, ASSAY_I64, rows),
        .forced = part_of(&io->forced, batch->first, rows),
        .stop = batch->stop != NULL ? stop_in_batch : NULL,
        .stop_context = batch,
        .new_tokens = part_of(&io->new_tokens, batch->first, rows),
        .logits = part_of(&io->logits, batch->first, rows)};
    return assay_generate_stage_run(stage->generate, &part);
}

assay_status assay_explain_stage_run(assay_explain_stage *stage, const assay_explain_io *io)
{
    if (stage->fused.kernel != NULL) {
        return assay_call_explain(&stage->runner, &stage->fused, io);
    }
    const assay_tensor *const rows_of = assay_present(&io->vectors) ? &io->vectors
                                                                    : &io->positions;
    const int64_t n = assay_present(rows_of) ? rows_of->shape[0] : 0;
    explain_batch batch = {.stop = io->stop, .stop_context = io->stop_context};
    assay_status status = check_explain(stage, io, n);
    if (status == ASSAY_OK) {
        status = make_soft(stage, io, n);
    }
    const int64_t most = batch_size(stage, io->prompt.shape[0]);
    if (status == ASSAY_OK) {
        status = reserve_batch(stage, io, n < most ? n : most, &batch);
    }
    while (status == ASSAY_OK && batch.first < n) {
        const int64_t rows = n - batch.first < most ? n - batch.first : most;
        status = generate_part(stage, io, rows, &batch);
        batch.first += rows;
    }
    assay_memory_return(&stage->runner.exec, &batch.block);
    return status;
}
