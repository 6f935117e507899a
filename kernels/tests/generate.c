/* generate: decoding equals prefilling the longer prompt, batches equal their rows, and rows end
 * where they should. */
#include "tiny.h"

enum { MAX_NEW = 6 };

static assay_generate_params greedy(const assay_model *model)
{
    return (assay_generate_params){
        .model = *model, .max_new_tokens = MAX_NEW, .sampling = {.temperature = 0, .top_p = 1.0}};
}

static assay_generate_io prompts(void)
{
    return (assay_generate_io){.tokens = tiny_tokens(), .lengths = tiny_length_vector()};
}

static const void *logit_row(const assay_generate_io *io, int64_t b, int64_t step)
{
    return (const char *)io->logits.data +
           (size_t)((b * MAX_NEW + step) * TINY_VOCAB) * assay_dtype_size(io->logits.dtype);
}

static void decode_equals_prefill(const char *impl)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = greedy(&model);
    assay_generate_io io = prompts();
    io.forced = blank(ASSAY_I64, TINY_BATCH, MAX_NEW);
    for (int64_t i = 0; i < TINY_BATCH * MAX_NEW; i++) {
        ((int64_t *)io.forced.data)[i] = (11 * i + 5) % TINY_VOCAB;
    }
    generate_with(impl, &params, &io);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        const int64_t length = tiny_lengths[b] + MAX_NEW - 1;
        const assay_tensor longer = blank(ASSAY_I64, 1, length);
        for (int64_t t = 0; t < length; t++) {
            const int64_t new_at = t - tiny_lengths[b];
            const int64_t token = new_at < 0 ? tiny_token(b, t)
                                             : ((int64_t *)io.forced.data)[b * MAX_NEW + new_at];
            assay_put2(&longer, 0, t, (double)token);
        }
        const assay_tensor lengths = int_vector(ASSAY_I64, 1, &length);
        const assay_tensor logits = logits_of(impl, &model, &longer, &lengths, length);
        const size_t bytes = TINY_VOCAB * assay_dtype_size(logits.dtype);
        for (int64_t step = 0; step < MAX_NEW; step++) {
            const size_t row = (size_t)(tiny_lengths[b] + step - 1);
            cr_assert_eq(memcmp((const char *)logits.data + row * bytes, logit_row(&io, b, step),
                                bytes),
                         0, "%s row %ld step %ld", impl, (long)b, (long)step);
        }
    }
}

Test(generate, decode_equals_prefill_of_the_longer_prompt)
{
    decode_equals_prefill("scalar");
    decode_equals_prefill("scalar_bf16");
    decode_equals_prefill(assay_oracle.name);
}

static void batch_equals_alone(const char *impl, double temperature)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = greedy(&model);
    params.sampling = (assay_sample_params){.temperature = temperature, .top_p = 0.9, .seed = 3};
    assay_generate_io all = prompts();
    const int64_t streams[TINY_BATCH] = {10, 11, 12, 13};
    all.stream = int_vector(ASSAY_I64, TINY_BATCH, streams);
    generate_with(impl, &params, &all);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        assay_generate_io one = {.tokens = alone(&all.tokens, b, tiny_lengths[b]),
                                 .lengths = int_vector(ASSAY_I64, 1, &tiny_lengths[b]),
                                 .stream = int_vector(ASSAY_I64, 1, &streams[b])};
        generate_with(impl, &params, &one);
        for (int64_t step = 0; step < MAX_NEW; step++) {
            cr_assert_eq(new_token(&one, 0, step), new_token(&all, b, step));
            cr_assert_eq(memcmp(logit_row(&one, 0, step), logit_row(&all, b, step),
                                TINY_VOCAB * assay_dtype_size(all.logits.dtype)),
                         0);
        }
    }
}

Test(generate, a_batch_equals_each_row_alone_greedy_and_drawn)
{
    batch_equals_alone("scalar", 0.0);
    batch_equals_alone("scalar", 0.8);
    batch_equals_alone("scalar_bf16", 0.0);
}

/* Each of several eos ends its row only; what stands before is unchanged; after it -1 and 0. */
Test(generate, rows_retire_at_any_eos_and_leave_the_others_alone)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = greedy(&model);
    assay_generate_io free_run = prompts();
    generate_with("scalar", &params, &free_run);
    const int64_t eos[2] = {new_token(&free_run, 0, 2), new_token(&free_run, 2, 1)};
    params.eos = eos;
    params.eos_count = 2;
    assay_generate_io io = prompts();
    generate_with("scalar", &params, &io);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        bool ended = false;
        for (int64_t step = 0; step < MAX_NEW; step++) {
            const int64_t token = new_token(&free_run, b, step);
            cr_assert_eq(new_token(&io, b, step), ended ? -1 : token);
            const float first = *(const float *)logit_row(&io, b, step);
            cr_assert_eq(first, ended ? 0.0f : *(const float *)logit_row(&free_run, b, step));
            ended = ended || token == eos[0] || token == eos[1];
        }
        cr_assert(ended || b == 1 || b == 3);
    }
}

Test(generate, forced_rows_end_where_forced_ends)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = greedy(&model);
    assay_generate_io free_run = prompts();
    generate_with("scalar", &params, &free_run);
    assay_generate_io io = prompts();
    io.forced = blank(ASSAY_I64, TINY_BATCH, MAX_NEW);
    memcpy(io.forced.data, free_run.new_tokens.data, TINY_BATCH * MAX_NEW * sizeof(int64_t));
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        for (int64_t step = b; step < MAX_NEW; step++) {
            ((int64_t *)io.forced.data)[b * MAX_NEW + step] = -1;
        }
    }
    generate_with("scalar", &params, &io);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        for (int64_t step = 0; step < MAX_NEW; step++) {
            cr_assert_eq(new_token(&io, b, step), step < b ? new_token(&free_run, b, step) : -1);
        }
    }
}

static bool stop_second(void *context, int64_t row, const int64_t *tokens, int64_t count)
{
    ((int64_t *)context)[row] = tokens[count - 1];
    return row == 2 && count == 2;
}

Test(generate, the_stop_callback_ends_its_row_after_the_token)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = greedy(&model);
    int64_t last[TINY_BATCH] = {0};
    assay_generate_io io = prompts();
    io.stop = stop_second;
    io.stop_context = last;
    generate_with("scalar", &params, &io);
    cr_assert_geq(new_token(&io, 2, 1), 0);
    cr_assert_eq(new_token(&io, 2, 2), -1);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        cr_assert_eq(last[b], new_token(&io, b, b == 2 ? 1 : MAX_NEW - 1));
    }
}

/* A soft token that is another token's embedding does what that token does. */
Test(generate, soft_tokens_replace_embeddings_at_any_positions)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = greedy(&model);
    const int64_t at[6] = {2, 0, 0, 8, 2, 3};
    assay_generate_io hard = prompts();
    assay_generate_io soft = prompts();
    soft.soft = blank(ASSAY_F32, 3, TINY_D);
    soft.soft_at = blank(ASSAY_I64, 3, 2);
    memcpy(soft.soft_at.data, at, sizeof at);
    for (int64_t s = 0; s < 3; s++) {
        assay_put2(&hard.tokens, at[2 * s], at[2 * s + 1], (double)(50 + s));
        for (int64_t i = 0; i < TINY_D; i++) {
            assay_put2(&soft.soft, s, i, assay_at2(&model.embed, 50 + s, i));
        }
    }
    generate_with("scalar", &params, &hard);
    generate_with("scalar", &params, &soft);
    cr_assert(same_bits(&hard.new_tokens, &soft.new_tokens));
    cr_assert(same_bits(&hard.logits, &soft.logits));
}

static assay_generate_params steered(const assay_model *model, assay_hook hook,
                                     assay_steer_positions positions)
{
    assay_generate_params params = greedy(model);
    params.steering.on = true;
    params.steering.hook = hook;
    params.steering.positions = positions;
    params.steering.steer = (assay_sae_steer_params){
        .sae = {.d_in = TINY_D,
                .d_out = TINY_D,
                .d_sae = 10,
                .encoder = random_matrix(ASSAY_F32, 10, TINY_D, 70, 1.0),
                .decoder = random_matrix(ASSAY_F32, TINY_D, 10, 71, 1.0),
                .activation = ASSAY_RELU},
        .latent = 4,
        .mode = ASSAY_STEER_SET,
        .amount = 3.0};
    return params;
}

/* Steering every position while decoding equals steering the whole longer prompt; steering the
 * prompt alone does not, from the second new token on. */
Test(generate, steering_all_positions_or_only_the_prompt)
{
    static const assay_hook hooks[] = {{ASSAY_HOOK_EMBED, 0},
                                       {ASSAY_HOOK_INPUT, 1},
                                       {ASSAY_HOOK_OUTPUT, 0},
                                       {ASSAY_HOOK_ATTN_OUT, 1},
                                       {ASSAY_HOOK_MLP_OUT, 1}};
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    for (size_t h = 0; h < 5; h++) {
        assay_generate_params params = steered(&model, hooks[h], ASSAY_STEER_ALL);
        assay_generate_io io = {.tokens = blank(ASSAY_I64, 1, 2),
                                .lengths = int_vector(ASSAY_I64, 1, (const int64_t[]){2}),
                                .forced = blank(ASSAY_I64, 1, MAX_NEW)};
        const int64_t text[8] = {4, 9, 1, 2, 3, 5, 8, 13};
        memcpy(io.tokens.data, text, 2 * sizeof *text);
        memcpy(io.forced.data, text + 2, MAX_NEW * sizeof *text);
        generate_with("scalar", &params, &io);
        assay_generate_io longer = {.tokens = blank(ASSAY_I64, 1, 3),
                                    .lengths = int_vector(ASSAY_I64, 1, (const int64_t[]){3})};
        memcpy(longer.tokens.data, text, 3 * sizeof *text);
        generate_with("scalar", &params, &longer);
        const size_t bytes = TINY_VOCAB * sizeof(float);
        cr_assert_eq(memcmp(logit_row(&longer, 0, 0), logit_row(&io, 0, 1), bytes), 0);
        params.steering.positions = ASSAY_STEER_PROMPT;
        assay_generate_io prompt_only = io;
        generate_with("scalar", &params, &prompt_only);
        cr_assert_eq(memcmp(logit_row(&prompt_only, 0, 0), logit_row(&io, 0, 0), bytes), 0);
        cr_assert_neq(memcmp(logit_row(&prompt_only, 0, 1), logit_row(&io, 0, 1), bytes), 0);
        const assay_generate_params plain = greedy(&model);
        assay_generate_io unsteered = io;
        generate_with("scalar", &plain, &unsteered);
        cr_assert_neq(memcmp(logit_row(&unsteered, 0, 0), logit_row(&io, 0, 0), bytes), 0);
    }
}

Test(generate, a_stage_runs_again_with_other_shapes)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = greedy(&model);
    const assay_table table = table_of("scalar");
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    assay_generate_io expected = prompts();
    generate_with("scalar", &params, &expected);
    assay_generate_stage *stage = NULL;
    cr_assert_eq(assay_generate_stage_open(&table, &exec, &params, &stage), ASSAY_OK);
    for (int64_t b = 1; b <= TINY_BATCH; b++) {
        assay_generate_io io = prompts();
        io.tokens.shape[0] = b;
        io.lengths.shape[0] = b;
        io.new_tokens = blank(ASSAY_I64, b, MAX_NEW);
        cr_assert_eq(assay_generate_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
        cr_assert_eq(memcmp(io.new_tokens.data, expected.new_tokens.data,
                            (size_t)(b * MAX_NEW) * sizeof(int64_t)),
                     0);
    }
    assay_generate_stage_close(&stage);
}
