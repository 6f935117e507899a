#include "verify/generate_again.h"

#include "kernels/exec/stage.h"

assay_status assay_generate_outputs(const assay_asked_generation *asked, int64_t batch,
                                    int64_t steps, bool logits, assay_generate_io *io)
{
    const int64_t shape[3] = {batch, steps, asked->params->model.vocab};
    assay_error *const error = asked->again.judged->error;
    assay_arena *const arena = asked->again.arena;
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &io->new_tokens, error);
    if (status == ASSAY_OK && logits) {
        status = assay_buffer_make(arena, assay_table_activation(asked->table), 3, shape,
                                   &io->logits, error);
    }
    return status;
}

void assay_generate_compare_row(const assay_asked_generation *asked, const assay_tensor *tokens,
                                int64_t row, const int64_t *expected, int64_t b, int64_t steps)
{
    const int64_t vocab = asked->params->model.vocab;
    const int64_t at = b * asked->io->forced.shape[1] * vocab;
    const int64_t *const got = (const int64_t *)tokens->data + row * tokens->shape[1];
    assay_result part = {.verdict = ASSAY_PASS};
    assay_compare_tokens(got, expected, row, steps, asked->again.expected + at,
                         asked->again.budget->value + at, vocab, asked->moved, &part);
    assay_again_merge(&asked->again, &part);
}

/* The soft tokens of the other batch's prompts, the last one first. */
static assay_status other_soft(const assay_asked_generation *asked, const assay_other_batch *other,
                               assay_generate_io *io)
{
    const assay_tensor *const soft = &asked->io->soft;
    const int64_t given = assay_present(soft) ? soft->shape[0] : 0;
    const int64_t most[2] = {given * ASSAY_AGAIN_PROMPTS, 2};
    const int64_t shape[2] = {most[0], given > 0 ? soft->shape[1] : 1};
    assay_error *const error = asked->again.judged->error;
    int64_t count = 0;
    memset(&io->soft, 0, sizeof io->soft);
    memset(&io->soft_at, 0, sizeof io->soft_at);
    if (given == 0) {
        return ASSAY_OK;
    }
    assay_status status = assay_buffer_make(asked->again.arena, soft->dtype, 2, shape, &io->soft,
                                            error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(asked->again.arena, ASSAY_I64, 2, most, &io->soft_at, error);
    }
    for (int64_t i = given * ASSAY_AGAIN_PROMPTS - 1; i >= 0 && status == ASSAY_OK; i--) {
        const int64_t j = i % ASSAY_AGAIN_PROMPTS;
        const int64_t s = i / ASSAY_AGAIN_PROMPTS;
        if ((int64_t)assay_at2(&asked->io->soft_at, s, 0) != other->prompt[j]) {
            continue;
        }
        assay_put2(&io->soft_at, count, 0, (double)j);
        assay_put2(&io->soft_at, count, 1, assay_at2(&asked->io->soft_at, s, 1));
        for (int64_t c = 0; c < shape[1]; c++) {
            assay_put2(&io->soft, count, c, assay_at2(soft, s, c));
        }
        count++;
    }
    io->soft.shape[0] = count;
    io->soft_at.shape[0] = count;
    if (count == 0) {
        memset(&io->soft, 0, sizeof io->soft);
        memset(&io->soft_at, 0, sizeof io->soft_at);
    }
    return status;
}

/* The expected tokens of the other batch, and the rows of the case that its logits are. */
static assay_status other_forced(const assay_asked_generation *asked,
                                 const assay_other_batch *other, assay_tensor *forced,
                                 int64_t **from)
{
    const int64_t steps = asked->io->forced.shape[1];
    const int64_t shape[2] = {ASSAY_AGAIN_PROMPTS, steps};
    assay_error *const error = asked->again.judged->error;
    const assay_status status = assay_buffer_make(asked->again.arena, ASSAY_I64, 2, shape, forced,
                                                  error);
    *from = assay_arena_take(asked->again.arena, (size_t)(shape[0] * steps) * sizeof **from);
    if (status != ASSAY_OK || *from == NULL) {
        return status != ASSAY_OK ? status
                                  : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for rows");
    }
    for (int64_t i = 0; i < shape[0] * steps; i++) {
        (*from)[i] = other->prompt[i / steps] * steps + i % steps;
        ((int64_t *)forced->data)[i] = ((const int64_t *)asked->io->forced.data)[(*from)[i]];
    }
    return ASSAY_OK;
}

/* More prompts, in another order and with their soft tokens in another, as the case is prepared. */
static assay_status ask_batch(assay_asked_generation *asked)
{
    assay_other_batch other;
    assay_generate_io io = {.stop = NULL};
    assay_tensor forced;
    int64_t *from = NULL;
    bool ran = false;
    const int64_t steps = asked->io->forced.shape[1];
    asked->again.how = "in a batch of other prompts";
    assay_status status =
        assay_again_batch(&asked->io->tokens, &asked->io->lengths, false, asked->again.arena,
                          &other, asked->again.judged->error);
    if (status == ASSAY_OK) {
        status = other_soft(asked, &other, &io);
    }
    if (status == ASSAY_OK) {
        status = other_forced(asked, &other, &forced, &from);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_outputs(asked, ASSAY_AGAIN_PROMPTS, steps, false, &io);
    }
    io.tokens = other.tokens;
    io.lengths = other.lengths;
    if (status == ASSAY_OK) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    for (int64_t j = 0; j < ASSAY_AGAIN_PROMPTS && status == ASSAY_OK && ran; j++) {
        assay_generate_compare_row(asked, &io.new_tokens, j,
                                   (const int64_t *)forced.data + j * steps, other.prompt[j],
                                   steps);
    }
    ran = ran && asked->again.judged->result->verdict == ASSAY_PASS;
    if (status != ASSAY_OK || !ran || !assay_stage_can_force(asked->fused)) {
        return status;
    }
    io.forced = forced;
    status = assay_generate_outputs(asked, ASSAY_AGAIN_PROMPTS, steps, true, &io);
    if (status == ASSAY_OK) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    return status == ASSAY_OK && ran ? assay_again_compare(&asked->again, &io.logits, from)
                                     : status;
}

/* One new token, and its logits where they can be had. */
static assay_status ask_one_token(assay_asked_generation *asked)
{
    assay_generate_params params = *asked->params;
    assay_generate_io io = *asked->io;
    const int64_t batch = io.tokens.shape[0];
    const int64_t steps = io.forced.shape[1];
    int64_t *const from = assay_arena_take(asked->again.arena, (size_t)batch * sizeof *from);
    bool ran = false;
    const bool logits = assay_stage_can_force(asked->fused);
    asked->again.how = "of one new token";
    params.max_new_tokens = 1;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = assay_generate_prepare_anew(asked, &params, NULL, &ran);
    if (status == ASSAY_OK && ran) {
        status = assay_generate_outputs(asked, batch, 1, logits, &io);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    for (int64_t b = 0; b < batch && status == ASSAY_OK && ran && from != NULL; b++) {
        const int64_t *const expected = asked->io->forced.data;
        from[b] = b * steps;
        assay_generate_compare_row(asked, &io.new_tokens, b, expected + from[b], b, 1);
    }
    return status == ASSAY_OK && ran && logits && from != NULL
               ? assay_again_compare(&asked->again, &io.logits, from)
               : status;
}

assay_status assay_generate_again(assay_asked_generation *asked)
{
    static assay_status (*const ways[])(assay_asked_generation *) = {
        ask_batch, ask_one_token, assay_generate_stopped, assay_generate_stopped_forced,
        assay_generate_sampled};
    /* What is steered is sampled from as everything else is. */
    const size_t count = asked->params->steering.on ? 4 : 5;
    assay_status status = ASSAY_OK;
    if (assay_count(&asked->io->tokens) > ASSAY_AGAIN_TOKENS) {
        return ASSAY_OK;
    }
    for (size_t i = 0; i < count && status == ASSAY_OK &&
                       asked->again.judged->result->verdict == ASSAY_PASS; i++) {
        status = ways[i](asked);
    }
    return status;
}
