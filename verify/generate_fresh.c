#include "verify/generate_fresh.h"

#include "fixtures/synth/normal.h"
#include "kernels/exec/stage.h"
#include "verify/chain_inputs.h"
#include "verify/fresh.h"

enum { LONG = 36, STEERED = 3, DRAWN = 4, SOFT = 4 };

/* The tokens that the oracle generates become the forced ones. */
static assay_status take_tokens(assay_fresh_generation *fresh, assay_arena *arena,
                                assay_error *error)
{
    const int64_t shape[2] = {fresh->io.tokens.shape[0], fresh->params.max_new_tokens};
    const assay_exec exec = assay_case_exec(error);
    assay_generate_stage *stage = NULL;
    assay_generate_io io = fresh->io;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &io.new_tokens, error);
    if (status == ASSAY_OK) {
        status = assay_generate_stage_open(&assay_oracle, &exec, &fresh->params, &stage);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_stage_run(stage, &io);
    }
    assay_generate_stage_close(&stage);
    fresh->io.forced = io.new_tokens;
    return status;
}

/* With the forced tokens of fresh->io, which are the oracle's. */
static assay_status finish(const assay_case_context *context, assay_arena *arena,
                           assay_fresh_generation *fresh, assay_error *error)
{
    const char *key = NULL;
    const assay_status status = assay_fresh_key(context, fresh->how, arena, &key, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_generate_chain_set(&fresh->params, &fresh->io, key, context->run->seed, &fresh->chain);
    return assay_fresh_case(context, &fresh->chain.chain, 0, arena, &fresh->chain_case, error);
}

/* Without soft tokens. */
static assay_generate_io first_prompt(const assay_generate_io *from)
{
    assay_generate_io one = {.tokens = from->tokens, .lengths = from->lengths};
    one.tokens.shape[0] = 1;
    one.lengths.shape[0] = 1;
    return one;
}

assay_status assay_fresh_sampling(const assay_case_context *context,
                                  const assay_generate_params *params, const assay_tensor *forced,
                                  const double *given, assay_arena *arena,
                                  assay_sample_params *sampling, assay_error *error)
{
    assay_result result = {.seed = context->run->seed};
    const assay_judged judged = {NULL, &result, error};
    const assay_generate_io io = {.forced = *forced};
    const assay_asked_generation asked = {
        .again = {.judged = &judged, .arena = arena, .expected = given},
        .params = params,
        .io = &io};
    return assay_generate_sampling(&asked, 1, sampling);
}

/* Of one prompt twice, which streams tell apart; nothing ends a row. */
static assay_status make_long(const assay_case_context *context, const assay_generate_io *io,
                              assay_arena *arena, assay_fresh_generation *fresh,
                              assay_error *error)
{
    fresh->how = "of many new tokens";
    fresh->params.max_new_tokens = LONG;
    const assay_generate_io one = first_prompt(io);
    assay_status status = assay_repeat(arena, &one.tokens, 2, &fresh->io.tokens, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &one.lengths, 2, &fresh->io.lengths, error);
    }
    if (status == ASSAY_OK) {
        status = take_tokens(fresh, arena, error);
    }
    return status == ASSAY_OK ? finish(context, arena, fresh, error) : status;
}

/* Other tokens' embeddings as soft tokens: in front of a prompt, at its end, two in one, none in
 * most; the last prompt first. */
static assay_status take_soft(const assay_model *model, const assay_generate_io *io, uint64_t seed,
                              assay_arena *arena, assay_fresh_generation *fresh,
                              assay_error *error)
{
    static const int64_t at[SOFT][2] = {{7, 3}, {7, 0}, {5, 5}, {3, 0}};
    const int64_t shape[2] = {SOFT, model->d_model};
    const int64_t pairs[2] = {SOFT, 2};
    const assay_dtype type = assay_present(&io->soft) ? io->soft.dtype : ASSAY_F32;
    const uint64_t stream = assay_stream("verify/fresh/soft");
    assay_status status = assay_buffer_make(arena, type, 2, shape, &fresh->io.soft, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, pairs, &fresh->io.soft_at, error);
    }
    for (int64_t s = 0; s < SOFT && status == ASSAY_OK; s++) {
        const int64_t others = model->vocab > 1 ? model->vocab - 1 : 1;
        const int64_t own = (int64_t)assay_at2(&fresh->io.tokens, at[s][0], at[s][1]);
        const int64_t drawn = (int64_t)assay_draw_below(seed, stream, (uint64_t)s,
                                                        (uint64_t)others);
        const int64_t id = (own + 1 + drawn) % model->vocab;
        memcpy((int64_t *)fresh->io.soft_at.data + 2 * s, at[s], sizeof at[s]);
        for (int64_t i = 0; i < model->d_model; i++) {
            assay_put2(&fresh->io.soft, s, i, assay_at2(&model->embed, id, i));
        }
    }
    return status;
}

/* Prompts that no bundle has, some with soft tokens, sampled. The first token of one row and the
 * second of another end a row; one is not to go on at all. */
static assay_status make_drawn(const assay_case_context *context, const assay_generate_io *io,
                               assay_arena *arena, assay_fresh_generation *fresh,
                               assay_error *error)
{
    const uint64_t seed = context->run->seed;
    const assay_model *const model = &fresh->params.model;
    int64_t *const eos = assay_arena_take(arena, 2 * sizeof *eos);
    fresh->how = "of other prompts";
    fresh->params.max_new_tokens = DRAWN;
    assay_status status = eos == NULL
                              ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory for tokens")
                              : assay_fresh_prompts(model->vocab,
                                                    (int64_t)assay_at2(&io->tokens, 0, 0), seed,
                                                    arena, &fresh->io.tokens, &fresh->io.lengths,
                                                    error);
    if (status == ASSAY_OK) {
        status = take_soft(model, io, seed, arena, fresh, error);
    }
    if (status == ASSAY_OK) {
        status = take_tokens(fresh, arena, error);
    }
    if (status == ASSAY_OK) {
        const int64_t *const token = fresh->io.forced.data;
        eos[0] = token[4 * DRAWN];
        eos[1] = token[6 * DRAWN + 1];
        fresh->params.eos = eos;
        fresh->params.eos_count = 2;
        status = take_tokens(fresh, arena, error);
    }
    for (int64_t step = 0; step < DRAWN && status == ASSAY_OK; step++) {
        ((int64_t *)fresh->io.forced.data)[8 * DRAWN + step] = -1;
    }
    return status == ASSAY_OK ? finish(context, arena, fresh, error) : status;
}

static assay_status make_steered(const assay_case_context *context, const assay_generate_io *io,
                                 const char *how, assay_hook_kind kind, assay_arena *arena,
                                 assay_fresh_generation *fresh, assay_error *error)
{
    assay_steering *const steering = &fresh->params.steering;
    fresh->how = how;
    fresh->params.max_new_tokens = STEERED;
    steering->hook.kind = kind;
    steering->hook.layer = kind == ASSAY_HOOK_EMBED ? 0 : steering->hook.layer;
    steering->steer.mode = ASSAY_STEER_ADD;
    fresh->io = first_prompt(io);
    const assay_status status = take_tokens(fresh, arena, error);
    return status == ASSAY_OK ? finish(context, arena, fresh, error) : status;
}

/* At every place but the case's own. */
static assay_status make_all_steered(const assay_case_context *context,
                                     const assay_generate_params *params,
                                     const assay_generate_io *io, assay_arena *arena,
                                     assay_fresh_generation *fresh, int *count,
                                     assay_error *error)
{
    static const struct {
        assay_hook_kind kind;
        const char *how;
    } places[] = {{ASSAY_HOOK_EMBED, "steered at embed"},
                  {ASSAY_HOOK_INPUT, "steered at input"},
                  {ASSAY_HOOK_ATTN_OUT, "steered at attn_out"},
                  {ASSAY_HOOK_MLP_OUT, "steered at mlp_out"},
                  {ASSAY_HOOK_OUTPUT, "steered at output"}};
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof places / sizeof *places && status == ASSAY_OK; i++) {
        if (places[i].kind != params->steering.hook.kind) {
            status = make_steered(context, io, places[i].how, places[i].kind, arena,
                                  &fresh[(*count)++], error);
        }
    }
    return status;
}

assay_status assay_fresh_make(const assay_case_context *context,
                              const assay_generate_params *params, const assay_generate_io *io,
                              const double *given, assay_arena *arena,
                              assay_fresh_generation fresh[ASSAY_FRESH_MOST], int *count,
                              assay_error *error)
{
    *count = 0;
    memset(fresh, 0, ASSAY_FRESH_MOST * sizeof *fresh);
    if (!assay_fresh_wanted(context, "model", &params->model)) {
        return ASSAY_OK;
    }
    for (int i = 0; i < ASSAY_FRESH_MOST; i++) {
        fresh[i].params = *params;
        fresh[i].params.eos_count = 0;
    }
    const bool quick = context->run->quick;
    if (params->steering.on) {
        return quick ? ASSAY_OK
                     : make_all_steered(context, params, io, arena, fresh, count, error);
    }
    *count = quick ? 1 : 2;
    assay_status status = assay_fresh_sampling(context, params, &io->forced, given, arena,
                                               &fresh[0].params.sampling, error);
    fresh[1].params.sampling = fresh[0].params.sampling;
    if (status == ASSAY_OK) {
        status = make_drawn(context, io, arena, &fresh[0], error);
    }
    return status == ASSAY_OK && !quick ? make_long(context, io, arena, &fresh[1], error) : status;
}

/* What one run gave, free or forced. */
static assay_status judge_run(assay_asked_generation *asked, const assay_generate_io *io)
{
    const int64_t steps = io->new_tokens.shape[1];
    if (asked->params->sampling.temperature > 0.0) {
        return assay_generate_judge_sampled(asked, &asked->params->sampling, io);
    }
    if (assay_present(&io->logits)) {
        return assay_again_compare(&asked->again, &io->logits, NULL);
    }
    for (int64_t b = 0; b < io->tokens.shape[0]; b++) {
        const int64_t *const expected = (const int64_t *)asked->io->forced.data + b * steps;
        assay_generate_compare_row(asked, &io->new_tokens, b, expected, b, steps);
    }
    return ASSAY_OK;
}

/* Freely, without logits; then forced, with them. */
static assay_status ask(assay_asked_generation *asked, bool force)
{
    assay_generate_io io = *asked->io;
    bool ran = false;
    if (!force) {
        memset(&io.forced, 0, sizeof io.forced);
    }
    assay_status status = assay_generate_outputs(asked, io.tokens.shape[0],
                                                 asked->params->max_new_tokens, force, &io);
    if (status == ASSAY_OK) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    return status == ASSAY_OK && ran ? judge_run(asked, &io) : status;
}

assay_status assay_fresh_judge(assay_fresh_generation *fresh, const assay_asked_generation *asked)
{
    const assay_judged *const judged = asked->again.judged;
    assay_asked_generation own = *asked;
    assay_subject subject = *asked->subject;
    assay_budget budget;
    bool ran = false;
    subject.params = &fresh->params;
    assay_status status = assay_chain_case_budget(&fresh->chain_case, asked->table, &budget,
                                                  judged->error);
    own.again.how = fresh->how;
    own.again.expected = fresh->chain_case.expected;
    own.again.budget = &budget;
    own.params = &fresh->params;
    own.io = &fresh->io;
    own.subject = &subject;
    own.moved = fresh->chain_case.expected != fresh->chain_case.given;
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&own.again, &subject, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = ask(&own, false);
    }
    if (status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS &&
        assay_stage_can_force(asked->fused)) {
        status = ask(&own, true);
    }
    return status;
}
