#include "verify/again.h"

#include <string.h>

/* The verdict that a call led to, said with how it was asked. A call that is not supported takes
 * nothing from what was shown before. */
static void say(const assay_again *again, bool *ran)
{
    assay_result *const result = again->judged->result;
    *ran = result->verdict == ASSAY_PASS;
    if (result->verdict == ASSAY_SKIP) {
        result->verdict = ASSAY_PASS;
        result->message[0] = '\0';
    } else if (result->verdict != ASSAY_PASS) {
        char words[ASSAY_MESSAGE_MAX];
        memcpy(words, result->message, sizeof words);
        (void)snprintf(result->message, sizeof result->message, "%s: %.900s", again->how, words);
    }
}

assay_status assay_again_prepare(const assay_again *again, const assay_subject *subject, bool *ran)
{
    assay_status status = assay_judged_release(again->judged);
    *ran = false;
    if (status == ASSAY_OK && again->judged->result->verdict == ASSAY_PASS) {
        status = assay_judged_prepare(again->judged, subject);
        say(again, ran);
    }
    return status;
}

assay_status assay_again_run(const assay_again *again, const void *io, assay_placement placement,
                             bool *ran)
{
    const assay_status status = assay_judged_run(again->judged, io, placement);
    say(again, ran);
    return status;
}

void assay_again_merge(const assay_again *again, const assay_result *part)
{
    assay_result *const result = again->judged->result;
    result->undecided += part->undecided;
    if (part->verdict == ASSAY_PASS || result->verdict != ASSAY_PASS) {
        return;
    }
    result->verdict = part->verdict;
    result->check = part->check;
    result->budget_used = part->budget_used;
    (void)snprintf(result->message, sizeof result->message, "%s: %.900s", again->how,
                   part->message);
}

assay_status assay_again_compare(const assay_again *again, const assay_tensor *got,
                                 const int64_t *from)
{
    const int64_t columns = again->budget->columns;
    const int64_t rows = assay_count(got) / columns;
    const size_t count = (size_t)(rows * columns);
    const size_t row = (size_t)columns * sizeof(double);
    double *const expected = assay_arena_take(again->arena, count * sizeof *expected);
    double *const allowed = assay_arena_take(again->arena, count * sizeof *allowed);
    assay_result part = {.verdict = ASSAY_PASS};
    if (expected == NULL || allowed == NULL) {
        return assay_fail(again->judged->error, ASSAY_NO_MEMORY, "out of memory for a batch");
    }
    for (int64_t i = 0; i < rows; i++) {
        const int64_t source = from != NULL ? from[i] : i;
        if (source >= 0) {
            memcpy(expected + i * columns, again->expected + source * columns, row);
            memcpy(allowed + i * columns, again->budget->value + source * columns, row);
        }
    }
    const assay_budget budget = {rows, columns, allowed, NULL, 0};
    assay_compare_elements(got, expected, &budget, again->row_name, true, &part);
    assay_again_merge(again, &part);
    return ASSAY_OK;
}

assay_status assay_again_batch(const assay_tensor *tokens, const assay_tensor *lengths, bool cut,
                               assay_arena *arena, assay_other_batch *batch, assay_error *error)
{
    const int64_t prompts = ASSAY_AGAIN_PROMPTS;
    const int64_t given = tokens->shape[0];
    const int64_t shape[2] = {prompts, tokens->shape[1] + 1};
    batch->prompt = assay_arena_take(arena, (size_t)prompts * sizeof *batch->prompt);
    batch->start = assay_arena_take(arena, (size_t)given * sizeof *batch->start);
    if (batch->prompt == NULL || batch->start == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a batch");
    }
    for (int64_t b = 1; b < given; b++) {
        batch->start[b] = batch->start[b - 1] + (int64_t)assay_at1(lengths, b - 1);
    }
    assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &batch->tokens, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 1, shape, &batch->lengths, error);
    }
    for (int64_t j = 0; j < prompts && status == ASSAY_OK; j++) {
        const int64_t b = given - 1 - j % given;
        const int64_t all = (int64_t)assay_at1(lengths, b);
        const int64_t length = !cut || j % 4 == 1 ? all : j % 4 == 0 ? 1 : (all + 1) / (j % 4);
        batch->prompt[j] = b;
        assay_put1(&batch->lengths, j, (double)length);
        for (int64_t t = 0; t < shape[1]; t++) {
            assay_put2(&batch->tokens, j, t, t < length ? assay_at2(tokens, b, t) : -1.0);
        }
    }
    return status;
}
