#include "verify/generate_fresh.h"

#include "kernels/exec/stage.h"
#include "verify/chain_inputs.h"
#include "verify/fresh.h"
#include "verify/generate_fresh_parts.h"

assay_status assay_fresh_take_tokens(assay_fresh_generation *fresh, assay_arena *arena,
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

assay_status assay_fresh_finish(const assay_case_context *context, assay_arena *arena,
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

/* Drawn models' logits have a standard deviation of about 3 (fixtures/synth/model_shape.h): of eight
 * tokens several are likely. */
static void take_drawn(const assay_case_context *context, const assay_drawn_model *model,
                       assay_fresh_generation *one)
{
    static const uint64_t all_bits = UINT64_C(0xd1342543de82ef95); /* odd: seeds stay apart */
    one->folder = model->folder;
    one->first = model->first;
    one->params.model = model->file.model;
    one->params.sampling = (assay_sample_params){.temperature = 2.0,
                                                 .top_k = 8,
                                                 .top_p = 1.0,
                                                 .seed = all_bits * (context->run->seed + 1)};
}

/* tied: the case's model is; then one with many tokens, too. */
static assay_status make_by_drawn_models(const assay_case_context *context, bool tied,
                                         assay_arena *arena, assay_fresh_set *fresh,
                                         assay_error *error)
{
    assay_status status = assay_fresh_model(context, ASSAY_DRAWN_DEEP, &fresh->deep, error);
    if (status == ASSAY_OK) {
        status = assay_fresh_model(context, ASSAY_DRAWN_FLAT, &fresh->flat, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    fresh->count = 2;
    take_drawn(context, &fresh->deep, &fresh->one[0]);
    take_drawn(context, &fresh->flat, &fresh->one[1]);
    status = assay_fresh_make_drawn(context, arena, &fresh->one[0], error);
    if (status == ASSAY_OK) {
        status = assay_fresh_make_long(context, arena, &fresh->one[1], error);
    }
    if (status != ASSAY_OK || !tied) {
        return status;
    }
    status = assay_fresh_model(context, ASSAY_DRAWN_WIDE, &fresh->wide, error);
    if (status == ASSAY_OK) {
        take_drawn(context, &fresh->wide, &fresh->one[fresh->count++]);
        status = assay_fresh_make_few(context, arena, &fresh->one[2], error);
    }
    return status;
}

assay_status assay_fresh_make(const assay_case_context *context,
                              const assay_generate_params *params, const assay_generate_io *io,
                              const double *given, assay_arena *arena, assay_fresh_set *fresh,
                              assay_error *error)
{
    memset(fresh, 0, sizeof *fresh);
    if (!assay_fresh_wanted(context, "model")) {
        return ASSAY_OK;
    }
    for (int i = 0; i < ASSAY_FRESH_MOST; i++) {
        fresh->one[i].params = *params;
        fresh->one[i].params.eos_count = 0;
    }
    if (!params->steering.on) {
        const bool tied = params->model.lm_head.data == params->model.embed.data;
        return make_by_drawn_models(context, tied, arena, fresh, error);
    }
    assay_sample_params sampling;
    if (!assay_fresh_small(&params->model)) {
        return ASSAY_OK;
    }
    const assay_status status = assay_fresh_sampling(context, params, &io->forced, given, arena,
                                                     &sampling, error);
    return status == ASSAY_OK ? assay_fresh_make_steered(context, params, io, &sampling, arena,
                                                         fresh->one, &fresh->count, error)
                              : status;
}

void assay_fresh_release(assay_fresh_set *fresh)
{
    assay_drawn_model_release(&fresh->deep);
    assay_drawn_model_release(&fresh->flat);
    assay_drawn_model_release(&fresh->wide);
}

/* What one run gave, free or forced. */
static assay_status judge_run(assay_asked_generation *asked, const assay_generate_io *io)
{
    const int64_t steps = io->new_tokens.shape[1];
    const bool forced = assay_present(&io->forced);
    assay_status status = ASSAY_OK;
    if (!forced && assay_present(&io->logits)) {
        status = assay_generate_compare_free(asked, io);
    }
    if (status != ASSAY_OK || asked->again.judged->result->verdict != ASSAY_PASS) {
        return status;
    }
    if (asked->params->sampling.temperature > 0.0) {
        return assay_generate_judge_sampled(asked, &asked->params->sampling, io);
    }
    if (forced) {
        return assay_again_compare(&asked->again, &io->logits, NULL);
    }
    for (int64_t b = 0; b < io->tokens.shape[0]; b++) {
        const int64_t *const expected = (const int64_t *)asked->io->forced.data + b * steps;
        assay_generate_compare_row(asked, &io->new_tokens, b, expected, b, steps);
    }
    return ASSAY_OK;
}

static assay_status ask(assay_asked_generation *asked, bool force, bool logits)
{
    assay_generate_io io = *asked->io;
    bool ran = false;
    if (!force) {
        memset(&io.forced, 0, sizeof io.forced);
    }
    assay_status status = assay_generate_outputs(asked, io.tokens.shape[0],
                                                 asked->params->max_new_tokens, logits, &io);
    if (status == ASSAY_OK) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    return status == ASSAY_OK && ran ? judge_run(asked, &io) : status;
}

/* The batch, and again all of it but the last prompt, which has no soft token; the same streams. */
static assay_status widen(const assay_generate_io *io, assay_arena *arena, assay_generate_io *wide,
                          assay_error *error)
{
    const int64_t batch = io->tokens.shape[0];
    const int64_t all = 2 * batch - 1;
    *wide = (assay_generate_io){.stop = NULL};
    assay_status status = assay_repeat(arena, &io->tokens, 2, &wide->tokens, error);
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &io->lengths, 2, &wide->lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &io->forced, 2, &wide->forced, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat(arena, &io->soft, 2, &wide->soft, error);
    }
    if (status == ASSAY_OK) {
        status = assay_repeat_pairs(arena, &io->soft_at, batch, 2, &wide->soft_at, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, &all, &wide->stream, error);
    }
    for (int64_t b = 0; b < all && status == ASSAY_OK; b++) {
        ((int64_t *)wide->stream.data)[b] = b % batch;
    }
    wide->tokens.shape[0] = wide->lengths.shape[0] = wide->forced.shape[0] = all;
    return status;
}

static double *twice(assay_arena *arena, const double *values, size_t count)
{
    double *const made = assay_arena_take(arena, 2 * count * sizeof *made);
    if (made != NULL) {
        memcpy(made, values, count * sizeof *made);
        memcpy(made + count, values, count * sizeof *made);
    }
    return made;
}

/* In the wide batch, freely. */
static assay_status ask_wide(assay_asked_generation *asked)
{
    assay_asked_generation own = *asked;
    assay_arena *const arena = asked->again.arena;
    assay_error *const error = asked->again.judged->error;
    const assay_budget *const budget = asked->again.budget;
    const size_t count = (size_t)(budget->rows * budget->columns);
    assay_budget more = {2 * budget->rows, budget->columns, twice(arena, budget->value, count),
                         NULL, 0};
    assay_generate_io io;
    const assay_status status = widen(asked->io, arena, &io, error);
    own.again.expected = twice(arena, asked->again.expected, count);
    if (status == ASSAY_OK && (own.again.expected == NULL || more.value == NULL)) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a batch");
    }
    own.again.budget = &more;
    own.io = &io;
    return status == ASSAY_OK ? ask(&own, false, false) : status;
}

assay_status assay_fresh_judge(assay_fresh_generation *fresh, const assay_asked_generation *asked)
{
    const assay_judged *const judged = asked->again.judged;
    assay_asked_generation own = *asked;
    const assay_stage_files files = {.model = fresh->folder};
    assay_subject subject = *asked->subject;
    assay_budget budget;
    bool ran = false;
    subject.params = &fresh->params;
    subject.files = fresh->folder != NULL ? &files : subject.files;
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
    const bool can_force = assay_stage_can_force(asked->fused);
    if (status == ASSAY_OK && ran) {
        status = ask(&own, false, fresh->logits && can_force);
    }
    if (status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS && fresh->wide) {
        status = ask_wide(&own);
    }
    if (status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS && can_force) {
        status = ask(&own, true, true);
    }
    if (status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS && can_force) {
        status = assay_generate_stopped_late(&own);
    }
    return status;
}
