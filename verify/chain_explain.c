/* The explain stage's composition once more, with all replicas as one batch: the stage would split
 * them into batches of its own. That both are the same is seen by the oracle, which is judged
 * through the stage against what this gives. */
#include "verify/chain_explain.h"

#include "kernels/exec/bind.h"
#include "kernels/exec/stage.h"
#include "verify/chain_inputs.h"
#include "verify/chain_key.h"

/* The rows to explain, for all replicas. */
static assay_status take_rows(const assay_explain_case *read, assay_chain_pass *pass,
                              assay_arena *arena, assay_tensor *x)
{
    assay_error *const error = pass->exec.error;
    const assay_explain_io *const from = &read->io;
    if (assay_present(&from->vectors)) {
        return assay_repeat(arena, &from->vectors, pass->replicas, x, error);
    }
    const int64_t shape[2] = {read->rows * pass->replicas, read->params.capture.model.d_model};
    assay_capture_io io = {.tokens = from->tokens};
    assay_capture_stage *stage = NULL;
    assay_status status = assay_repeat(arena, &from->tokens, pass->replicas, &io.tokens, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &from->lengths, pass->replicas, &io.lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat_pairs(arena, &from->positions, from->tokens.shape[0], pass->replicas,
                                    &io.positions, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, shape, x, error);
        io.residual = *x;
    }
    if (status == ASSAY_OK) {
        status = assay_capture_stage_open(pass->table, &pass->exec, &read->params.capture, &stage);
    }
    if (status == ASSAY_OK) {
        status = assay_capture_stage_run(stage, &io);
    }
    assay_capture_stage_close(&stage);
    return status;
}

static assay_status adapt(const assay_explain_case *read, assay_chain_pass *pass,
                          const assay_tensor *x, assay_arena *arena, assay_tensor *soft)
{
    const int64_t shape[2] = {read->rows * pass->replicas, read->width};
    assay_bound_adapter adapter = {.kernel = NULL};
    assay_runner runner;
    assay_runner_open(&runner, &pass->exec, pass->table);
    assay_status status = assay_buffer_make(arena, ASSAY_F64, 2, shape, soft, pass->exec.error);
    if (status == ASSAY_OK) {
        status = assay_bind_adapter(&runner, pass->table, &read->params.adapter, &adapter);
    }
    if (status == ASSAY_OK) {
        const assay_adapter_io io = {.x = *x, .y = *soft};
        status = assay_call_adapter(&runner, &adapter, &io);
    }
    assay_unbind_adapter(&runner, &adapter);
    assay_runner_close(&runner);
    return status;
}

/* Every row's prompt, with its soft token at each placeholder. */
static assay_status fill_prompts(const assay_explain_case *read, const assay_tensor *soft,
                                 assay_arena *arena, assay_generate_io *io, assay_error *error)
{
    const int64_t rows = soft->shape[0];
    const int64_t places = read->io.placeholder.shape[0];
    const int64_t length = read->io.prompt.shape[0];
    const int64_t shape[2] = {rows * places, read->width};
    assay_tensor prompt = read->io.prompt;
    prompt = assay_matrix(prompt.data, prompt.dtype, 1, length);
    assay_status status = assay_repeat(arena, &prompt, rows, &io->tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, &rows, &io->lengths, error);
    }
    for (int64_t r = 0; status == ASSAY_OK && r < rows; r++) {
        ((int64_t *)io->lengths.data)[r] = length;
    }
    if (status != ASSAY_OK || places == 0) {
        return status;
    }
    const int64_t pairs[2] = {rows * places, 2};
    status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &io->soft, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, pairs, &io->soft_at, error);
    }
    for (int64_t s = 0; status == ASSAY_OK && s < rows * places; s++) {
        int64_t *const pair = (int64_t *)io->soft_at.data + 2 * s;
        pair[0] = s / places;
        pair[1] = (int64_t)assay_at1(&read->io.placeholder, s % places);
        memcpy((double *)io->soft.data + s * read->width,
               (const double *)soft->data + pair[0] * read->width,
               (size_t)read->width * sizeof(double));
    }
    return status;
}

static assay_status generate(const assay_explain_case *read, assay_chain_pass *pass,
                             const assay_tensor *soft, assay_arena *arena)
{
    const int64_t rows = read->rows * pass->replicas;
    const int64_t shape[3] = {rows, read->steps, read->vocab};
    assay_error *const error = pass->exec.error;
    assay_generate_io io = {.stop = NULL};
    assay_generate_stage *stage = NULL;
    assay_status status = fill_prompts(read, soft, arena, &io, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &read->io.forced, pass->replicas, &io.forced, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &io.new_tokens, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 3, shape, &io.logits, error);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_stage_open(pass->table, &pass->exec, &read->params.generate,
                                           &stage);
    }
    if (status == ASSAY_OK) {
        assay_generate_stage_whole(stage);
        status = assay_generate_stage_run(stage, &io);
    }
    if (status == ASSAY_OK) {
        const assay_tensor logits =
            assay_matrix(io.logits.data, ASSAY_F64, rows * read->steps, read->vocab);
        assay_chain_tap(pass, ASSAY_EXPLAIN_LOGITS, &logits, NULL, read->rows * read->steps, 0);
    }
    assay_generate_stage_close(&stage);
    return status;
}

static assay_status run_chain(const void *context, assay_chain_pass *pass)
{
    const assay_explain_chain *const chain = context;
    const assay_explain_case *const read = chain->read;
    assay_arena arena = {0};
    assay_tensor x = {0};
    assay_tensor soft = {0};
    if (pass->perturbation != NULL) {
        pass->perturbation->given[0] = read->params.generate.model.embed.data;
        pass->perturbation->given[1] = read->params.capture.model.embed.data;
    }
    assay_status status = take_rows(read, pass, &arena, &x);
    if (status == ASSAY_OK) {
        status = adapt(read, pass, &x, &arena, &soft);
    }
    if (status == ASSAY_OK) {
        assay_chain_tap(pass, ASSAY_EXPLAIN_SOFT, &soft, NULL, read->rows, 0);
        status = generate(read, pass, &soft, &arena);
    }
    assay_arena_free(&arena);
    return status;
}

static char *name_chain(const assay_case_context *context, assay_arena *arena)
{
    static const char *const params[] = {
        "model", "explainer", "sae",  "recipe", "adapter",  "mean",     "mean_key",
        "style", "layer",     "text", "hook",   "position", "features", "add_special_tokens",
        "eos",   "max_new_tokens"};
    static const char *const outputs[] = {"new_tokens"};
    const assay_key_part part[] = {
        {context->c->params, params, sizeof params / sizeof params[0]},
        {context->c->out, outputs, 1}};
    return assay_chain_key(arena, "explain", part, 2);
}

void assay_explain_chain_set(const assay_explain_case *read, const char *key, uint64_t seed,
                             assay_explain_chain *chain)
{
    const int64_t length = read->io.prompt.shape[0];
    const int64_t rows = read->rows * read->steps;
    *chain = (assay_explain_chain){.read = read,
                                   .output = {{"soft", read->rows, read->width},
                                              {"logits", rows, read->vocab}}};
    chain->chain = (assay_chain){
        .run = run_chain,
        .context = chain,
        .key = key,
        .output = chain->output,
        .output_count = 2,
        .seed = seed,
        .bytes = assay_activation_bytes(&read->params.generate.model, read->rows * length,
                                        read->rows * (length + read->steps), rows)};
}

assay_status assay_explain_chain_make(const assay_case_context *context,
                                      const assay_explain_case *read, assay_arena *arena,
                                      assay_explain_chain *chain, assay_error *error)
{
    const char *const key = name_chain(context, arena);
    if (key == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain");
    }
    assay_explain_chain_set(read, key, context->run->seed, chain);
    return ASSAY_OK;
}
