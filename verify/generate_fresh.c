#include "verify/generate_fresh.h"

#include "kernels/exec/stage.h"

enum { LONG = 36, STEERED = 3 };

static int64_t weights_of(const assay_model *model)
{
    const int64_t heads = 2 * (model->heads + model->kv_heads) * model->head_dim;
    return model->layers * model->d_model * (heads + 3 * model->d_ff) +
           model->vocab * model->d_model;
}

/* Whether the case is the first of its op and in float64, of a model that is small enough. */
static bool has_fresh(const assay_case_context *context, const assay_model *model)
{
    const assay_bundle *const bundle = context->bundle;
    const assay_bundle_case *c = NULL;
    for (size_t i = 0; i < bundle->case_count && c == NULL; i++) {
        const assay_bundle_case *const one = &bundle->cases[i];
        const bool same = strcmp(one->op, context->c->op) == 0;
        c = same && strcmp(one->precision, "f64") == 0 ? one : NULL;
    }
    return c == context->c && weights_of(model) <= ASSAY_FRESH_WEIGHTS;
}

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

static assay_status finish(const assay_case_context *context, assay_arena *arena,
                           assay_fresh_generation *fresh, assay_error *error)
{
    char key[320];
    assay_status status = take_tokens(fresh, arena, error);
    if (status != ASSAY_OK) {
        return status;
    }
    /* The tokens, and so the truth, are the seed's. */
    (void)snprintf(key, sizeof key, "%.200s: %s: %llu", context->c->id, fresh->how,
                   (unsigned long long)context->run->seed);
    char *const kept = assay_arena_take(arena, sizeof key);
    if (kept == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain");
    }
    memcpy(kept, key, sizeof key);
    assay_generate_chain_set(&fresh->params, &fresh->io, kept, context->run->seed, &fresh->chain);
    fresh->chain_case = (assay_chain_case){
        .chain = &fresh->chain.chain, .arena = arena, .scales = context->scales};
    return assay_scales_truth(context->scales, &fresh->chain.chain, 0, NULL,
                              &fresh->chain_case.given, error);
}

/* Prompts without soft tokens. */
static void first_prompts(const assay_generate_io *from, int64_t most, assay_generate_io *to)
{
    const int64_t prompts = from->tokens.shape[0] < most ? from->tokens.shape[0] : most;
    *to = (assay_generate_io){.tokens = from->tokens, .lengths = from->lengths};
    to->tokens.shape[0] = prompts;
    to->lengths.shape[0] = prompts;
}

/* Draws from few tokens, which a coarse contract can tell apart; nothing ends a row. */
static assay_status make_long(const assay_case_context *context,
                              const assay_generate_params *params, const assay_generate_io *io,
                              const double *given, assay_arena *arena,
                              assay_fresh_generation *fresh, assay_error *error)
{
    assay_result result = {.seed = context->run->seed};
    const assay_judged judged = {NULL, &result, error};
    const assay_asked_generation asked = {
        .again = {.judged = &judged, .arena = arena, .expected = given},
        .params = params,
        .io = io};
    fresh->how = "of many new tokens";
    fresh->params = *params;
    fresh->params.eos_count = 0;
    fresh->params.max_new_tokens = LONG;
    first_prompts(io, 1, &fresh->io);
    const assay_status status = assay_generate_sampling(&asked, 1, &fresh->params.sampling);
    return status == ASSAY_OK ? finish(context, arena, fresh, error) : status;
}

static assay_status make_steered(const assay_case_context *context,
                                 const assay_generate_params *params, const assay_generate_io *io,
                                 assay_hook_kind kind, assay_arena *arena,
                                 assay_fresh_generation *fresh, assay_error *error)
{
    const int64_t layer = params->steering.hook.layer;
    fresh->how = kind == ASSAY_HOOK_EMBED ? "steered at embed" : "steered at attn_out";
    fresh->params = *params;
    fresh->params.eos_count = 0;
    fresh->params.max_new_tokens = STEERED;
    fresh->params.steering.hook =
        (assay_hook){.kind = kind, .layer = kind == ASSAY_HOOK_EMBED ? 0 : layer};
    fresh->params.steering.steer.mode = ASSAY_STEER_ADD;
    first_prompts(io, 2, &fresh->io);
    return finish(context, arena, fresh, error);
}

assay_status assay_fresh_make(const assay_case_context *context,
                              const assay_generate_params *params, const assay_generate_io *io,
                              const double *given, assay_arena *arena,
                              assay_fresh_generation fresh[ASSAY_FRESH_MOST], int *count,
                              assay_error *error)
{
    *count = 0;
    memset(fresh, 0, ASSAY_FRESH_MOST * sizeof *fresh);
    if (!has_fresh(context, &params->model)) {
        return ASSAY_OK;
    }
    if (!params->steering.on) {
        *count = 1;
        return make_long(context, params, io, given, arena, fresh, error);
    }
    *count = 2;
    const assay_status status =
        make_steered(context, params, io, ASSAY_HOOK_EMBED, arena, &fresh[0], error);
    return status == ASSAY_OK ? make_steered(context, params, io, ASSAY_HOOK_ATTN_OUT, arena,
                                             &fresh[1], error)
                              : status;
}

/* What one run gave, free or forced. */
static assay_status judge_run(assay_asked_generation *asked, const assay_generate_io *io)
{
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t rows = assay_count(&io->new_tokens);
    int64_t *const same = assay_arena_take(asked->again.arena, (size_t)rows * sizeof *same);
    if (asked->params->sampling.temperature > 0.0) {
        return assay_generate_judge_sampled(asked, &asked->params->sampling, io);
    }
    if (same == NULL) {
        return assay_fail(asked->again.judged->error, ASSAY_NO_MEMORY, "out of memory for rows");
    }
    for (int64_t i = 0; i < rows; i++) {
        same[i] = i;
    }
    if (assay_present(&io->logits)) {
        return assay_again_compare(&asked->again, &io->logits, same);
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
    assay_status status = assay_judged_release(judged);
    if (status != ASSAY_OK || judged->result->verdict != ASSAY_PASS) {
        return status;
    }
    status = assay_chain_case_budget(&fresh->chain_case, asked->table, &budget, judged->error);
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
