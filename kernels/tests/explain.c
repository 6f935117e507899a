/* explain: the same as its parts one after another, whatever the batch; and refusals of bad input
 * by all stages, each with a message that names what is wrong. */
#include "tiny.h"

enum { MAX_NEW = 4, PROMPT = 6, VECTORS = 70 };

static const int64_t prompt_tokens[PROMPT] = {1, 60, 7, 60, 2, 3};
static const int64_t placeholders[2] = {1, 3};

static assay_explain_params pipeline(const assay_model *model)
{
    return (assay_explain_params){
        .capture = {.model = *model, .hook = {ASSAY_HOOK_OUTPUT, 1}},
        .adapter = {.type = ASSAY_ADAPTER_SCALAR_AFFINE,
                    .normalize_input = true,
                    .log_scale = random_vector(ASSAY_F32, 1, 40, 1.0),
                    .bias = random_vector(ASSAY_F32, TINY_D, 41, 0.3)},
        .generate = {.model = *model,
                     .max_new_tokens = MAX_NEW,
                     .sampling = {.temperature = 0.7, .top_p = 0.9, .seed = 5}}};
}

static assay_explain_io io_for(assay_dtype type, int64_t n)
{
    return (assay_explain_io){.prompt = int_vector(ASSAY_I64, PROMPT, prompt_tokens),
                              .placeholder = int_vector(ASSAY_I64, 2, placeholders),
                              .soft = blank(type, n, TINY_D),
                              .new_tokens = blank(ASSAY_I64, n, MAX_NEW)};
}

static void explain_with(const char *impl, const assay_explain_params *params,
                         const assay_explain_io *io)
{
    const assay_table table = table_of(impl);
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    assay_explain_stage *stage = NULL;
    cr_assert_eq(assay_explain_stage_open(&table, &exec, params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_explain_stage_run(stage, io), ASSAY_OK, "%s", error.message);
    assay_explain_stage_close(&stage);
}

Test(explain, many_vectors_equal_each_alone)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_explain_params params = pipeline(&model);
    assay_explain_io all = io_for(ASSAY_F32, VECTORS);
    all.vectors = random_matrix(ASSAY_F64, VECTORS, TINY_D, 50, 2.0);
    explain_with("scalar", &params, &all);
    const int64_t chosen[] = {0, 1, 63, 64, 69};
    for (size_t c = 0; c < 5; c++) {
        const int64_t n = chosen[c];
        const assay_adapter_io adapt = {
            .x = assay_matrix((double *)all.vectors.data + n * TINY_D, ASSAY_F64, 1, TINY_D),
            .y = blank(ASSAY_F32, 1, TINY_D)};
        RUN_KERNEL(adapter, assay_kernel_find(ASSAY_OP_adapter, "scalar"), &params.adapter,
                   &adapt);
        cr_assert_eq(memcmp(adapt.y.data, (float *)all.soft.data + n * TINY_D,
                            TINY_D * sizeof(float)),
                     0);
        const int64_t length = PROMPT;
        assay_generate_io one = {.tokens = blank(ASSAY_I64, 1, PROMPT),
                                 .lengths = int_vector(ASSAY_I64, 1, &length),
                                 .soft = blank(ASSAY_F32, 2, TINY_D),
                                 .soft_at = blank(ASSAY_I64, 2, 2),
                                 .stream = int_vector(ASSAY_I64, 1, &n)};
        const int64_t at[4] = {0, placeholders[0], 0, placeholders[1]};
        memcpy(one.tokens.data, prompt_tokens, sizeof prompt_tokens);
        memcpy(one.soft_at.data, at, sizeof at);
        memcpy(one.soft.data, adapt.y.data, TINY_D * sizeof(float));
        memcpy((float *)one.soft.data + TINY_D, adapt.y.data, TINY_D * sizeof(float));
        generate_with("scalar", &params.generate, &one);
        for (int64_t step = 0; step < MAX_NEW; step++) {
            cr_assert_eq(new_token(&one, 0, step), (int64_t)assay_at2(&all.new_tokens, n, step));
        }
    }
}

Test(explain, captured_rows_equal_given_ones)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_explain_params params = pipeline(&model);
    const assay_tensor tokens = tiny_tokens();
    const assay_tensor lengths = tiny_length_vector();
    const assay_tensor pairs = blank(ASSAY_I64, 2, 2);
    const int64_t where[4] = {3, 2, 0, 5};
    memcpy(pairs.data, where, sizeof where);
    const char *const names[] = {"scalar", "scalar_bf16", assay_oracle.name};
    for (size_t i = 0; i < 3; i++) {
        const assay_table table = table_of(names[i]);
        const assay_dtype type = assay_table_activation(&table);
        assay_explain_io captured = io_for(type, 2);
        captured.tokens = tokens;
        captured.lengths = lengths;
        captured.positions = pairs;
        explain_with(names[i], &params, &captured);
        assay_explain_io given = io_for(type, 2);
        given.vectors = capture_of(names[i], &model, params.capture.hook, &tokens, &lengths,
                                   &pairs, 2);
        explain_with(names[i], &params, &given);
        cr_assert(same_bits(&captured.soft, &given.soft));
        cr_assert(same_bits(&captured.new_tokens, &given.new_tokens));
    }
}

static void refused(const assay_generate_params *params, const assay_generate_io *io,
                    assay_status expected, const char *words)
{
    const assay_table table = table_of("scalar");
    assay_error error;
    const assay_exec exec = host_exec(1, &error);
    assay_generate_stage *stage = NULL;
    assay_status status = assay_generate_stage_open(&table, &exec, params, &stage);
    if (status == ASSAY_OK) {
        status = assay_generate_stage_run(stage, io);
    }
    assay_generate_stage_close(&stage);
    cr_assert_eq(status, expected, "%s: %d", words, (int)status);
    cr_assert_not_null(strstr(error.message, words), "'%s' in: %s", words, error.message);
}

static assay_generate_io good_io(void)
{
    return (assay_generate_io){.tokens = tiny_tokens(),
                               .lengths = tiny_length_vector(),
                               .new_tokens = blank(ASSAY_I64, TINY_BATCH, MAX_NEW)};
}

Test(refusals, prompts_that_do_not_fit)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = pipeline(&model).generate;
    assay_generate_io io = good_io();
    assay_put2(&io.tokens, 2, 1, TINY_VOCAB);
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "tokens[2,1] is 61");
    io = good_io();
    assay_put1(&io.lengths, 1, 0);
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "lengths[1] is 0");
    assay_put1(&io.lengths, 1, TINY_LENGTH + 1);
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "lengths[1] is 10");
    io = good_io();
    io.soft = random_matrix(ASSAY_F32, 2, TINY_D, 1, 1.0);
    io.soft_at = blank(ASSAY_I64, 2, 2);
    memset(io.soft_at.data, 0, 4 * sizeof(int64_t));
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "named twice");
    assay_put2(&io.soft_at, 1, 1, 9);
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "soft_at[1] is (0, 9)");
    assay_put2(&io.soft_at, 1, 1, 8);
    io.soft.shape[1] = TINY_D - 1;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "soft: expected shape [2, 32]");
}

Test(refusals, forced_tokens_outputs_and_steering_that_do_not_fit)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = pipeline(&model).generate;
    assay_generate_io io = good_io();
    io.forced = blank(ASSAY_I64, TINY_BATCH, MAX_NEW);
    memset(io.forced.data, 0, TINY_BATCH * MAX_NEW * sizeof(int64_t));
    assay_put2(&io.forced, 1, 2, -2);
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "forced[1,2] is -2");
    io = good_io();
    io.new_tokens.shape[1] = MAX_NEW - 1;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "new_tokens: expected shape [4, 4]");
    io = good_io();
    params.steering = (assay_steering){.on = true, .hook = {ASSAY_HOOK_MLP_IN, 0}};
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "mlp_in");
    params.steering.hook = (assay_hook){ASSAY_HOOK_OUTPUT, TINY_LAYERS};
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "layers 0..2");
    params.steering.hook.layer = 0;
    params.steering.steer.sae.d_in = TINY_D + 1;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "33 -> 0 wide");
}

Test(refusals, models_and_sizes_that_cannot_be)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = pipeline(&model).generate;
    const assay_generate_io io = good_io();
    layers[1].down.data = NULL;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "layer 1: weight down_proj is missing");
    (void)tiny_model(layers);
    layers[2].k.shape[0] = 17;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "k_proj");
    (void)tiny_model(layers);
    params.model.kv_heads = 3;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "kv_heads must divide heads");
    params.model.kv_heads = 0;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "one is 0");
    params.model = model;
    params.max_new_tokens = INT64_MAX;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "max_new_tokens");
    params.max_new_tokens = INT32_MAX - TINY_LENGTH;
    assay_generate_io huge = io;
    huge.new_tokens.shape[1] = params.max_new_tokens;
    huge.new_tokens.stride[0] = params.max_new_tokens;
    refused(&params, &huge, ASSAY_NO_MEMORY, "key/value caches");
    params.max_new_tokens = -1;
    refused(&params, &io, ASSAY_BAD_ARGUMENT, "max_new_tokens is -1");
}

Test(refusals, no_new_tokens_is_nothing_to_do)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = pipeline(&model).generate;
    params.max_new_tokens = 0;
    const assay_table table = table_of("scalar");
    assay_error error;
    const assay_exec exec = host_exec(1, &error);
    assay_generate_stage *stage = NULL;
    const assay_generate_io io = {.tokens = tiny_tokens(), .lengths = tiny_length_vector()};
    cr_assert_eq(assay_generate_stage_open(&table, &exec, &params, &stage), ASSAY_OK);
    cr_assert_eq(assay_generate_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
}
