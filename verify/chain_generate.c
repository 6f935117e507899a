#include "verify/chain_generate.h"

#include "kernels/exec/stage.h"
#include "verify/chain_inputs.h"
#include "verify/chain_key.h"

static assay_status repeat_io(const assay_generate_io *from, int64_t replicas, assay_arena *arena,
                              assay_generate_io *to, assay_error *error)
{
    const int64_t batch = from->tokens.shape[0];
    assay_status status = assay_repeat(arena, &from->tokens, replicas, &to->tokens, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &from->lengths, replicas, &to->lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &from->soft, replicas, &to->soft, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat_pairs(arena, &from->soft_at, batch, replicas, &to->soft_at, error);
    }
    return status == ASSAY_OK ? assay_repeat(arena, &from->forced, replicas, &to->forced, error)
                              : status;
}

static assay_status run_chain(const void *context, assay_chain_pass *pass)
{
    const assay_generate_chain *const chain = context;
    const int64_t rows = chain->output.rows;
    const int64_t columns = chain->output.columns;
    const int64_t steps = chain->params->max_new_tokens;
    const int64_t batch = chain->io.tokens.shape[0] * pass->replicas;
    const int64_t shape[3] = {batch, steps, columns};
    assay_error *const error = pass->exec.error;
    assay_arena arena = {0};
    assay_generate_io io = {.stop = NULL};
    assay_generate_stage *stage = NULL;
    assay_status status = repeat_io(&chain->io, pass->replicas, &arena, &io, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&arena, ASSAY_I64, 2, shape, &io.new_tokens, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&arena, ASSAY_F64, 3, shape, &io.logits, error);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_stage_open(pass->table, &pass->exec, chain->params, &stage);
    }
    if (status == ASSAY_OK) {
        assay_generate_stage_whole(stage);
        if (pass->perturbation != NULL) {
            pass->perturbation->given[0] = chain->params->model.embed.data;
            pass->perturbation->given[1] = io.soft.data;
        }
        status = assay_generate_stage_run(stage, &io);
    }
    if (status == ASSAY_OK) {
        const assay_tensor logits =
            assay_matrix(io.logits.data, ASSAY_F64, rows * pass->replicas, columns);
        assay_chain_tap(pass, 0, &logits, NULL, rows, 0);
    }
    assay_generate_stage_close(&stage);
    assay_arena_free(&arena);
    return status;
}

static char *name_chain(const assay_case_context *context, assay_arena *arena)
{
    static const char *const params[] = {"model",  "max_new_tokens", "eos",    "hook",
                                         "sae",    "recipe",         "latent", "mode",
                                         "amount", "positions"};
    static const char *const inputs[] = {"tokens", "lengths", "soft", "soft_at"};
    static const char *const outputs[] = {"new_tokens"};
    const assay_key_part part[] = {{context->c->params, params, 10},
                                   {context->c->in, inputs, 4},
                                   {context->c->out, outputs, 1}};
    return assay_chain_key(arena, context->c->op, part, 3);
}

void assay_generate_chain_set(const assay_generate_params *params, const assay_generate_io *io,
                              const char *key, uint64_t seed, assay_generate_chain *chain)
{
    const int64_t batch = io->tokens.shape[0];
    const int64_t rows = batch * params->max_new_tokens;
    const int64_t longest = io->tokens.shape[1] + params->max_new_tokens;
    *chain = (assay_generate_chain){
        .params = params, .io = *io, .output = {"logits", rows, params->model.vocab}};
    chain->chain = (assay_chain){
        .run = run_chain,
        .context = chain,
        .key = key,
        .output = &chain->output,
        .output_count = 1,
        .seed = seed,
        .bytes = assay_activation_bytes(&params->model, batch * io->tokens.shape[1],
                                        batch * longest, rows)};
}

assay_status assay_generate_chain_make(const assay_case_context *context,
                                       const assay_generate_params *params,
                                       const assay_generate_io *io, assay_arena *arena,
                                       assay_generate_chain *chain, assay_error *error)
{
    const char *const key = name_chain(context, arena);
    if (key == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain");
    }
    assay_generate_chain_set(params, io, key, context->run->seed, chain);
    return ASSAY_OK;
}
