/* Bundle cases `generate` and `steered_generate`: teacher-forced logits with chain budgets, then
 * free-running tokens by their margins. */
#include <stdlib.h>

#include "kernels/exec/stage.h"
#include "verify/chain_generate.h"
#include "verify/forced.h"
#include "verify/generate_again.h"
#include "verify/refusal.h"
#include "verify/stage_judge.h"

enum { EOS_MAX = 64, NEW_TOKENS_MAX = 1 << 20 };

typedef struct generate_chain {
    assay_generate_params params;
    assay_generate_io io; /* inputs; forced is the expected tokens */
    int64_t batch, steps, vocab;
    int64_t eos[EOS_MAX];
} generate_chain;

static assay_status outputs(const generate_chain *chain, const assay_table *table,
                            assay_arena *arena, assay_tensor *tokens, assay_tensor *logits,
                            assay_error *error)
{
    const int64_t shape[3] = {chain->batch, chain->steps, chain->vocab};
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, assay_table_activation(table), 3, shape, logits, error);
    }
    if (status == ASSAY_OK) {
        assay_buffer_poison(tokens);
        assay_buffer_poison(logits);
    }
    return status;
}

static assay_status read_eos(const assay_case_context *context, generate_chain *chain,
                             assay_error *error)
{
    const assay_status status = assay_case_eos(context, "model", chain->eos, EOS_MAX,
                                               &chain->params.eos_count, error);
    chain->params.eos = chain->eos;
    return status;
}

static assay_status read_steering(const assay_case_context *context, generate_chain *chain,
                                  assay_error *error)
{
    assay_steering *const steering = &chain->params.steering;
    const char *hook = NULL;
    const char *positions = "all";
    assay_status status = assay_case_steer(context, &steering->steer, error);
    if (status == ASSAY_OK) {
        status = assay_case_text(context, "hook", &hook, error);
    }
    if (status == ASSAY_OK) {
        status = assay_hook_parse(hook, &chain->params.model, &steering->hook, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_option(context, "positions", &positions, error);
    }
    if (status == ASSAY_OK && strcmp(positions, "all") != 0 && strcmp(positions, "prompt") != 0) {
        status = assay_case_fail(context, error, "positions '%s': expected all or prompt",
                                 positions);
    }
    steering->positions =
        strcmp(positions, "prompt") == 0 ? ASSAY_STEER_PROMPT : ASSAY_STEER_ALL;
    steering->on = true;
    return status;
}

static assay_status read_tensors(const assay_case_context *context, generate_chain *chain,
                                 assay_tensor *logits, assay_error *error)
{
    assay_generate_io *const io = &chain->io;
    const struct {
        const char *role;
        assay_tensor *tensor;
    } in[] = {{"tokens", &io->tokens}, {"lengths", &io->lengths}, {"soft", &io->soft},
              {"soft_at", &io->soft_at}};
    assay_status status = ASSAY_OK;
    for (int i = 0; i < 4 && status == ASSAY_OK; i++) {
        const bool required = i < 2 || (i == 3 && assay_present(&io->soft));
        status = assay_case_in(context, in[i].role, required, in[i].tensor, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_out(context, "new_tokens", true, &io->forced, error);
    }
    return status == ASSAY_OK ? assay_case_out(context, "logits", false, logits, error) : status;
}

static assay_status read_inputs(const assay_case_context *context, bool steered,
                                generate_chain *chain, assay_tensor *logits, assay_error *error)
{
    const assay_model_file *model = NULL;
    assay_status status =
        assay_checkpoints_model(context->checkpoints, context->c, "model", &model, error);
    if (status == ASSAY_OK) {
        chain->params.model = model->model;
        status = assay_case_int(context, "max_new_tokens", 1, NEW_TOKENS_MAX,
                                &chain->params.max_new_tokens, error);
    }
    if (status == ASSAY_OK) {
        status = read_eos(context, chain, error);
    }
    if (status == ASSAY_OK) {
        status = assay_case_greedy(context, error);
    }
    if (status == ASSAY_OK && steered) {
        status = read_steering(context, chain, error);
    }
    if (status == ASSAY_OK) {
        status = read_tensors(context, chain, logits, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    chain->params.sampling.top_p = 1.0;
    chain->batch = chain->io.tokens.rank == 2 ? chain->io.tokens.shape[0] : 0;
    chain->steps = chain->params.max_new_tokens;
    chain->vocab = chain->params.model.vocab;
    const assay_tensor *const forced = &chain->io.forced;
    if (forced->rank != 2 || forced->dtype != ASSAY_I64 || forced->shape[0] != chain->batch ||
        forced->shape[1] != chain->steps) {
        return assay_case_fail(context, error, "new_tokens: expected int64 [%lld, %lld]",
                               (long long)chain->batch, (long long)chain->steps);
    }
    status = assay_case_generation(&chain->params, &chain->io, error);
    if (status == ASSAY_OK) {
        status = assay_case_ended(context, forced, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_present(logits) &&
        (logits->rank != 3 || logits->shape[0] != chain->batch ||
         logits->shape[1] != chain->steps || logits->shape[2] != chain->vocab)) {
        return assay_case_fail(context, error, "logits: expected [%lld, %lld, %lld]",
                               (long long)chain->batch, (long long)chain->steps,
                               (long long)chain->vocab);
    }
    return ASSAY_OK;
}

/* Free-running tokens against the expected ones. */
static void judge_tokens(const generate_chain *chain, const assay_chain_case *chain_case,
                         const assay_budget *budget, const assay_tensor *tokens,
                         assay_result *result)
{
    const int64_t *const got = tokens->data;
    const int64_t *const expected = chain->io.forced.data;
    for (int64_t b = 0; b < chain->batch; b++) {
        const int64_t at = b * chain->steps;
        assay_compare_tokens(got + at, expected + at, b, chain->steps,
                             chain_case->expected + at * chain->vocab,
                             budget->value + at * chain->vocab, chain->vocab,
                             chain_case->expected != chain_case->given, result);
    }
}

/* The expected tokens forced, and the logits they lead to. */
static assay_status judge_forced(const assay_judged *judged, const generate_chain *chain,
                                 const assay_chain_case *chain_case, const assay_budget *budget,
                                 const assay_subject *subject, const assay_tensor *tokens,
                                 const assay_tensor *logits, assay_arena *arena)
{
    assay_generate_io io = chain->io;
    io.new_tokens = *tokens;
    io.logits = *logits;
    const assay_stage stage = {.subject = *subject,
                               .io = &io,
                               .output_at = offsetof(assay_generate_io, logits),
                               .row_name = "step"};
    assay_status status = assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT);
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        assay_compare_elements(logits, chain_case->expected, budget, stage.row_name, false,
                               judged->result);
    }
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        status = assay_stage_repeat(judged, &stage, chain_case->expected, budget, arena);
    }
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        status = assay_forced_judge(judged, &chain->params, &io, arena);
    }
    return status;
}

/* Runs freely first: then no expected token has been seen. */
static assay_status judge_prepared(const assay_judged *judged, const generate_chain *chain,
                                   assay_chain_case *chain_case, const assay_table *table,
                                   const assay_kernel *fused, const assay_subject *subject,
                                   assay_arena *arena)
{
    assay_result *const result = judged->result;
    assay_tensor tokens;
    assay_tensor forced_tokens;
    assay_tensor logits;
    assay_budget budget;
    assay_generate_io io = chain->io;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = outputs(chain, table, arena, &tokens, &logits, judged->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(arena, &tokens, ASSAY_I64, &forced_tokens, judged->error);
    }
    io.new_tokens = tokens;
    if (status == ASSAY_OK) {
        status = assay_judged_run(judged, &io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_chain_case_budget(chain_case, table, &budget, judged->error);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS && assay_stage_can_force(fused)) {
        status = judge_forced(judged, chain, chain_case, &budget, subject, &forced_tokens, &logits,
                              arena);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        judge_tokens(chain, chain_case, &budget, &tokens, result);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = assay_refusal_judge(judged, &chain->params, &io, arena);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        assay_asked_generation asked = {
            .again = {judged, NULL, arena, chain_case->expected, &budget, "step"},
            .subject = subject,
            .params = &chain->params,
            .io = &chain->io,
            .table = table,
            .fused = fused,
            .moved = chain_case->expected != chain_case->given};
        status = assay_generate_again(&asked);
    }
    return status;
}

typedef struct generate_judge {
    const assay_case_context *context;
    const generate_chain *chain;
    assay_chain_case *chain_case;
} generate_judge;

/* A generate_judge's case for one implementation. */
static assay_status judge_table(void *opaque, size_t index, assay_result *result,
                                assay_error *error)
{
    const generate_judge *const judge = opaque;
    const assay_case_context *const context = judge->context;
    const generate_chain *const chain = judge->chain;
    assay_stage_contracts room;
    const assay_table *const table = assay_stage_contracts_of(&context->run->tables[index],
                                                              ASSAY_OP_generate, &room);
    const assay_judged judged = {context->run->sessions[index], result, error};
    char *folder = NULL;
    assay_status status = assay_checkpoints_folder(context->checkpoints, context->c, "model",
                                                   &folder, error);
    const assay_stage_files files = {.model = folder};
    const assay_subject subject = {.impl = table->name,
                                   .op = ASSAY_OP_generate,
                                   .params = &chain->params,
                                   .files = &files};
    if (status == ASSAY_OK) {
        status = assay_judged_prepare(&judged, &subject);
    }
    if (status == ASSAY_OK && result->verdict == ASSAY_PASS) {
        status = judge_prepared(&judged, chain, judge->chain_case, table,
                                context->run->tables[index].kernel[ASSAY_OP_generate], &subject,
                                judge->chain_case->arena);
        const assay_status released = assay_judged_release(&judged);
        status = status != ASSAY_OK ? status : released;
    }
    free(folder);
    return status;
}

assay_status assay_case_judge_generate(const assay_case_context *context, bool steered,
                                       assay_error *error)
{
    assay_arena arena = {0};
    generate_chain chain = {.batch = 0};
    assay_generate_chain scales;
    assay_chain_case chain_case = {
        .chain = &scales.chain, .arena = &arena, .scales = context->scales};
    assay_tensor logits;
    assay_tensor wide = {0};
    assay_status status = read_inputs(context, steered, &chain, &logits, error);
    if (status == ASSAY_OK) {
        status = assay_case_witness(context, &chain_case.witness, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(&arena, &logits, ASSAY_F64, &wide, error);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_chain_make(context, &chain.params, &chain.io, &arena, &scales,
                                           error);
    }
    if (status == ASSAY_OK && assay_present(&wide)) {
        chain_case.given = wide.data;
    } else if (status == ASSAY_OK) {
        status = assay_scales_truth(context->scales, &scales.chain, 0, NULL, &chain_case.given,
                                    error);
    }
    if (status == ASSAY_OK) {
        generate_judge judge = {context, &chain, &chain_case};
        status = assay_case_each(context, judge_table, &judge, error);
    }
    assay_arena_free(&arena);
    return status;
}
