/* Stages with fusions give the bits that they give without, at every hook, with steering at every
 * place, one row or several; and fusions are what runs where nothing lies between the ops. */
#include "fused.h"

#include "kernels/exec/fuse.h"

static const assay_hook hooks[] = {
    {ASSAY_HOOK_EMBED, 0},    {ASSAY_HOOK_INPUT, 0},   {ASSAY_HOOK_INPUT, 2},
    {ASSAY_HOOK_OUTPUT, 1},   {ASSAY_HOOK_OUTPUT, 2},  {ASSAY_HOOK_ATTN_OUT, 1},
    {ASSAY_HOOK_MLP_IN, 1},   {ASSAY_HOOK_MLP_OUT, 1}, {ASSAY_HOOK_FINAL_NORM, 0}};
enum { HOOKS = sizeof hooks / sizeof hooks[0] };

static assay_tensor captured(const assay_table *table, const assay_model *model, assay_hook hook,
                             int64_t batch)
{
    assay_error error;
    assay_exec exec = fused_exec(table, &error);
    const assay_capture_params params = {.model = *model, .hook = hook};
    int64_t rows = 0;
    for (int64_t b = 0; b < batch; b++) {
        rows += tiny_lengths[b];
    }
    const assay_capture_io io = {
        .tokens = fused_tokens(batch),
        .lengths = int_vector(ASSAY_I64, batch, tiny_lengths),
        .residual = blank(assay_table_activation(table), rows, TINY_D)};
    assay_capture_stage *stage = NULL;
    poison(&io.residual);
    cr_assert_eq(assay_capture_stage_open(table, &exec, &params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_capture_stage_run(stage, &io), ASSAY_OK, "%s", error.message);
    assay_capture_stage_close(&stage);
    fused_exec_close(table, &exec);
    return io.residual;
}

Test(fusion_stages, captures_are_the_same_without)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    for (int m = 0; m < FUSED_MODULES; m++) {
        assay_plugin plugin = fused_open(fused_modules[m]);
        for (int i = 0; i < FUSED_IMPLS; i++) {
            const assay_table fused = fused_table(&plugin, fused_impls[i]);
            assay_table plain = fused;
            plain.fusions = NULL;
            for (size_t h = 0; h < HOOKS; h++) {
                for (int64_t batch = 1; batch <= TINY_BATCH; batch += TINY_BATCH - 1) {
                    const assay_tensor with = captured(&fused, &model, hooks[h], batch);
                    const assay_tensor without = captured(&plain, &model, hooks[h], batch);
                    cr_assert(same_bits(&with, &without), "%s of module %d, hook %zu, batch %ld",
                              fused_impls[i], m, h, (long)batch);
                }
            }
        }
        assay_plugin_close(&plugin);
    }
}

/* One generation with and without; what is asked of both is the same. */
static void same_generation(const assay_table *fused, const assay_generate_params *params,
                            int64_t batch, const char *what)
{
    assay_table plain = *fused;
    assay_generate_io with = {
        .tokens = fused_tokens(batch),
        .lengths = int_vector(ASSAY_I64, batch, tiny_lengths)};
    assay_generate_io without = with;
    plain.fusions = NULL;
    fused_generate(fused, params, &with);
    fused_generate(&plain, params, &without);
    cr_assert(same_bits(&with.new_tokens, &without.new_tokens), "%s, %s, batch %ld: tokens",
              fused->name, what, (long)batch);
    cr_assert(same_bits(&with.logits, &without.logits), "%s, %s, batch %ld: logits", fused->name,
              what, (long)batch);
}

Test(fusion_stages, generations_are_the_same_without)
{
    enum { COUNT = 6 };
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    for (int m = 0; m < FUSED_MODULES; m++) {
        assay_plugin plugin = fused_open(fused_modules[m]);
        for (int i = 0; i < FUSED_IMPLS; i++) {
            const assay_table fused = fused_table(&plugin, fused_impls[i]);
            for (int64_t batch = 1; batch <= TINY_BATCH; batch += TINY_BATCH - 1) {
                const assay_generate_params greedy = fused_params(&model, COUNT, 0.0);
                const assay_generate_params drawn = fused_params(&model, COUNT, 0.8);
                same_generation(&fused, &greedy, batch, "greedy");
                same_generation(&fused, &drawn, batch, "drawn");
            }
        }
        assay_plugin_close(&plugin);
    }
}

static bool can_be_steered(assay_hook hook)
{
    return hook.kind != ASSAY_HOOK_MLP_IN && hook.kind != ASSAY_HOOK_FINAL_NORM;
}

Test(fusion_stages, steered_generations_are_the_same_without)
{
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    for (int m = 0; m < FUSED_MODULES; m++) {
        assay_plugin plugin = fused_open(fused_modules[m]);
        const assay_table fused = fused_table(&plugin, fused_impls[m]);
        for (size_t h = 0; h < HOOKS; h++) {
            assay_generate_params params = fused_params(&model, 4, 0.0);
            if (!can_be_steered(hooks[h])) {
                continue;
            }
            params.steering = fused_steering(hooks[h]);
            same_generation(&fused, &params, TINY_BATCH, "steered everywhere");
            params.steering.positions = ASSAY_STEER_PROMPT;
            same_generation(&fused, &params, 1, "steered in the prompt");
        }
        assay_plugin_close(&plugin);
    }
}

/* Which functions a pass calls, and how often. */
static assay_table real;
static int op_calls[ASSAY_OP_COUNT];

#define COUNT_OP(op)                                                                               \
    static assay_status count_##op(const assay_exec *exec, const assay_##op##_params *params,      \
                                   const void *state, const assay_##op##_io *io)                   \
    {                                                                                              \
        op_calls[ASSAY_OP_##op]++;                                                                 \
        return real.kernel[ASSAY_OP_##op]->run.op.run(exec, params, state, io);                    \
    }
ASSAY_STEP_OPS(COUNT_OP)

static struct {
    int add_rmsnorm, linears, gate_up_swiglu, rope_attention;
} fusion_calls;

#define COUNT_FUSION(fusion)                                                                       \
    static assay_status count_##fusion(const assay_exec *exec, const assay_##fusion##_steps *steps,\
                                       const assay_##fusion##_io *io)                              \
    {                                                                                              \
        fusion_calls.fusion++;                                                                     \
        return real.fusions->fusion.run(exec, steps, io);                                          \
    }
ASSAY_LAYER_FUSIONS(COUNT_FUSION)

/* One pass over the prompts, its head and a sample. */
static void count_pass(const assay_steering *steering)
{
    static assay_kernel kernel[ASSAY_OP_COUNT];
    static assay_fusions fusions;
    assay_layer layers[TINY_LAYERS];
    const assay_model model = tiny_model(layers);
    assay_generate_params params = fused_params(&model, 1, 0.0);
    assay_generate_io io = {.tokens = tiny_tokens(), .lengths = tiny_length_vector()};
    assay_table counted = real;
#define WATCH_OP(op)                                                                               \
    kernel[ASSAY_OP_##op] = *real.kernel[ASSAY_OP_##op];                                           \
    kernel[ASSAY_OP_##op].run.op.run = count_##op;                                                 \
    counted.kernel[ASSAY_OP_##op] = &kernel[ASSAY_OP_##op];
    ASSAY_STEP_OPS(WATCH_OP)
    if (real.fusions != NULL) {
        fusions = *real.fusions;
#define WATCH_FUSION(fusion) fusions.fusion.run = count_##fusion;
        ASSAY_LAYER_FUSIONS(WATCH_FUSION)
        counted.fusions = &fusions;
    }
    if (steering != NULL) {
        params.steering = *steering;
    }
    memset(op_calls, 0, sizeof op_calls);
    memset(&fusion_calls, 0, sizeof fusion_calls);
    fused_generate(&counted, &params, &io);
}

/* adds and norms: those that no fusion took, the head's norm not counted. */
static void expect_calls(int fused, int adds, int norms)
{
    cr_expect_eq(fusion_calls.add_rmsnorm, fused, "%d", fusion_calls.add_rmsnorm);
    cr_expect_eq(op_calls[ASSAY_OP_add], adds, "%d", op_calls[ASSAY_OP_add]);
    cr_expect_eq(op_calls[ASSAY_OP_rmsnorm], norms + 1, "%d", op_calls[ASSAY_OP_rmsnorm]);
    cr_expect_eq(fusion_calls.linears, TINY_LAYERS);
    cr_expect_eq(fusion_calls.gate_up_swiglu, TINY_LAYERS);
    cr_expect_eq(fusion_calls.rope_attention, TINY_LAYERS);
    cr_expect_eq(op_calls[ASSAY_OP_linear], 2 * TINY_LAYERS + 1, "o, down and the head");
    cr_expect_eq(op_calls[ASSAY_OP_swiglu] + op_calls[ASSAY_OP_rope] +
                 op_calls[ASSAY_OP_attention], 0);
}

Test(fusion_stages, fusions_are_what_runs)
{
    assay_plugin plugin = fused_open(fused_modules[0]);
    real = fused_table(&plugin, "cuda_bf16");
    count_pass(NULL);
    expect_calls(2 * TINY_LAYERS - 1, 1, 1);
    assay_steering steering = fused_steering((assay_hook){ASSAY_HOOK_OUTPUT, 1});
    count_pass(&steering);
    expect_calls(2 * TINY_LAYERS - 2, 2, 2);
    steering.hook = (assay_hook){ASSAY_HOOK_INPUT, 1};
    count_pass(&steering);
    expect_calls(2 * TINY_LAYERS - 2, 2, 2);
    steering.hook = (assay_hook){ASSAY_HOOK_ATTN_OUT, 1}; /* before an addition */
    count_pass(&steering);
    expect_calls(2 * TINY_LAYERS - 1, 1, 1);
    real.fusions = NULL;
    count_pass(NULL);
    cr_expect_eq(op_calls[ASSAY_OP_add], 2 * TINY_LAYERS);
    cr_expect_eq(op_calls[ASSAY_OP_linear], 7 * TINY_LAYERS + 1);
    assay_plugin_close(&plugin);
}

/* Members that an older plug-in's headers did not have are not looked at; a kernel of another name
 * is not stood for. */
Test(fusion_stages, what_is_not_there_is_not_used)
{
    assay_plugin plugin = fused_open(fused_modules[0]);
    const assay_table table = fused_table(&plugin, "cuda");
    assay_fusions older = *table.fusions;
    older.size = (uint32_t)offsetof(assay_fusions, gate_up_swiglu);
    real = table;
    real.fusions = &older;
    count_pass(NULL);
    cr_expect_eq(fusion_calls.gate_up_swiglu, 0);
    cr_expect_eq(fusion_calls.linears, TINY_LAYERS);
    cr_expect_eq(op_calls[ASSAY_OP_swiglu], TINY_LAYERS);
    assay_table mixed = table;
    mixed.kernel[ASSAY_OP_add] = assay_kernel_find(ASSAY_OP_add, "scalar");
    cr_expect_null(assay_fusions_of_layers(&mixed));
    cr_expect_eq(assay_fusions_of_layers(&table), table.fusions);
    assay_plugin_close(&plugin);
}
