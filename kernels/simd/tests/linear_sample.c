/* The head and its greedy sample in one call: the tokens are those of linear and sample, whatever
 * the logits are, at every thread count; and generations use it where nobody asks for logits. */
#include "kernels/plugin.h"
#include "kernels/tests/tiny.h"

enum { THREADS_MOST = 8, NAMES = 4, MAX_NEW = 5 };

static const char *const names[NAMES] = {"avx512", "avx512bf16", "avx512bf16_int8_weights", "amx"};

static assay_plugin plugin;

static void open_module(void)
{
    assay_error error = {0};
    cr_assert_eq(assay_plugin_open(ASSAY_MODULE, &plugin, &error), ASSAY_OK, "%s", error.message);
}

static void close_module(void)
{
    assay_plugin_close(&plugin);
}

static bool find(const char *name, assay_table *table)
{
    assay_error error;
    const assay_device device = assay_host_device();
    cr_assert(assay_plugin_table(&plugin, name, table));
    cr_assert_not_null(table->fusions, "%s", name);
    return assay_kernel_usable(table->kernel[ASSAY_OP_linear], &device, &error) == ASSAY_OK;
}

/* What logits are like. */
typedef enum kind {
    PLAIN,
    TIES,     /* few different numbers */
    NANS,     /* some are none; in odd rows alone where weights cannot be */
    LEAST,    /* all are -Inf */
    ALL_LESS, /* -Inf but for the last */
    ZEROS,    /* of both signs */
    KINDS
} kind;

typedef struct shape {
    int64_t rows, depth, outputs;
} shape;

static const shape shapes[] = {{1, 1, 1},   {2, 3, 31},    {3, 5, 32},    {13, 64, 33},
                               {1, 130, 1000}, {70, 67, 515}, {401, 8, 77}, {33, 257, 64}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double draw(uint64_t seed, int64_t i)
{
    return uniform(seed, 2 * i) + uniform(seed, 2 * i + 1) - 1.0;
}

static assay_tensor weights_of(kind what, const shape *s, assay_dtype type)
{
    const assay_tensor w = blank(type, s->outputs, s->depth);
    for (int64_t i = 0; i < s->outputs * s->depth; i++) {
        const int64_t o = i / s->depth;
        const double any = draw(11, i);
        const double few = (double)(o % 3 - 1);
        assay_put2(&w, o, i % s->depth,
                   what == TIES ? few : what == ZEROS ? 0.0 * few - 0.0 : any);
    }
    return w;
}

static assay_tensor bias_of(kind what, const shape *s)
{
    const assay_tensor bias = blank_vector(ASSAY_F32, s->outputs);
    for (int64_t o = 0; o < s->outputs; o++) {
        const bool last = o == s->outputs - 1;
        double value = what == PLAIN ? draw(13, o) : 0.0;
        value = what == LEAST || (what == ALL_LESS && !last) ? -(double)INFINITY : value;
        value = what == NANS && o % 41 == 7 ? (double)NAN : value;
        assay_put1(&bias, o, what == ZEROS && o % 2 == 0 ? -0.0 : value);
    }
    return bias;
}

static assay_tensor rows_of(kind what, const shape *s, assay_dtype type)
{
    const assay_tensor x = blank(type, s->rows, s->depth);
    for (int64_t i = 0; i < s->rows * s->depth; i++) {
        const bool none = what == NANS && i / s->depth % 2 == 1;
        assay_put2(&x, i / s->depth, i % s->depth,
                   none ? (double)NAN : what == TIES ? 1.0 : draw(12, i));
    }
    return x;
}

static const assay_sample_params greedy = {.temperature = 0.0, .top_p = 1.0};

static long long token_at(const assay_tensor *token, int64_t row)
{
    return (long long)assay_at1(token, row);
}

/* A workspace of no more bytes than were asked for. */
static void give_workspace(assay_exec *exec, size_t bytes)
{
    exec->workspace_bytes = (bytes + 255) / 256 * 256;
    exec->workspace = guarded(exec->workspace_bytes);
}

static void same_tokens(const assay_table *table, kind what, const shape *s, assay_dtype type)
{
    const assay_tensor logits = blank(assay_table_activation(table), s->rows, s->outputs);
    const assay_linear_params params = {.weight = weights_of(what, s, type),
                                        .bias = bias_of(what, s)};
    const assay_tensor x = rows_of(what, s, assay_table_activation(table));
    const assay_tensor stream = blank_vector(ASSAY_I64, s->rows);
    const assay_tensor expected = blank_vector(ASSAY_I32, s->rows);
    const assay_linear_io linear = {.x = x, .y = logits};
    const assay_sample_io sample = {.logits = logits, .stream = stream, .token = expected};
    const assay_linear_functions *const own = &table->kernel[ASSAY_OP_linear]->run.linear;
    const assay_linear_sample_functions *const fused = &table->fusions->linear_sample;
    RUN_KERNEL(linear, table->kernel[ASSAY_OP_linear], &params, &linear);
    RUN_KERNEL(sample, table->kernel[ASSAY_OP_sample], &greedy, &sample);
    for (int32_t threads = 1; threads <= THREADS_MOST; threads++) {
        assay_error error;
        assay_exec exec = host_exec(threads, &error);
        const assay_linear_sample_io io = {
            .x = x, .stream = stream, .token = blank_vector(ASSAY_I32, s->rows)};
        void *state = NULL;
        cr_assert_eq(own->prepare(&exec, &params, &state), ASSAY_OK, "%s", error.message);
        const assay_linear_sample_steps steps = {.linear = {&params, state},
                                                 .sample = {&greedy, NULL}};
        give_workspace(&exec, fused->workspace(&steps, &io));
        cr_assert_eq(fused->supports(&exec.device, &steps, &io, NULL), ASSAY_OK);
        cr_assert_eq(fused->run(&exec, &steps, &io), ASSAY_OK, "%s", error.message);
        for (int64_t r = 0; r < s->rows; r++) {
            cr_assert_eq(token_at(&io.token, r), token_at(&expected, r),
                         "%s, %d threads, kind %d, %lld x %lld x %lld, row %lld: %lld not %lld",
                         table->name, (int)threads, (int)what, (long long)s->rows,
                         (long long)s->depth, (long long)s->outputs, (long long)r,
                         token_at(&io.token, r), token_at(&expected, r));
        }
        table->kernel[ASSAY_OP_linear]->release(&exec, state);
    }
}

Test(linear_sample, tokens_are_those_of_its_ops, .init = open_module, .fini = close_module)
{
    static const assay_dtype types[] = {ASSAY_BF16, ASSAY_F32, ASSAY_F16};
    for (int n = 0; n < NAMES; n++) {
        assay_table table;
        const bool usable = find(names[n], &table);
        for (int i = 0; usable && i < SHAPES * KINDS; i++) {
            same_tokens(&table, (kind)(i % KINDS), &shapes[i / KINDS], types[i % 3]);
        }
    }
}

Test(linear_sample, a_draw_is_declined, .init = open_module, .fini = close_module)
{
    const assay_sample_params drawn = {.temperature = 0.5, .top_p = 1.0};
    const assay_device device = assay_host_device();
    for (int n = 0; n < NAMES; n++) {
        assay_table table;
        const assay_linear_sample_steps steps = {.sample = {&drawn, NULL}};
        assay_error error = {0};
        (void)find(names[n], &table);
        cr_assert_eq(table.fusions->linear_sample.supports(&device, &steps, NULL, &error),
                     ASSAY_UNSUPPORTED);
        cr_assert_not_null(strstr(error.message, "greedy"));
    }
}

static assay_table real;
static int heads, fused_heads;

static assay_status count_heads(const assay_exec *exec, const assay_linear_params *params,
                                const void *state, const assay_linear_io *io)
{
    heads += params->weight.shape[0] == TINY_VOCAB;
    return real.kernel[ASSAY_OP_linear]->run.linear.run(exec, params, state, io);
}

static assay_status count_fused(const assay_exec *exec, const assay_linear_sample_steps *steps,
                                const assay_linear_sample_io *io)
{
    fused_heads++;
    return real.fusions->linear_sample.run(exec, steps, io);
}

/* Tokens of a generation by `real`, whose heads are counted. */
static assay_tensor generated(const assay_model *model, double temperature, bool logits)
{
    assay_table counted = real;
    assay_kernel linear = *real.kernel[ASSAY_OP_linear];
    assay_fusions fusions;
    linear.run.linear.run = count_heads;
    counted.kernel[ASSAY_OP_linear] = &linear;
    if (real.fusions != NULL) {
        fusions = *real.fusions;
        fusions.linear_sample.run = count_fused;
        counted.fusions = &fusions;
    }
    assay_error error;
    const assay_exec exec = host_exec(2, &error);
    const assay_generate_params params = {.model = *model,
                                          .max_new_tokens = MAX_NEW,
                                          .sampling = {.temperature = temperature, .top_p = 0.9}};
    const int64_t dims[3] = {TINY_BATCH, MAX_NEW, TINY_VOCAB};
    const assay_dtype type = assay_table_activation(&counted);
    assay_generate_io io = {.tokens = tiny_tokens(),
                            .lengths = tiny_length_vector(),
                            .new_tokens = blank(ASSAY_I64, TINY_BATCH, MAX_NEW)};
    assay_generate_stage *stage = NULL;
    if (logits) {
        const size_t count = (size_t)(dims[0] * dims[1] * dims[2]);
        io.logits = assay_dense(guarded(count * assay_dtype_size(type)), type, 3, dims);
    }
    heads = fused_heads = 0;
    cr_assert_eq(assay_generate_stage_open(&counted, &exec, &params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_generate_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
    return io.new_tokens;
}

Test(linear_sample, logits_that_nobody_asks_for_are_not_made, .init = open_module,
     .fini = close_module)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    for (int n = 0; n < NAMES; n++) {
        if (!find(names[n], &real)) {
            continue;
        }
        const assay_fusions *const fusions = real.fusions;
        const assay_tensor without = generated(&model, 0.0, false);
        cr_expect(heads == 0 && fused_heads == MAX_NEW, "%s: %d, %d", names[n], heads, fused_heads);
        const assay_tensor drawn = generated(&model, 0.7, false);
        cr_expect(heads == MAX_NEW && fused_heads == 0, "%s: %d, %d", names[n], heads, fused_heads);
        const assay_tensor with = generated(&model, 0.0, true);
        cr_expect(heads == MAX_NEW && fused_heads == 0, "%s: %d, %d", names[n], heads, fused_heads);
        real.fusions = NULL;
        const assay_tensor plain = generated(&model, 0.0, false);
        const assay_tensor plainly_drawn = generated(&model, 0.7, false);
        real.fusions = fusions;
        cr_expect(same_bits(&without, &with) && same_bits(&without, &plain), "%s", names[n]);
        cr_expect(same_bits(&drawn, &plainly_drawn), "%s", names[n]);
    }
}
