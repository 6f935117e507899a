/* Sampled generation: with the case's tokens forced, every step's draw is known for the logits that
 * the kernel hands over, and those have budgets; running freely, it must take what it drew. */
#include <math.h>
#include <stdlib.h>

#include "assay/philox.h"
#include "verify/draw.h"
#include "verify/generate_again.h"

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x > y ? -1 : x < y ? 1 : 0;
}

/* How far the eighth logit lies below the first, on average: temperatures near it leave several
 * tokens to draw from, whatever the model. */
static assay_status find_gap(const assay_asked_generation *asked, double *gap)
{
    const int64_t vocab = asked->params->model.vocab;
    const int64_t steps = asked->io->forced.shape[0] * asked->io->forced.shape[1];
    const int64_t low = vocab < 8 ? vocab - 1 : 7;
    double *const sorted = assay_arena_take(asked->again.arena, (size_t)vocab * sizeof *sorted);
    double sum = 0.0;
    int64_t count = 0;
    if (sorted == NULL) {
        return assay_fail(asked->again.judged->error, ASSAY_NO_MEMORY, "out of memory for logits");
    }
    for (int64_t i = 0; i < steps; i++) {
        if (((const int64_t *)asked->io->forced.data)[i] >= 0) {
            memcpy(sorted, asked->again.expected + i * vocab, (size_t)vocab * sizeof *sorted);
            qsort(sorted, (size_t)vocab, sizeof *sorted, descending);
            sum += sorted[0] - sorted[low];
            count++;
        }
    }
    *gap = count > 0 && isfinite(sum) && sum > 0.0 ? sum / (double)count : 1.0;
    return ASSAY_OK;
}

assay_status assay_generate_sampling(const assay_asked_generation *asked, int number,
                                     assay_sample_params *sampling)
{
    static const double part[ASSAY_SAMPLINGS] = {0.12, 1.0, 0.35};
    static const uint64_t all_bits = UINT64_C(0x9e3779b97f4a7c15); /* odd: seeds stay apart */
    double gap = 1.0;
    const assay_status status = find_gap(asked, &gap);
    *sampling = (assay_sample_params){
        .temperature = part[number] * gap,
        .top_k = number == 0 ? 0 : number == 1 ? 8 : 64,
        .top_p = number == 2 ? 0.6 : 1.0,
        .seed = all_bits * (asked->again.judged->result->seed * 3 + (uint64_t)number + 1)};
    /* A temperature near 1 could be left out unseen. */
    sampling->temperature *= fabs(log(sampling->temperature)) < 0.2 ? 1.5 : 1.0;
    return status;
}

/* The number that row b draws with at a step. */
static double uniform_of(const assay_sample_params *sampling, const assay_generate_io *io,
                         int64_t b, int64_t step)
{
    const uint64_t stream = assay_present(&io->stream)
                                ? (uint64_t)((const int64_t *)io->stream.data)[b]
                                : (uint64_t)b;
    return assay_philox_uniform(sampling->seed, stream, (uint64_t)step);
}

static void tell_wrong(assay_result *part, int64_t b, int64_t step, int64_t token, double uniform)
{
    part->verdict = ASSAY_FAIL;
    part->check = ASSAY_CHECK_DISTRIBUTION;
    part->budget_used = INFINITY;
    (void)snprintf(part->message, sizeof part->message,
                   "sequence %lld, step %lld: got token %lld, which the number %.6f does not draw "
                   "from its logits", (long long)b, (long long)step, (long long)token, uniform);
}

/* One step's draw from known logits. */
static assay_status judge_draw(assay_asked_generation *asked,
                               const assay_sample_params *sampling, const assay_generate_io *io,
                               int64_t b, int64_t step, const double *logits, double budget,
                               assay_result *part)
{
    const int64_t at = b * io->new_tokens.shape[1] + step;
    const int64_t token = ((const int64_t *)io->new_tokens.data)[at];
    const double uniform = uniform_of(sampling, io, b, step);
    const assay_precision *const contract = &asked->table->kernel[ASSAY_OP_sample]->precision;
    assay_arena arena = {0};
    assay_draw draw;
    const assay_status status =
        assay_draw_make(sampling, contract, logits, budget, asked->params->model.vocab, uniform,
                        &arena, &draw, asked->again.judged->error);
    const assay_drawn judged = status == ASSAY_OK ? assay_draw_judge(&draw, token)
                                                  : ASSAY_DRAWN_OPEN;
    assay_arena_free(&arena);
    asked->draws++;
    asked->open += judged == ASSAY_DRAWN_OPEN;
    part->undecided += judged == ASSAY_DRAWN_OPEN;
    if (judged == ASSAY_DRAWN_WRONG) {
        tell_wrong(part, b, step, token, uniform);
    }
    return status;
}

/* A composition samples from the very logits it hands over. A fused kernel may sample from them
 * before they are rounded to their type. */
static double own_budget(const assay_asked_generation *asked, const assay_tensor *logits,
                         const double *row)
{
    double greatest = 0.0;
    for (int64_t v = 0; v < asked->params->model.vocab; v++) {
        greatest = fmax(greatest, fabs(row[v]));
    }
    return asked->fused != NULL ? 0.5 * assay_spacing(logits->dtype, greatest) : 0.0;
}

static void tell_end(assay_result *part, int64_t b, int64_t step, int64_t token, bool ended)
{
    part->verdict = ASSAY_FAIL;
    part->check = ASSAY_CHECK_TOKENS;
    part->budget_used = INFINITY;
    (void)snprintf(part->message, sizeof part->message,
                   "sequence %lld, step %lld: got %lld, but the row %s", (long long)b,
                   (long long)step, (long long)token, ended ? "has ended" : "goes on");
}

/* Whether row b has a token at the step, as what is forced has; wrong where the kernel's row does
 * not. */
static bool goes_on(const assay_generate_io *io, int64_t b, int64_t step, assay_result *part)
{
    const int64_t at = b * io->new_tokens.shape[1] + step;
    const int64_t token = ((const int64_t *)io->new_tokens.data)[at];
    const bool ended = ((const int64_t *)io->forced.data)[at] < 0;
    if (ended != (token < 0)) {
        tell_end(part, b, step, token, ended);
    }
    return !ended;
}

/* Drawn tokens, each by the very logits it was drawn from. */
static assay_status judge_draws(assay_asked_generation *asked, const assay_sample_params *sampling,
                                const assay_generate_io *io)
{
    const int64_t vocab = asked->params->model.vocab;
    const int64_t steps = io->new_tokens.shape[1];
    double *const row = assay_arena_take(asked->again.arena, (size_t)vocab * sizeof *row);
    assay_result part = {.verdict = ASSAY_PASS};
    assay_status status = row != NULL ? ASSAY_OK
                                      : assay_fail(asked->again.judged->error, ASSAY_NO_MEMORY,
                                                   "out of memory for logits");
    for (int64_t i = 0; i < io->new_tokens.shape[0] * steps && status == ASSAY_OK; i++) {
        if (part.verdict != ASSAY_PASS || !goes_on(io, i / steps, i % steps, &part) ||
            part.verdict != ASSAY_PASS) {
            continue;
        }
        for (int64_t v = 0; v < vocab; v++) {
            row[v] = assay_buffer_get(&io->logits, i * vocab + v);
        }
        status = judge_draw(asked, sampling, io, i / steps, i % steps, row,
                            own_budget(asked, &io->logits, row), &part);
    }
    assay_again_merge(&asked->again, &part);
    return status;
}

/* Tokens alone, of a kernel that hands over no logits: by the truth's, until one is not the
 * expected one, beyond which there is no truth. */
static assay_status judge_tokens(assay_asked_generation *asked,
                                 const assay_sample_params *sampling, const assay_generate_io *io)
{
    const int64_t vocab = asked->params->model.vocab;
    const int64_t steps = io->new_tokens.shape[1];
    const int64_t *const got = io->new_tokens.data;
    const int64_t *const expected = asked->io->forced.data;
    assay_result part = {.verdict = ASSAY_PASS};
    assay_status status = ASSAY_OK;
    for (int64_t b = 0; b < io->new_tokens.shape[0]; b++) {
        for (int64_t s = b * steps; s < (b + 1) * steps && status == ASSAY_OK; s++) {
            if ((s > b * steps && got[s - 1] != expected[s - 1]) || part.verdict != ASSAY_PASS) {
                break;
            }
            if (expected[s] < 0) {
                if (s > b * steps && got[s] >= 0 &&
                    assay_generate_ends(asked->params, expected[s - 1])) {
                    tell_end(&part, b, s - b * steps, got[s], true);
                }
                break;
            }
            double budget = 0.0;
            for (int64_t v = 0; v < vocab; v++) {
                budget = fmax(budget, asked->again.budget->value[s * vocab + v]);
            }
            status = judge_draw(asked, sampling, io, b, s - b * steps,
                                asked->again.expected + s * vocab, budget, &part);
        }
    }
    assay_again_merge(&asked->again, &part);
    return status;
}

/* Streams that are neither small nor in order. */
static assay_status take_streams(const assay_asked_generation *asked, assay_generate_io *io)
{
    const int64_t batch = io->tokens.shape[0];
    const assay_status status = assay_buffer_make(asked->again.arena, ASSAY_I64, 1, &batch,
                                                  &io->stream, asked->again.judged->error);
    for (int64_t b = 0; b < batch && status == ASSAY_OK; b++) {
        const int64_t own = (INT64_C(1) << 40) * (batch - b) + 7 * b;
        ((int64_t *)io->stream.data)[b] = b % 2 == 0 ? own : -own;
    }
    return status;
}

assay_status assay_generate_judge_sampled(assay_asked_generation *asked,
                                          const assay_sample_params *sampling,
                                          const assay_generate_io *io)
{
    if (!assay_present(&io->forced)) {
        return judge_tokens(asked, sampling, io);
    }
    const assay_status status = assay_again_compare(&asked->again, &io->logits, NULL);
    return status == ASSAY_OK && asked->again.judged->result->verdict == ASSAY_PASS
               ? judge_draws(asked, sampling, io)
               : status;
}

void assay_generate_end_sampled(const assay_asked_generation *asked)
{
    assay_result part = {.verdict = ASSAY_PASS};
    if (asked->draws >= ASSAY_DRAWS_LEAST && asked->open == asked->draws) {
        part.verdict = ASSAY_VOID;
        (void)snprintf(part.message, sizeof part.message,
                       "all of %llu draws are open: nothing was shown",
                       (unsigned long long)asked->draws);
    }
    assay_again_merge(&asked->again, &part);
}

/* One way of sampling. */
static assay_status ask_sampled(assay_asked_generation *asked, int number)
{
    assay_generate_params params = *asked->params;
    assay_generate_io io = *asked->io;
    assay_subject subject = *asked->subject;
    const bool force = assay_stage_can_force(asked->fused);
    bool ran = false;
    subject.params = &params;
    if (!force) {
        memset(&io.forced, 0, sizeof io.forced);
    }
    assay_status status = assay_generate_sampling(asked, number, &params.sampling);
    if (status == ASSAY_OK && number > 0) {
        status = take_streams(asked, &io);
    }
    if (status == ASSAY_OK) {
        status = assay_generate_outputs(asked, io.tokens.shape[0], params.max_new_tokens, force,
                                        &io);
    }
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&asked->again, &subject, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    return status == ASSAY_OK && ran
               ? assay_generate_judge_sampled(asked, &params.sampling, &io)
               : status;
}

assay_status assay_generate_sampled(assay_asked_generation *asked)
{
    assay_status status = ASSAY_OK;
    asked->again.how = "sampling";
    for (int i = 0; i < ASSAY_SAMPLINGS && status == ASSAY_OK &&
                    asked->again.judged->result->verdict == ASSAY_PASS; i++) {
        status = ask_sampled(asked, i);
    }
    assay_generate_end_sampled(asked);
    return status;
}
