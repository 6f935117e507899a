/* What the tests of fusions share: the emulated CUDA modules and their tables. */
#ifndef KERNELS_TESTS_FUSED_H
#define KERNELS_TESTS_FUSED_H

#include "tiny.h"

#include "kernels/plugin.h"

static const char *const fused_impls[] = {"cuda", "cuda_bf16"};
enum { FUSED_IMPLS = sizeof fused_impls / sizeof fused_impls[0] };

/* Modules beside the program: operands on the host, or on an emulated device. */
static const char *const fused_modules[] = {ASSAY_BINARY "_cuda_emulated.so",
                                            ASSAY_BINARY "_cuda_emulated_device.so"};
enum { FUSED_MODULES = sizeof fused_modules / sizeof fused_modules[0] };

static inline assay_plugin fused_open(const char *path)
{
    assay_plugin plugin;
    assay_error said = {0};
    cr_assert_eq(assay_plugin_open(path, &plugin, &said), ASSAY_OK, "%s", said.message);
    return plugin;
}

static inline assay_table fused_table(const assay_plugin *plugin, const char *impl)
{
    assay_table table;
    cr_assert(assay_plugin_table(plugin, impl, &table));
    cr_assert_not_null(table.fusions, "%s", impl);
    return table;
}

/* The device and a stream of it where the table's kernels want one, else the host. */
static inline assay_exec fused_exec(const assay_table *table, assay_error *error)
{
    assay_exec exec = host_exec(1, error);
    assay_accelerator_device facts;
    if (table->kernel[ASSAY_OP_add]->space != ASSAY_HOST) {
        cr_assert_eq(table->accelerator->describe(0, &facts, error), ASSAY_OK, "%s",
                     error->message);
        cr_assert_eq(table->accelerator->stream_open(0, &exec.stream, error), ASSAY_OK, "%s",
                     error->message);
        exec.device = facts.device;
    }
    return exec;
}

static inline void fused_exec_close(const assay_table *table, assay_exec *exec)
{
    if (exec->stream != NULL) {
        cr_assert_eq(table->accelerator->stream_close(0, exec->stream, NULL), ASSAY_OK);
    }
}

/* The first prompt alone, or all. */
static inline assay_tensor fused_tokens(int64_t batch)
{
    const assay_tensor all = tiny_tokens();
    return batch == 1 ? alone(&all, 0, tiny_lengths[0]) : all;
}

/* A generation by this very table; io's outputs are made here. */
static inline void fused_generate(const assay_table *table, const assay_generate_params *params,
                                  assay_generate_io *io)
{
    assay_error error;
    assay_exec exec = fused_exec(table, &error);
    assay_generate_stage *stage = NULL;
    const int64_t dims[3] = {io->lengths.shape[0], params->max_new_tokens, params->model.vocab};
    const assay_dtype type = assay_table_activation(table);
    io->new_tokens = blank(ASSAY_I64, dims[0], dims[1]);
    io->logits = assay_dense(guarded((size_t)(dims[0] * dims[1] * dims[2]) *
                                     assay_dtype_size(type)), type, 3, dims);
    poison(&io->new_tokens);
    poison(&io->logits);
    cr_assert_eq(assay_generate_stage_open(table, &exec, params, &stage), ASSAY_OK, "%s",
                 error.message);
    cr_assert_eq(assay_generate_stage_run(stage, io), ASSAY_OK, "%s", error.message);
    assay_generate_stage_close(&stage);
    fused_exec_close(table, &exec);
}

static inline assay_generate_params fused_params(const assay_model *model, int64_t count,
                                                 double temperature)
{
    return (assay_generate_params){
        .model = *model,
        .max_new_tokens = count,
        .sampling = {.temperature = temperature, .top_p = 0.9, .top_k = 20, .seed = 5}};
}

static inline assay_steering fused_steering(assay_hook hook)
{
    return (assay_steering){
        .on = true,
        .hook = hook,
        .steer = {.sae = {.d_in = TINY_D,
                          .d_out = TINY_D,
                          .d_sae = 10,
                          .encoder = random_matrix(ASSAY_F32, 10, TINY_D, 70, 1.0),
                          .decoder = random_matrix(ASSAY_F32, TINY_D, 10, 71, 1.0),
                          .activation = ASSAY_RELU},
                  .latent = 4,
                  .mode = ASSAY_STEER_SET,
                  .amount = 3.0}};
}

#endif
