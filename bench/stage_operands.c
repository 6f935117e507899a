#include "bench/stage_operands.h"

#include <math.h>

#include "fixtures/io/model_file.h"
#include "fixtures/synth/inputs.h"
#include "fixtures/synth/model_shape.h"
#include "fixtures/synth/normal.h"

/* Soft tokens stand at these places of an explainer's prompt, counted from its end. */
static const int64_t placeholder_back[] = {12, 2};
enum { PLACEHOLDERS = 2, RANK = 16 };

static assay_status make(assay_arena *arena, assay_dtype dtype, int64_t rows, int64_t columns,
                         assay_tensor *tensor, assay_error *error)
{
    const int64_t shape[2] = {rows, columns};
    return assay_buffer_make(arena, dtype, columns > 0 ? 2 : 1, shape, tensor, error);
}

static assay_status fill(assay_arena *arena, const char *name, int64_t rows, int64_t columns,
                         double scale, assay_tensor *tensor, assay_error *error)
{
    const assay_fill normal = {.kind = ASSAY_DATA_NORMAL, .scale = scale};
    const assay_status status = make(arena, ASSAY_F32, rows, columns, tensor, error);
    return status == ASSAY_OK ? assay_fill_tensor(tensor, 1, name, &normal, error) : status;
}

/* An adapter of the explainer's width, whose soft tokens are as long as embeddings. */
static assay_status make_adapter(assay_adapter_type type, int64_t d, assay_arena *arena,
                                 assay_adapter_params *a, assay_error *error)
{
    const double unit = 1.0 / sqrt((double)d);
    const bool low_rank = type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK ||
                          type == ASSAY_ADAPTER_LOW_RANK_ONLY;
    a->type = type;
    a->normalize_input = true;
    assay_status status = fill(arena, "log_scale", 1, 0, 0.1, &a->log_scale, error);
    if (status == ASSAY_OK) {
        status = fill(arena, "bias", d, 0, 0.02, &a->bias, error);
    }
    if (status == ASSAY_OK && low_rank) {
        status = fill(arena, "u", d, RANK, unit, &a->u, error);
    }
    if (status == ASSAY_OK && low_rank) {
        status = fill(arena, "v", d, RANK, unit, &a->v, error);
    }
    if (status == ASSAY_OK && type == ASSAY_ADAPTER_FULL_RANK) {
        status = fill(arena, "weight", d, d, unit, &a->weight, error);
    }
    return status;
}

assay_status assay_stage_params_make(const assay_stage_case *read, const assay_model *model,
                                     assay_arena *arena, assay_stage_params *params,
                                     assay_error *error)
{
    assay_hook hook = {.kind = ASSAY_HOOK_OUTPUT, .layer = model->layers - 1};
    memset(params, 0, sizeof *params);
    if (read->hook != NULL) {
        const assay_status status = assay_hook_parse(read->hook, model, &hook, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    params->capture = (assay_capture_params){.model = *model, .hook = hook};
    params->generate = (assay_generate_params){
        .model = *model, .max_new_tokens = read->new_tokens, .sampling = {.top_p = 1.0}};
    params->explain.generate = params->generate;
    return read->op == ASSAY_OP_explain
               ? make_adapter(read->adapter, model->d_model, arena, &params->explain.adapter, error)
               : ASSAY_OK;
}

static int64_t length_of(const assay_stage_case *read, int64_t row)
{
    return read->tokens - row % 4 * (read->tokens / 8);
}

static assay_status make_prompts(const assay_stage_case *read, assay_arena *arena,
                                 assay_stage_operands *operands, assay_tensor *tokens,
                                 assay_tensor *lengths, assay_error *error)
{
    assay_status status = make(arena, ASSAY_I64, read->batch, read->tokens, tokens, error);
    if (status == ASSAY_OK) {
        status = make(arena, ASSAY_I64, read->batch, 0, lengths, error);
    }
    for (int64_t b = 0; b < read->batch && status == ASSAY_OK; b++) {
        ((int64_t *)lengths->data)[b] = length_of(read, b);
        operands->rows += length_of(read, b);
    }
    return status;
}

static assay_status make_explain(const assay_stage_case *read, int64_t d, assay_dtype type,
                                 assay_arena *arena, assay_explain_io *io, assay_error *error)
{
    assay_status status = make(arena, type, read->batch, d, &io->vectors, error);
    if (status == ASSAY_OK) {
        status = make(arena, ASSAY_I64, read->tokens, 0, &io->prompt, error);
    }
    if (status == ASSAY_OK) {
        status = make(arena, ASSAY_I64, PLACEHOLDERS, 0, &io->placeholder, error);
    }
    if (status == ASSAY_OK) {
        status = make(arena, type, read->batch, d, &io->soft, error);
    }
    for (int p = 0; p < PLACEHOLDERS && status == ASSAY_OK; p++) {
        const int64_t at = read->tokens - placeholder_back[p];
        ((int64_t *)io->placeholder.data)[p] = at > p ? at : p;
    }
    return status == ASSAY_OK
               ? make(arena, ASSAY_I64, read->batch, read->new_tokens, &io->new_tokens, error)
               : status;
}

assay_status assay_stage_operands_make(const assay_stage_case *read, const assay_model *model,
                                       assay_dtype type, assay_arena *arena,
                                       assay_stage_operands *operands, assay_error *error)
{
    assay_status status = ASSAY_OK;
    memset(operands, 0, sizeof *operands);
    operands->op = read->op;
    operands->vocab = model->vocab;
    if (read->op == ASSAY_OP_capture) {
        assay_capture_io *const io = &operands->capture;
        status = make_prompts(read, arena, operands, &io->tokens, &io->lengths, error);
        return status == ASSAY_OK
                   ? make(arena, type, operands->rows, model->d_model, &io->residual, error)
                   : status;
    }
    if (read->op == ASSAY_OP_generate) {
        assay_generate_io *const io = &operands->generate;
        status = make_prompts(read, arena, operands, &io->tokens, &io->lengths, error);
        return status == ASSAY_OK
                   ? make(arena, ASSAY_I64, read->batch, read->new_tokens, &io->new_tokens, error)
                   : status;
    }
    operands->rows = read->batch * read->tokens;
    status = make_explain(read, model->d_model, type, arena, &operands->explain, error);
    if (status == ASSAY_OK) {
        const int64_t *const soft = operands->explain.placeholder.data;
        operands->shared = (read->batch - 1) * soft[0];
    }
    return status;
}

/* Ids below the added tokens, by a Zipf law as words have it. */
static void draw_tokens(int64_t vocab, uint64_t seed, const assay_tensor *tokens)
{
    const uint64_t stream = assay_stream("tokens");
    const double words = (double)(vocab - ASSAY_ADDED_TOKENS);
    int64_t *const id = tokens->data;
    for (int64_t i = 0; i < assay_count(tokens); i++) {
        const double u = assay_draw_uniform(seed, stream, (uint64_t)i);
        id[i] = (int64_t)fmin(pow(words, u), words - 1.0);
    }
}

assay_status assay_stage_operands_renew(assay_stage_operands *operands, uint64_t seed,
                                        assay_error *error)
{
    const assay_fill normal = {.kind = ASSAY_DATA_NORMAL};
    if (operands->op == ASSAY_OP_capture) {
        draw_tokens(operands->vocab, seed, &operands->capture.tokens);
        assay_buffer_poison(&operands->capture.residual);
        return ASSAY_OK;
    }
    if (operands->op == ASSAY_OP_generate) {
        draw_tokens(operands->vocab, seed, &operands->generate.tokens);
        assay_buffer_poison(&operands->generate.new_tokens);
        return ASSAY_OK;
    }
    draw_tokens(operands->vocab, seed, &operands->explain.prompt);
    assay_buffer_poison(&operands->explain.soft);
    assay_buffer_poison(&operands->explain.new_tokens);
    return assay_fill_tensor(&operands->explain.vectors, seed, "vectors", &normal, error);
}
