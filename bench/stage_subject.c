/* Stages as subjects: a table's composition (or fused kernel) over a synthesised model. */
#include <math.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/profile.h"
#include "bench/stage_case.h"
#include "bench/stage_cost.h"
#include "bench/subject.h"
#include "fixtures/io/model_file.h"
#include "fixtures/synth/inputs.h"
#include "fixtures/synth/model_shape.h"
#include "fixtures/synth/normal.h"
#include "kernels/exec/stage.h"
#include "verify/buffer.h"

/* Soft tokens stand at these places of an explainer's prompt, counted from its end. */
static const int64_t placeholder_back[] = {2, 12};
enum { PLACEHOLDERS = 2 };

struct assay_bench_subject {
    assay_profile profile;
    assay_exec exec;
    assay_op op;
    cJSON *json;
    assay_stage_case read; /* of the current batch size */
    assay_model_file model;
    assay_capture_params capture;
    assay_generate_params generate;
    assay_explain_params explain;
    assay_capture_stage *capture_stage;
    assay_generate_stage *generate_stage;
    assay_explain_stage *explain_stage;
    assay_arena weights, operands;
    assay_capture_io capture_io;
    assay_generate_io generate_io;
    assay_explain_io explain_io;
    int64_t rows; /* of tokens in all prompts */
};

static assay_status make(assay_bench_subject *s, assay_dtype dtype, int64_t rows, int64_t columns,
                         assay_tensor *tensor, assay_error *error)
{
    const int64_t shape[2] = {rows, columns};
    return assay_buffer_make(&s->operands, dtype, columns > 0 ? 2 : 1, shape, tensor, error);
}

static assay_status fill(assay_bench_subject *s, const char *name, int64_t rows, int64_t columns,
                         double scale, assay_tensor *tensor, assay_error *error)
{
    const assay_fill normal = {.kind = ASSAY_DATA_NORMAL, .scale = scale};
    const int64_t shape[2] = {rows, columns};
    const assay_status status = assay_buffer_make(&s->weights, ASSAY_F32, columns > 0 ? 2 : 1,
                                                  shape, tensor, error);
    return status == ASSAY_OK ? assay_fill_tensor(tensor, 1, name, &normal, error) : status;
}

/* An adapter of the explainer's width, whose soft tokens are as long as embeddings. */
static assay_status make_adapter(assay_bench_subject *s, assay_error *error)
{
    enum { RANK = 16 };
    assay_adapter_params *const a = &s->explain.adapter;
    const int64_t d = s->model.model.d_model;
    const double unit = 1.0 / sqrt((double)d);
    a->type = s->read.adapter;
    a->normalize_input = true;
    const bool low_rank = a->type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK ||
                          a->type == ASSAY_ADAPTER_LOW_RANK_ONLY;
    assay_status status = fill(s, "log_scale", 1, 0, 0.1, &a->log_scale, error);
    if (status == ASSAY_OK) {
        status = fill(s, "bias", d, 0, 0.02, &a->bias, error);
    }
    if (status == ASSAY_OK && low_rank) {
        status = fill(s, "u", d, RANK, unit, &a->u, error);
    }
    if (status == ASSAY_OK && low_rank) {
        status = fill(s, "v", d, RANK, unit, &a->v, error);
    }
    if (status == ASSAY_OK && a->type == ASSAY_ADAPTER_FULL_RANK) {
        status = fill(s, "weight", d, d, unit, &a->weight, error);
    }
    return status;
}

static assay_status open_stage(assay_bench_subject *s, assay_error *error)
{
    const assay_table *const table = &s->profile.table;
    assay_hook hook = {.kind = ASSAY_HOOK_OUTPUT, .layer = s->model.model.layers - 1};
    if (s->read.hook != NULL) {
        const assay_status status =
            assay_hook_parse(s->read.hook, &s->model.model, &hook, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    s->capture = (assay_capture_params){.model = s->model.model, .hook = hook};
    s->generate = (assay_generate_params){
        .model = s->model.model, .max_new_tokens = s->read.new_tokens, .sampling = {.top_p = 1.0}};
    s->explain.generate = s->generate;
    switch (s->op) {
    case ASSAY_OP_capture:
        return assay_capture_stage_open(table, &s->exec, &s->capture, &s->capture_stage);
    case ASSAY_OP_generate:
        return assay_generate_stage_open(table, &s->exec, &s->generate, &s->generate_stage);
    default: return assay_explain_stage_open(table, &s->exec, &s->explain, &s->explain_stage);
    }
}

static void close_subject(assay_bench_subject **subject)
{
    assay_bench_subject *const s = *subject;
    if (s == NULL) {
        return;
    }
    assay_capture_stage_close(&s->capture_stage);
    assay_generate_stage_close(&s->generate_stage);
    assay_explain_stage_close(&s->explain_stage);
    assay_model_close(&s->model);
    assay_arena_free(&s->operands);
    assay_arena_free(&s->weights);
    cJSON_Delete(s->json);
    free(s);
    *subject = NULL;
}

static assay_status open_subject(const assay_table *table, const assay_exec *exec, assay_op op,
                                 const cJSON *json, double *prepare_seconds,
                                 assay_bench_subject **subject, assay_error *error)
{
    assay_bench_subject *const s = calloc(1, sizeof *s);
    *subject = s;
    if (s == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a case");
    }
    s->op = op;
    s->exec = *exec;
    s->exec.error = error;
    s->exec.harness = &s->profile;
    s->json = cJSON_Duplicate(json, true);
    assay_profile_open(table, &s->profile);
    assay_status status = assay_table_supports(table, op, error);
    if (status == ASSAY_OK) {
        status = assay_stage_case_read(s->json, &s->read, error);
    }
    if (status == ASSAY_OK && s->read.checkpoint == NULL) {
        status = assay_fail(error, ASSAY_BAD_INPUT, "a stage without its checkpoint");
    }
    if (status == ASSAY_OK) {
        status = assay_model_open(s->read.checkpoint, &s->model, error);
    }
    if (status == ASSAY_OK) {
        status = make_adapter(s, error);
    }
    if (status == ASSAY_OK) {
        const double start = assay_clock_now();
        status = open_stage(s, error);
        *prepare_seconds = assay_clock_now() - start;
    }
    if (status != ASSAY_OK) {
        close_subject(subject);
    }
    return status;
}

static int64_t length_of(const assay_stage_case *read, int64_t row)
{
    return read->tokens - row % 4 * (read->tokens / 8);
}

static assay_status make_prompts(assay_bench_subject *s, assay_tensor *tokens,
                                 assay_tensor *lengths, assay_error *error)
{
    const assay_stage_case *const read = &s->read;
    assay_status status = make(s, ASSAY_I64, read->batch, read->tokens, tokens, error);
    if (status == ASSAY_OK) {
        status = make(s, ASSAY_I64, read->batch, 0, lengths, error);
    }
    s->rows = 0;
    for (int64_t b = 0; b < read->batch && status == ASSAY_OK; b++) {
        ((int64_t *)lengths->data)[b] = length_of(read, b);
        s->rows += length_of(read, b);
    }
    return status;
}

static assay_status make_explain(assay_bench_subject *s, assay_dtype type, assay_error *error)
{
    const assay_stage_case *const read = &s->read;
    const int64_t d = s->model.model.d_model;
    assay_explain_io *const io = &s->explain_io;
    assay_status status = make(s, type, read->batch, d, &io->vectors, error);
    if (status == ASSAY_OK) {
        status = make(s, ASSAY_I64, read->tokens, 0, &io->prompt, error);
    }
    if (status == ASSAY_OK) {
        status = make(s, ASSAY_I64, PLACEHOLDERS, 0, &io->placeholder, error);
    }
    if (status == ASSAY_OK) {
        status = make(s, type, read->batch, d, &io->soft, error);
    }
    for (int p = 0; p < PLACEHOLDERS && status == ASSAY_OK; p++) {
        const int64_t at = read->tokens - placeholder_back[PLACEHOLDERS - 1 - p];
        ((int64_t *)io->placeholder.data)[p] = at > p ? at : p;
    }
    s->rows = read->batch * read->tokens;
    return status == ASSAY_OK
               ? make(s, ASSAY_I64, read->batch, read->new_tokens, &io->new_tokens, error)
               : status;
}

static assay_status batch(assay_bench_subject *s, const cJSON *json, size_t sets,
                          assay_error *error)
{
    (void)sets;
    const assay_dtype type = assay_table_activation(&s->profile.table);
    cJSON *const copy = cJSON_Duplicate(json, true);
    assay_arena_free(&s->operands);
    memset(&s->operands, 0, sizeof s->operands);
    memset(&s->capture_io, 0, sizeof s->capture_io);
    memset(&s->generate_io, 0, sizeof s->generate_io);
    memset(&s->explain_io, 0, sizeof s->explain_io);
    cJSON_Delete(s->json);
    s->json = copy;
    assay_status status = assay_stage_case_read(s->json, &s->read, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (s->op == ASSAY_OP_capture) {
        status = make_prompts(s, &s->capture_io.tokens, &s->capture_io.lengths, error);
        return status == ASSAY_OK ? make(s, type, s->rows, s->model.model.d_model,
                                         &s->capture_io.residual, error)
                                  : status;
    }
    if (s->op == ASSAY_OP_generate) {
        status = make_prompts(s, &s->generate_io.tokens, &s->generate_io.lengths, error);
        return status == ASSAY_OK ? make(s, ASSAY_I64, s->read.batch, s->read.new_tokens,
                                         &s->generate_io.new_tokens, error)
                                  : status;
    }
    return make_explain(s, type, error);
}

static size_t sets(const assay_bench_subject *s)
{
    (void)s;
    return 1;
}

/* Ids below the added tokens, by a Zipf law as words have it. */
static void draw_tokens(const assay_bench_subject *s, uint64_t seed, const assay_tensor *tokens)
{
    const uint64_t stream = assay_stream("tokens");
    const double words = (double)(s->model.model.vocab - ASSAY_ADDED_TOKENS);
    int64_t *const id = tokens->data;
    for (int64_t i = 0; i < assay_count(tokens); i++) {
        const double u = assay_draw_uniform(seed, stream, (uint64_t)i);
        id[i] = (int64_t)fmin(pow(words, u), words - 1.0);
    }
}

static assay_status renew(assay_bench_subject *s, size_t set, uint64_t seed, assay_error *error)
{
    const assay_fill normal = {.kind = ASSAY_DATA_NORMAL};
    (void)set;
    if (s->op == ASSAY_OP_capture) {
        draw_tokens(s, seed, &s->capture_io.tokens);
        assay_buffer_poison(&s->capture_io.residual);
    } else if (s->op == ASSAY_OP_generate) {
        draw_tokens(s, seed, &s->generate_io.tokens);
        assay_buffer_poison(&s->generate_io.new_tokens);
    } else {
        draw_tokens(s, seed, &s->explain_io.prompt);
        assay_buffer_poison(&s->explain_io.soft);
        assay_buffer_poison(&s->explain_io.new_tokens);
        return assay_fill_tensor(&s->explain_io.vectors, seed, "vectors", &normal, error);
    }
    return ASSAY_OK;
}

static assay_status call(assay_bench_subject *s, size_t set)
{
    (void)set;
    return s->op == ASSAY_OP_capture    ? assay_capture_stage_run(s->capture_stage, &s->capture_io)
           : s->op == ASSAY_OP_generate ? assay_generate_stage_run(s->generate_stage,
                                                                   &s->generate_io)
                                        : assay_explain_stage_run(s->explain_stage, &s->explain_io);
}

static assay_status empty(assay_bench_subject *s, size_t set)
{
    (void)s;
    (void)set;
    return ASSAY_OK;
}

static bool fits(assay_bench_subject *s, size_t set)
{
    (void)s;
    (void)set;
    return true;
}

static void work(const assay_bench_subject *s, size_t set, assay_bench_work *work)
{
    (void)set;
    const assay_stage_size size = {.op = s->op,
                                   .batch = s->read.batch,
                                   .tokens = s->rows,
                                   .new_tokens = s->read.new_tokens,
                                   .hook = s->capture.hook};
    assay_stage_work(&s->model.model, &size, work);
}

static assay_status put(const assay_bench_subject *s, size_t set, int fd, cJSON *list,
                        assay_error *error)
{
    (void)set;
    if (s->op == ASSAY_OP_capture) {
        return assay_bench_put("residual", &s->capture_io.residual, fd, list, error);
    }
    if (s->op == ASSAY_OP_generate) {
        return assay_bench_put("new_tokens", &s->generate_io.new_tokens, fd, list, error);
    }
    const assay_status status = assay_bench_put("soft", &s->explain_io.soft, fd, list, error);
    return status == ASSAY_OK
               ? assay_bench_put("new_tokens", &s->explain_io.new_tokens, fd, list, error)
               : status;
}

static assay_status parts(assay_bench_subject *s, size_t set, cJSON *answer, assay_error *error)
{
    (void)error;
    assay_profile_begin(&s->profile);
    const assay_status status = call(s, set);
    assay_profile_end(&s->profile, answer);
    return status;
}

static uint64_t workspace(const assay_bench_subject *s)
{
    (void)s;
    return 0;
}

const assay_bench_class assay_bench_stages = {
    .open = open_subject,
    .batch = batch,
    .sets = sets,
    .renew = renew,
    .call = call,
    .empty = empty,
    .fits = fits,
    .work = work,
    .put = put,
    .parts = parts,
    .workspace = workspace,
    .close = close_subject,
};
