/* generate on a device, an emulated one: tokens that stay there for a window of steps give what
 * tokens give that come to the host and go back, bit for bit, and the host waits once a window. */
#include "tiny.h"

#include "kernels/plugin.h"

enum { LONG = 20 };

static const char module[] = ASSAY_BINARY "_cuda_emulated_device.so"; /* beside the program */

static assay_plugin plugin;
static assay_accelerator watched;
static assay_accelerator_timing graphs;
static int waits, moves, launches;

static assay_status wait_for(int32_t device, void *stream, assay_error *error)
{
    waits++;
    return plugin.accelerator->synchronise(device, stream, error);
}

static assay_status move_on(int32_t device, void *stream, const assay_next_step *next,
                            assay_error *error)
{
    moves++;
    return plugin.accelerator->next_step(device, stream, next, error);
}

static assay_status launch(int32_t device, void *graph, void *stream, assay_error *error)
{
    launches++;
    return plugin.accelerator->timing->graph_launch(device, graph, stream, error);
}

/* What a library does that is no part of a graph. */
static assay_status refuse_graph(int32_t device, void *stream, void **graph, assay_error *error)
{
    const assay_status status = plugin.accelerator->timing->graph_end(device, stream, graph, error);
    cr_assert_eq(status, ASSAY_OK);
    cr_assert_eq(plugin.accelerator->timing->graph_close(device, *graph, error), ASSAY_OK);
    *graph = NULL;
    return assay_fail(error, ASSAY_UNSUPPORTED, "it cannot be captured");
}

static void open_module(void)
{
    assay_error said = {0};
    cr_assert_eq(assay_plugin_open(module, &plugin, &said), ASSAY_OK, "%s", said.message);
    graphs = *assay_timing_of(plugin.accelerator);
    graphs.graph_launch = launch;
    watched = *plugin.accelerator;
    watched.synchronise = wait_for;
    watched.next_step = move_on;
    watched.timing = &graphs;
}

static void close_module(void)
{
    assay_plugin_close(&plugin);
}

/* One generation on the watched device; io's outputs are made here. */
static void generate_there(const char *impl, const assay_generate_params *params,
                           assay_generate_io *io, bool with_logits)
{
    assay_table table;
    assay_error error = {0};
    assay_exec exec = {.threads = 1, .error = &error};
    assay_accelerator_device facts;
    assay_generate_stage *stage = NULL;
    const int64_t dims[3] = {io->lengths.shape[0], params->max_new_tokens, TINY_VOCAB};
    cr_assert(assay_plugin_table(&plugin, impl, &table));
    table.accelerator = &watched;
    cr_assert_eq(watched.describe(0, &facts, &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(watched.stream_open(0, &exec.stream, &error), ASSAY_OK, "%s", error.message);
    exec.device = facts.device;
    io->new_tokens = blank(ASSAY_I64, dims[0], dims[1]);
    poison(&io->new_tokens);
    if (with_logits) {
        const assay_dtype type = assay_table_activation(&table);
        const size_t count = (size_t)(dims[0] * dims[1] * dims[2]);
        io->logits = assay_dense(guarded(count * assay_dtype_size(type)), type, 3, dims);
        poison(&io->logits);
    }
    cr_assert_eq(assay_generate_stage_open(&table, &exec, params, &stage), ASSAY_OK, "%s",
                 error.message);
    waits = moves = launches = 0;
    cr_assert_eq(assay_generate_stage_run(stage, io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
    cr_assert_eq(watched.stream_close(0, exec.stream, &error), ASSAY_OK, "%s", error.message);
}

static assay_generate_params params_of(const assay_model *model, double temperature)
{
    return (assay_generate_params){
        .model = *model,
        .max_new_tokens = LONG,
        .sampling = {.temperature = temperature, .top_p = 0.9, .top_k = 20, .seed = 3}};
}

static assay_generate_io prompts(void)
{
    return (assay_generate_io){.tokens = tiny_tokens(), .lengths = tiny_length_vector()};
}

/* The same generation with tokens that stay there, and with tokens that go to and fro. */
static void same_both_ways(const char *what, const char *impl, const assay_generate_params *params,
                           const assay_generate_io *io)
{
    assay_generate_io there = *io;
    assay_generate_io here = *io;
    watched.next_step = move_on;
    generate_there(impl, params, &there, true);
    cr_assert_gt(moves, 0);
    watched.next_step = NULL;
    generate_there(impl, params, &here, true);
    cr_assert_eq(moves, 0);
    watched.next_step = move_on;
    cr_assert(same_bits(&there.new_tokens, &here.new_tokens), "%s, %s: tokens", impl, what);
    cr_assert(same_bits(&there.logits, &here.logits), "%s, %s: logits", impl, what);
}

Test(generate_device, tokens_that_stay_there_are_those_that_go_to_and_fro, .fini = close_module)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const int64_t streams[TINY_BATCH] = {10, 11, 12, 13};
    open_module();
    for (int flow = 0; flow < 2; flow++) {
        const char *const impl = flow == 0 ? "cuda" : "cuda_bf16";
        assay_generate_params params = params_of(&model, 0.0);
        assay_generate_io io = prompts();
        same_both_ways("greedy", impl, &params, &io);
        params = params_of(&model, 0.8);
        io.stream = int_vector(ASSAY_I64, TINY_BATCH, streams);
        same_both_ways("drawn", impl, &params, &io);
    }
}

/* Rows end in the middle of a window, and others go on in another order of rows. */
Test(generate_device, rows_end_where_they_should, .fini = close_module)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = params_of(&model, 0.7);
    assay_generate_io free_run = prompts();
    open_module();
    generate_there("cuda", &params, &free_run, false);
    const int64_t eos[2] = {new_token(&free_run, 0, 2), new_token(&free_run, 2, 9)};
    params.eos = eos;
    params.eos_count = 2;
    assay_generate_io io = prompts();
    same_both_ways("eos", "cuda", &params, &io);
    io.forced = blank(ASSAY_I64, TINY_BATCH, LONG);
    for (int64_t i = 0; i < TINY_BATCH * LONG; i++) {
        const bool ended = i % LONG >= 3 + 5 * (i / LONG);
        ((int64_t *)io.forced.data)[i] = ended ? -1 : (11 * i + 5) % TINY_VOCAB;
    }
    params.eos_count = 0;
    same_both_ways("forced", "cuda", &params, &io);
}

static bool stop_row_two(void *context, int64_t row, const int64_t *tokens, int64_t count)
{
    int64_t *const asked = context;
    cr_assert_eq(count, ++asked[row]); /* of every step, in order, none after its end */
    cr_assert_geq(tokens[count - 1], 0);
    return row == 2 && count == 11;
}

Test(generate_device, stop_is_asked_of_every_step_and_no_more, .fini = close_module)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = params_of(&model, 0.0);
    int64_t asked[TINY_BATCH] = {0};
    assay_generate_io io = prompts();
    io.stop = stop_row_two;
    io.stop_context = asked;
    open_module();
    generate_there("cuda", &params, &io, false);
    for (int64_t b = 0; b < TINY_BATCH; b++) {
        cr_assert_eq(asked[b], b == 2 ? 11 : LONG);
    }
    cr_assert_geq(new_token(&io, 2, 10), 0);
    cr_assert_eq(new_token(&io, 2, 11), -1);
}

/* All steps but the first token, and the first step of so many rows, are launches of a graph. */
Test(generate_device, the_host_waits_once_a_window_and_enqueues_a_graph, .fini = close_module)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = params_of(&model, 0.9);
    assay_generate_io io = prompts();
    open_module();
    generate_there("cuda", &params, &io, false);
    cr_expect_eq(launches, LONG - 2);
    cr_expect_eq(moves, 3, "the first token's, the first step's, the graph's: %d", moves);
    const int before = waits;
    params.max_new_tokens = 2 * LONG;
    generate_there("cuda", &params, &io, false);
    cr_expect_eq(launches, 2 * LONG - 2);
    cr_expect_eq(waits, before + 2, "%d waits of %d tokens, %d of %d", before, LONG, waits,
                 2 * LONG);
}

Test(generate_device, a_step_that_cannot_be_a_graph_is_enqueued_each_time, .fini = close_module)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    const assay_generate_params params = params_of(&model, 0.9);
    assay_generate_io with = prompts();
    assay_generate_io without = prompts();
    open_module();
    generate_there("cuda", &params, &with, true);
    graphs.graph_end = refuse_graph;
    generate_there("cuda", &params, &without, true);
    cr_expect_eq(launches, 0);
    cr_expect(same_bits(&with.new_tokens, &without.new_tokens));
    cr_expect(same_bits(&with.logits, &without.logits));
    watched.timing = NULL;
    generate_there("cuda", &params, &without, true);
    cr_expect(same_bits(&with.new_tokens, &without.new_tokens));
}
