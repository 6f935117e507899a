/* A tiny Llama with seeded weights, and prompts of unequal length. */
#ifndef KERNELS_TESTS_TINY_H
#define KERNELS_TESTS_TINY_H

#include "support.h"

enum {
    TINY_LAYERS = 3,
    TINY_D = 32,
    TINY_FF = 48,
    TINY_HEADS = 4,
    TINY_KV = 2,
    TINY_HEAD_DIM = 8,
    TINY_VOCAB = 61,
    TINY_BATCH = 4,
    TINY_LENGTH = 9
};

static const int64_t tiny_lengths[TINY_BATCH] = {9, 1, 5, 3};

static inline assay_model tiny_model(assay_layer *layers)
{
    static const double frequency[TINY_HEAD_DIM / 2] = {1.0, 0.3, 0.1, 0.03};
    const int64_t q = TINY_HEADS * TINY_HEAD_DIM;
    const int64_t kv = TINY_KV * TINY_HEAD_DIM;
    const assay_dtype type = ASSAY_BF16;
    for (int64_t i = 0; i < TINY_LAYERS; i++) {
        const uint64_t seed = 100 + 10 * (uint64_t)i;
        layers[i] = (assay_layer){.input_norm = random_vector(type, TINY_D, seed, 1.0),
                                  .post_norm = random_vector(type, TINY_D, seed + 1, 1.0),
                                  .q = random_matrix(type, q, TINY_D, seed + 2, 0.3),
                                  .k = random_matrix(type, kv, TINY_D, seed + 3, 0.3),
                                  .v = random_matrix(type, kv, TINY_D, seed + 4, 0.3),
                                  .o = random_matrix(type, TINY_D, q, seed + 5, 0.3),
                                  .gate = random_matrix(type, TINY_FF, TINY_D, seed + 6, 0.3),
                                  .up = random_matrix(type, TINY_FF, TINY_D, seed + 7, 0.3),
                                  .down = random_matrix(type, TINY_D, TINY_FF, seed + 8, 0.3)};
    }
    return (assay_model){.layers = TINY_LAYERS,
                         .d_model = TINY_D,
                         .d_ff = TINY_FF,
                         .heads = TINY_HEADS,
                         .kv_heads = TINY_KV,
                         .head_dim = TINY_HEAD_DIM,
                         .vocab = TINY_VOCAB,
                         .rms_eps = 1e-5,
                         .inverse_frequency = frequency,
                         .embed = random_matrix(type, TINY_VOCAB, TINY_D, 1, 1.0),
                         .final_norm = random_vector(type, TINY_D, 2, 1.0),
                         .lm_head = random_matrix(type, TINY_VOCAB, TINY_D, 3, 0.5),
                         .layer = layers};
}

static inline int64_t tiny_token(int64_t b, int64_t t)
{
    return (7 * b * b + 13 * t + 3) % TINY_VOCAB;
}

/* Right-padded; padding holds ids that no vocabulary has, so reading it would be an error. */
static inline assay_tensor tiny_tokens(void)
{
    const assay_tensor tokens = blank(ASSAY_I64, TINY_BATCH, TINY_LENGTH);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        for (int64_t t = 0; t < TINY_LENGTH; t++) {
            const bool valid = t < tiny_lengths[b];
            assay_put2(&tokens, b, t, valid ? (double)tiny_token(b, t) : -99999.0);
        }
    }
    return tokens;
}

static inline assay_tensor tiny_length_vector(void)
{
    return int_vector(ASSAY_I64, TINY_BATCH, tiny_lengths);
}

/* One row of a batch on its own, without its padding. */
static inline assay_tensor alone(const assay_tensor *tokens, int64_t b, int64_t length)
{
    const assay_tensor one = blank(ASSAY_I64, 1, length);
    for (int64_t t = 0; t < length; t++) {
        assay_put2(&one, 0, t, assay_at2(tokens, b, t));
    }
    return one;
}

static inline assay_tensor capture_of(const char *impl, const assay_model *model, assay_hook hook,
                                      const assay_tensor *tokens, const assay_tensor *lengths,
                                      const assay_tensor *positions, int64_t rows)
{
    const assay_table table = table_of(impl);
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    const assay_capture_params params = {.model = *model, .hook = hook};
    const assay_capture_io io = {.tokens = *tokens,
                                 .lengths = *lengths,
                                 .positions = positions != NULL ? *positions : (assay_tensor){0},
                                 .residual = blank(assay_table_activation(&table), rows, TINY_D)};
    assay_capture_stage *stage = NULL;
    poison(&io.residual);
    cr_assert_eq(assay_capture_stage_open(&table, &exec, &params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_capture_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_capture_stage_close(&stage);
    cr_assert_null(stage);
    return io.residual;
}

static inline assay_tensor logits_of(const char *impl, const assay_model *model,
                                     const assay_tensor *tokens, const assay_tensor *lengths,
                                     int64_t rows)
{
    const assay_table table = table_of(impl);
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    const assay_logits_io io = {.tokens = *tokens,
                                .lengths = *lengths,
                                .logits = blank(assay_table_activation(&table), rows, TINY_VOCAB)};
    assay_logits_stage *stage = NULL;
    poison(&io.logits);
    cr_assert_eq(assay_logits_stage_open(&table, &exec, model, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_logits_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_logits_stage_close(&stage);
    return io.logits;
}

/* Runs a generation; io's outputs are made here. */
static inline void generate_with(const char *impl, const assay_generate_params *params,
                                 assay_generate_io *io)
{
    const assay_table table = table_of(impl);
    const assay_dtype type = assay_table_activation(&table);
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    const int64_t batch = io->lengths.shape[0];
    const int64_t max_new = params->max_new_tokens;
    const int64_t dims[3] = {batch, max_new, params->model.vocab};
    const size_t count = (size_t)(batch * max_new * params->model.vocab);
    io->new_tokens = blank(ASSAY_I64, batch, max_new);
    io->logits = assay_dense(guarded(count * assay_dtype_size(type)), type, 3, dims);
    poison(&io->new_tokens);
    poison(&io->logits);
    assay_generate_stage *stage = NULL;
    cr_assert_eq(assay_generate_stage_open(&table, &exec, params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_generate_stage_run(stage, io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
}

static inline int64_t new_token(const assay_generate_io *io, int64_t b, int64_t step)
{
    return (int64_t)assay_at2(&io->new_tokens, b, step);
}

#endif
