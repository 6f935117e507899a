/* generate: whatever runs at once and whatever prompts share, each row has the bits that it has in
 * one batch that computes all of every prompt; and only what need be computed is. */
#include "tiny.h"

#include "kernels/exec/generate_job.h"
#include "kernels/plugin.h"

enum { ROWS = 15, MAX_NEW = 6, SOFT = 7, LATENTS = 10 };

static const generate_limits whole = {.whole = true};

/* Prompts 0 to 4 begin alike for six tokens, 5 to 7 are equal, 8 is the beginning of 9, 10 of one
 * token, 11 to 14 differ in their soft tokens alone: of equal bits in 11 and 12, others in 13, a
 * token in 14. */
static const int64_t lengths[ROWS] = {9, 8, 9, 7, 6, 9, 9, 9, 4, 8, 1, 9, 9, 9, 9};
static const int64_t soft_at[SOFT][2] = {{13, 4}, {11, 6}, {12, 4}, {11, 4}, {13, 6}, {0, 7},
                                         {12, 6}};

static int64_t token_at(int64_t b, int64_t t)
{
    const int64_t own = (7 * b * b + 13 * t + 3) % TINY_VOCAB;
    return b < 5 ? (t < 6 ? 20 + t : own) : b < 8 ? 30 + t : b < 10 ? 40 + t : b == 10 ? 5 : 10 + t;
}

static assay_generate_io prompts(void)
{
    assay_generate_io io = {.tokens = blank(ASSAY_I64, ROWS, TINY_LENGTH),
                            .lengths = int_vector(ASSAY_I64, ROWS, lengths),
                            .soft = random_matrix(ASSAY_F32, SOFT, TINY_D, 90, 1.0),
                            .soft_at = blank(ASSAY_I64, SOFT, 2)};
    for (int64_t b = 0; b < ROWS; b++) {
        for (int64_t t = 0; t < TINY_LENGTH; t++) {
            assay_put2(&io.tokens, b, t, t < lengths[b] ? (double)token_at(b, t) : -99999.0);
        }
    }
    memcpy(io.soft_at.data, soft_at, sizeof soft_at);
    memcpy((float *)io.soft.data + 2 * TINY_D, (float *)io.soft.data + 3 * TINY_D,
           TINY_D * sizeof(float)); /* (12, 4) is (11, 4) */
    memcpy((float *)io.soft.data + 6 * TINY_D, (float *)io.soft.data + TINY_D,
           TINY_D * sizeof(float)); /* (12, 6) is (11, 6) */
    return io;
}

/* What a stop function was told, and whom it stops. */
typedef struct told {
    int64_t count[ROWS], token[ROWS][MAX_NEW];
} told;

static bool stop_some(void *context, int64_t row, const int64_t *tokens, int64_t count)
{
    told *const t = context;
    cr_assert_eq(count, t->count[row] + 1, "row %ld is told of step %ld after %ld", (long)row,
                 (long)count, (long)t->count[row]);
    t->count[row] = count;
    t->token[row][count - 1] = tokens[count - 1];
    return row % 3 == 1 && count == 1 + row / 3;
}

/* One generation within these limits; io's outputs are made here. */
static void run_within(const assay_table *table, const generate_limits *limits,
                       const assay_generate_params *params, assay_generate_io *io, told *heard)
{
    const assay_dtype type = assay_table_activation(table);
    const int64_t dims[3] = {io->lengths.shape[0], params->max_new_tokens, TINY_VOCAB};
    const size_t count = (size_t)(dims[0] * dims[1] * dims[2]);
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    assay_generate_stage *stage = NULL;
    if (heard != NULL) {
        memset(heard, 0, sizeof *heard);
        io->stop = stop_some;
        io->stop_context = heard;
    }
    io->new_tokens = blank(ASSAY_I64, dims[0], dims[1]);
    io->logits = assay_dense(guarded(count * assay_dtype_size(type)), type, 3, dims);
    poison(&io->new_tokens);
    poison(&io->logits);
    cr_assert_eq(assay_generate_stage_open(table, &exec, params, &stage), ASSAY_OK, "%s",
                 error.message);
    stage->limits = *limits;
    cr_assert_eq(assay_generate_stage_run(stage, io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
}

static void same_within(const char *what, const assay_table *table,
                        const assay_generate_params *params, const assay_generate_io *io,
                        bool stops)
{
    static const generate_limits limits[] = {{.slots = 256, .rows = 1024, .saved = 1},
                                             {.slots = 256, .rows = 1024, .saved = 12},
                                             {.slots = 256, .rows = 1024, .saved = INT64_MAX},
                                             {.slots = 4, .rows = 1024, .saved = 1},
                                             {.slots = 3, .rows = 12, .saved = 1},
                                             {.slots = 1, .rows = 1, .saved = 1},
                                             {.slots = 4, .rows = 1024, .saved = INT64_MAX},
                                             {.slots = 7, .rows = 20, .saved = 40}};
    told expected, heard;
    assay_generate_io one = *io;
    run_within(table, &whole, params, &one, stops ? &expected : NULL);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        assay_generate_io other = *io;
        run_within(table, &limits[i], params, &other, stops ? &heard : NULL);
        cr_assert(same_bits(&one.new_tokens, &other.new_tokens), "%s, %s, limits %zu: tokens",
                  table->name, what, i);
        cr_assert(same_bits(&one.logits, &other.logits), "%s, %s, limits %zu: logits", table->name,
                  what, i);
        cr_assert(!stops || memcmp(&expected, &heard, sizeof heard) == 0, "%s, %s, limits %zu",
                  table->name, what, i);
    }
}

static assay_generate_params params_of(const assay_model *model, double temperature)
{
    return (assay_generate_params){
        .model = *model,
        .max_new_tokens = MAX_NEW,
        .sampling = {.temperature = temperature, .top_p = 0.9, .top_k = 20, .seed = 3}};
}

static assay_steering steering(assay_steer_positions positions)
{
    return (assay_steering){
        .on = true,
        .hook = {ASSAY_HOOK_OUTPUT, 0},
        .positions = positions,
        .steer = {.sae = {.d_in = TINY_D,
                          .d_out = TINY_D,
                          .d_sae = LATENTS,
                          .encoder = random_matrix(ASSAY_F32, LATENTS, TINY_D, 70, 1.0),
                          .decoder = random_matrix(ASSAY_F32, TINY_D, LATENTS, 71, 1.0),
                          .activation = ASSAY_RELU},
                  .latent = 4,
                  .mode = ASSAY_STEER_SET,
                  .amount = 3.0}};
}

static void same_in_every_way(const assay_table *table)
{
    static const int64_t streams[ROWS] = {5, 5, 3, 9, 70, 6, 7, 7, 1, 0, 2, 4, 4, 4, 4};
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = params_of(&model, 0.0);
    assay_generate_io io = prompts();
    same_within("greedy", table, &params, &io, false);
    params.sampling.temperature = 1.5;
    same_within("drawn", table, &params, &io, true);
    io.stream = int_vector(ASSAY_I64, ROWS, streams);
    same_within("drawn by streams", table, &params, &io, true);
    const int64_t eos[8] = {1, 9, 17, 25, 33, 41, 49, 57};
    params.eos = eos;
    params.eos_count = 8;
    same_within("drawn, with ends", table, &params, &io, true);
    io.forced = blank(ASSAY_I64, ROWS, MAX_NEW);
    for (int64_t i = 0; i < ROWS * MAX_NEW; i++) {
        const bool ended = i % MAX_NEW >= i / MAX_NEW % (MAX_NEW + 1);
        ((int64_t *)io.forced.data)[i] = ended ? -1 : (11 * i + 4) % TINY_VOCAB;
    }
    same_within("forced", table, &params, &io, true);
    io.forced = (assay_tensor){0};
    params.steering = steering(ASSAY_STEER_ALL);
    same_within("steered", table, &params, &io, true);
    params.steering = steering(ASSAY_STEER_PROMPT);
    same_within("steered in the prompt", table, &params, &io, true);
}

Test(generate_slots, rows_are_those_of_one_batch)
{
    const char *const names[] = {"scalar", "scalar_bf16", assay_oracle.name};
    for (size_t i = 0; i < 3; i++) {
        const assay_table table = table_of(names[i]);
        same_in_every_way(&table);
    }
}

/* Of vector kernels too, as far as the processor has them. */
Test(generate_slots, rows_of_vector_kernels_are_those_of_one_batch)
{
    static const char *const names[] = {"avx2", "avx512", "avx512bf16", "amx"};
    assay_plugin plugin;
    assay_error error = {0};
    cr_assert_eq(assay_plugin_open(ASSAY_BINARY "_simd.so", &plugin, &error), ASSAY_OK, "%s",
                 error.message);
    for (size_t i = 0; i < 4; i++) {
        assay_table table;
        cr_assert(assay_plugin_table(&plugin, names[i], &table));
        const assay_device device = assay_host_device();
        if (assay_kernel_usable(table.kernel[ASSAY_OP_linear], &device, &error) == ASSAY_OK) {
            same_in_every_way(&table);
        }
    }
    assay_plugin_close(&plugin);
}

/* What passes the first layer, call by call. */
static const void *first_weight;
static int64_t calls, most_rows, all_rows;

static assay_status count_rows(const assay_exec *exec, const assay_linear_params *params,
                               const void *state, const assay_linear_io *io)
{
    if (params->weight.data == first_weight) {
        calls++;
        all_rows += io->x.shape[0];
        most_rows = io->x.shape[0] > most_rows ? io->x.shape[0] : most_rows;
    }
    return assay_kernel_find(ASSAY_OP_linear, "scalar")->run.linear.run(exec, params, state, io);
}

static void count_within(const generate_limits *limits, const assay_generate_params *params,
                         assay_generate_io *io)
{
    assay_table table = table_of("scalar");
    assay_kernel counting = *table.kernel[ASSAY_OP_linear];
    counting.run.linear.run = count_rows;
    table.kernel[ASSAY_OP_linear] = &counting;
    first_weight = params->model.layer[0].q.data;
    calls = most_rows = all_rows = 0;
    run_within(&table, limits, params, io, NULL);
}

/* Eight prompts of nine tokens, six of them alike: 42 rows are saved, for a call. */
Test(generate_slots, prompts_wait_for_one_that_begins_alike_where_that_saves_enough)
{
    enum { COUNT = 8, LENGTH = 9, ALIKE = 6, SAVED = (COUNT - 1) * ALIKE };
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = params_of(&model, 0.0);
    params.max_new_tokens = 3;
    assay_generate_io io = {.tokens = blank(ASSAY_I64, COUNT, LENGTH),
                            .lengths = blank_vector(ASSAY_I64, COUNT)};
    for (int64_t b = 0; b < COUNT; b++) {
        assay_put1(&io.lengths, b, LENGTH);
        for (int64_t t = 0; t < LENGTH; t++) {
            assay_put2(&io.tokens, b, t, (double)(t < ALIKE ? t : 10 + 3 * b + t));
        }
    }
    const int64_t decoded = COUNT * 2;
    count_within(&(generate_limits){.slots = 256, .rows = 1024, .saved = SAVED + 1}, &params, &io);
    cr_assert_eq(calls, 3);
    cr_assert_eq(all_rows, COUNT * LENGTH + decoded);
    count_within(&(generate_limits){.slots = 256, .rows = 1024, .saved = SAVED}, &params, &io);
    cr_assert_eq(calls, 4);
    cr_assert_eq(all_rows, COUNT * LENGTH - SAVED + decoded);
    for (int64_t b = 0; b < COUNT; b++) { /* equal ones: but their last rows */
        for (int64_t t = 0; t < LENGTH; t++) {
            assay_put2(&io.tokens, b, t, (double)t);
        }
    }
    count_within(&(generate_limits){.slots = 256, .rows = 1024, .saved = 1}, &params, &io);
    cr_assert_eq(all_rows, LENGTH + (COUNT - 1) + decoded);
    cr_assert_eq(calls, 4);
}

/* A slot that a row leaves has another one in the next call; one row of six steps beside five of
 * one, two and three, in two slots: six calls. */
Test(generate_slots, a_slot_that_is_left_is_taken_at_once)
{
    static const int64_t steps[6] = {6, 1, 1, 2, 1, 1};
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = params_of(&model, 0.0);
    assay_generate_io io = {.tokens = blank(ASSAY_I64, 6, 2),
                            .lengths = blank_vector(ASSAY_I64, 6),
                            .forced = blank(ASSAY_I64, 6, MAX_NEW)};
    for (int64_t b = 0; b < 6; b++) {
        assay_put1(&io.lengths, b, 2);
        assay_put2(&io.tokens, b, 0, (double)(7 * b + 1));
        assay_put2(&io.tokens, b, 1, 3);
        for (int64_t step = 0; step < MAX_NEW; step++) {
            assay_put2(&io.forced, b, step, step < steps[b] ? (double)(b + step) : -1.0);
        }
    }
    /* A row that its forced tokens end is seen to have ended one step later. */
    const int64_t eos = 0;
    assay_generate_params ends = params;
    ends.eos = &eos;
    ends.eos_count = 1;
    for (int64_t b = 1; b < 6; b++) {
        assay_put2(&io.forced, b, steps[b] - 1, 0);
    }
    assay_put2(&io.forced, 0, 0, 9);
    count_within(&(generate_limits){.slots = 2, .rows = 1024, .saved = 1}, &ends, &io);
    cr_assert_eq(calls, 6, "%ld calls", (long)calls);
    cr_assert_eq(most_rows, 4);
    cr_assert_eq(all_rows, 6 * 2 + 5 + 1);
    count_within(&(generate_limits){.slots = 6, .rows = 5, .saved = 1}, &ends, &io);
    cr_assert_leq(most_rows, 7); /* 5, or one prompt beside five rows */
}
