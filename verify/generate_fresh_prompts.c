/* Fresh generations of other prompts. */
#include "fixtures/synth/normal.h"
#include "verify/fresh.h"
#include "verify/generate_fresh_parts.h"

enum { DRAWN = 4, SOFT = 18, EOS = 12, DECIDING = 3, DEAD = 4, MADE_TO = 5 };

/* Many, so that the new tokens of the first row cross position 64, those of the second 128. */
enum { ROWS = 3, LONGEST = 84, LONG_STEPS = 50 };

/* Other tokens' embeddings as soft tokens: in front of prompts, at their ends, next to each other,
 * at one place of two equal prompts; the last prompt first. */
static assay_status take_soft(uint64_t seed, assay_arena *arena, assay_fresh_generation *fresh,
                              assay_error *error)
{
    static const int64_t at[SOFT][2] = {{7, 3}, {7, 0}, {7, 4}, {7, 2}, {7, 6}, {7, 5},
                                        {6, 4}, {6, 1}, {6, 2}, {6, 3}, {6, 5}, {5, 5},
                                        {5, 1}, {2, 0}, {1, 8}, {1, 4}, {0, 4}, {0, 7}};
    const assay_model *const model = &fresh->params.model;
    const int64_t shape[2] = {SOFT, model->d_model};
    const int64_t pairs[2] = {SOFT, 2};
    const uint64_t stream = assay_stream("verify/fresh/soft");
    assay_status status = assay_buffer_make(arena, ASSAY_F32, 2, shape, &fresh->io.soft, error);
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

static bool holds(const int64_t *ids, int64_t count, int64_t id)
{
    bool any = false;
    for (int64_t i = 0; i < count; i++) {
        any = any || ids[i] == id;
    }
    return any;
}

/* Ids that no row generated, the prompts' first, then those that end rows. */
static void take_eos(const assay_fresh_generation *fresh, int64_t eos[EOS])
{
    const int64_t *const made = fresh->io.forced.data;
    const int64_t all = assay_count(&fresh->io.forced);
    const int64_t prompts = assay_count(&fresh->io.tokens);
    const int64_t vocab = fresh->params.model.vocab;
    const int64_t front = EOS - DECIDING;
    int64_t count = 0;
    for (int64_t i = 0; i < prompts + vocab && count < front; i++) {
        const int64_t id = i < prompts ? ((const int64_t *)fresh->io.tokens.data)[i] : i - prompts;
        if (id >= 0 && !holds(made, all, id) && !holds(eos, count, id)) {
            eos[count++] = id;
        }
    }
    for (; count < front; count++) {
        eos[count] = made[3 * DRAWN]; /* the vocabulary is that small */
    }
    eos[front] = made[MADE_TO * DRAWN + 1];
    eos[front + 1] = made[6 * DRAWN + 1];
    eos[front + 2] = made[3 * DRAWN];
}

/* One row is not to go on at all; one goes on with tokens that end nothing where it would end. */
static void change_forced(const assay_fresh_generation *fresh)
{
    const assay_generate_params *const params = &fresh->params;
    int64_t *const dead = (int64_t *)fresh->io.forced.data + DEAD * DRAWN;
    int64_t *const row = (int64_t *)fresh->io.forced.data + MADE_TO * DRAWN;
    int64_t end = 0;
    while (end + 1 < DRAWN && !holds(params->eos, params->eos_count, row[end])) {
        end++;
    }
    int64_t id = (row[end] + 1) % params->model.vocab;
    for (int64_t step = 0; step < DRAWN; step++) {
        dead[step] = -1;
        for (int64_t i = 0; i < EOS && holds(params->eos, params->eos_count, id); i++) {
            id = (id + 1) % params->model.vocab;
        }
        if (step >= end) {
            row[step] = id;
            id = (id + 1) % params->model.vocab;
        }
    }
}

assay_status assay_fresh_make_drawn(const assay_case_context *context, assay_arena *arena,
                                    assay_fresh_generation *fresh, assay_error *error)
{
    const uint64_t seed = context->run->seed;
    const assay_model *const model = &fresh->params.model;
    int64_t *const eos = assay_arena_take(arena, EOS * sizeof *eos);
    fresh->how = "of drawn prompts by a drawn model";
    fresh->wide = true;
    fresh->logits = true;
    fresh->params.max_new_tokens = DRAWN;
    assay_status status = eos == NULL
                              ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory for tokens")
                              : assay_fresh_prompts(model->vocab, fresh->first, seed, arena,
                                                    &fresh->io.tokens, &fresh->io.lengths, error);
    if (status == ASSAY_OK) {
        status = take_soft(seed, arena, fresh, error);
    }
    if (status == ASSAY_OK) {
        status = assay_fresh_take_tokens(fresh, arena, error);
    }
    if (status == ASSAY_OK) {
        take_eos(fresh, eos);
        fresh->params.eos = eos;
        fresh->params.eos_count = EOS;
        status = assay_fresh_take_tokens(fresh, arena, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    change_forced(fresh);
    return assay_fresh_finish(context, arena, fresh, error);
}

assay_status assay_fresh_make_long(const assay_case_context *context, assay_arena *arena,
                                   assay_fresh_generation *fresh, assay_error *error)
{
    static const int64_t length[ROWS] = {20, LONGEST, 20};
    static const int64_t known[ROWS] = {3, LONG_STEPS, 3};
    const int64_t shape[2] = {ROWS, LONGEST};
    const int64_t vocab = fresh->params.model.vocab;
    const uint64_t stream = assay_stream("verify/fresh/long");
    fresh->how = "of long rows by a drawn model";
    fresh->logits = true;
    fresh->params.max_new_tokens = LONG_STEPS;
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &fresh->io.tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, shape, &fresh->io.lengths, error);
    }
    for (int64_t i = 0; i < ROWS * LONGEST && status == ASSAY_OK; i++) {
        const int64_t b = i / LONGEST;
        const int64_t t = i % LONGEST;
        ((int64_t *)fresh->io.lengths.data)[b] = length[b];
        ((int64_t *)fresh->io.tokens.data)[i] =
            t >= length[b] ? -1
            : t == 0       ? fresh->first
                           : (int64_t)assay_draw_below(context->run->seed, stream,
                                                       (uint64_t)(i % (2 * LONGEST)),
                                                       (uint64_t)vocab);
    }
    if (status == ASSAY_OK) {
        status = assay_fresh_take_tokens(fresh, arena, error);
    }
    for (int64_t i = 0; i < ROWS * LONG_STEPS && status == ASSAY_OK; i++) {
        int64_t *const token = (int64_t *)fresh->io.forced.data + i;
        *token = i % LONG_STEPS < known[i / LONG_STEPS] ? *token : -1;
    }
    return status == ASSAY_OK ? assay_fresh_finish(context, arena, fresh, error) : status;
}

assay_status assay_fresh_make_few(const assay_case_context *context, assay_arena *arena,
                                  assay_fresh_generation *fresh, assay_error *error)
{
    enum { PROMPTS = 2, LENGTH = 4, STEPS = 2 };
    const int64_t shape[2] = {PROMPTS, LENGTH};
    const int64_t vocab = fresh->params.model.vocab;
    fresh->how = "of many tokens by a drawn model";
    fresh->params.max_new_tokens = STEPS;
    fresh->params.sampling = (assay_sample_params){.temperature = 0.0, .top_p = 1.0};
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &fresh->io.tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, shape, &fresh->io.lengths, error);
    }
    for (int64_t i = 0; i < PROMPTS * LENGTH && status == ASSAY_OK; i++) {
        ((int64_t *)fresh->io.lengths.data)[i / LENGTH] = LENGTH;
        ((int64_t *)fresh->io.tokens.data)[i] = i % LENGTH == 0 ? fresh->first : vocab - i;
    }
    if (status == ASSAY_OK) {
        status = assay_fresh_take_tokens(fresh, arena, error);
    }
    return status == ASSAY_OK ? assay_fresh_finish(context, arena, fresh, error) : status;
}
