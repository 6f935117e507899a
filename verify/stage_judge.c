#include "verify/stage_judge.h"

#include <stddef.h>

#include "kernels/exec/stage.h"

/* A stage whose run took longer is not run again. */
static const double slow_seconds = 2.0;

const assay_table *assay_stage_contracts_of(const assay_table *table, assay_op stage,
                                            assay_stage_contracts *room)
{
    const assay_kernel *const fused = table->kernel[stage];
    if (fused == NULL) {
        return table;
    }
    room->table = (assay_table){.name = table->name};
    for (int op = 0; op < ASSAY_OP_capture; op++) {
        room->kernel[op] = (assay_kernel){.op = (assay_op)op,
                                          .name = table->name,
                                          .backend = fused->backend,
                                          .precision = fused->precision};
        room->table.kernel[op] = &room->kernel[op];
    }
    return &room->table;
}

bool assay_stage_is_slow(const assay_result *result)
{
    return result->seconds > slow_seconds;
}

bool assay_stage_asked_more(const assay_verify_run *run, const assay_table *table,
                            const assay_result *result)
{
    return !assay_run_spares(run, table) && !assay_stage_is_slow(result);
}

bool assay_stage_can_force(const assay_kernel *fused)
{
    const uint32_t wanted = ASSAY_CAN_FORCE | ASSAY_CAN_LOGITS;
    return fused == NULL || (fused->capabilities & wanted) == wanted;
}

/* Where tokens and lengths lie in the io of every stage that has a ragged batch of prompts. */
static bool batch_of(const assay_subject *subject, size_t *tokens, size_t *lengths)
{
    switch (subject->op) {
    case ASSAY_OP_capture:
        *tokens = offsetof(assay_capture_io, tokens);
        *lengths = offsetof(assay_capture_io, lengths);
        return true;
    case ASSAY_OP_generate:
        *tokens = offsetof(assay_generate_io, tokens);
        *lengths = offsetof(assay_generate_io, lengths);
        return true;
    default: return false;
    }
}

/* Replaces the tokens past each length by others of the same vocabulary; false: there are none. */
static bool change_padding(const assay_tensor *tokens, const assay_tensor *lengths)
{
    bool any = false;
    for (int64_t b = 0; b < tokens->shape[0]; b++) {
        for (int64_t t = (int64_t)assay_at1(lengths, b); t < tokens->shape[1]; t++) {
            const double first = assay_at2(tokens, b, 0);
            const double other = assay_at2(tokens, b, 1 < tokens->shape[1] ? 1 : 0);
            assay_put2(tokens, b, t, assay_at2(tokens, b, t) == first ? other : first);
            any = true;
        }
    }
    return any;
}

static size_t size_of_io(const assay_subject *subject)
{
    switch (subject->op) {
    case ASSAY_OP_capture:
        return subject->logits ? sizeof(assay_logits_io) : sizeof(assay_capture_io);
    case ASSAY_OP_generate: return sizeof(assay_generate_io);
    default: return sizeof(assay_explain_io);
    }
}

static const assay_tensor *output_of(const assay_stage *stage, const void *io)
{
    return (const assay_tensor *)(const void *)((const char *)io + stage->output_at);
}

/* A copy of the io with tokens of its own and its output elsewhere. */
static assay_status copy_io(const assay_stage *stage, assay_arena *arena, char **io, bool *padded,
                            assay_error *error)
{
    const assay_tensor *const first = output_of(stage, stage->io);
    const size_t size = size_of_io(&stage->subject);
    size_t tokens_at = 0;
    size_t lengths_at = 0;
    *padded = false;
    *io = assay_arena_take(arena, size);
    if (*io == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a second run");
    }
    memcpy(*io, stage->io, size);
    assay_tensor *const output = (assay_tensor *)(void *)(*io + stage->output_at);
    assay_status status =
        assay_buffer_make(arena, first->dtype, first->rank, first->shape, output, error);
    if (status == ASSAY_OK && batch_of(&stage->subject, &tokens_at, &lengths_at)) {
        assay_tensor *const tokens = (assay_tensor *)(void *)(*io + tokens_at);
        const assay_tensor given = *tokens;
        status = assay_buffer_convert(arena, &given, given.dtype, tokens, error);
        *padded = status == ASSAY_OK &&
                  change_padding(tokens, (const assay_tensor *)(const void *)(*io + lengths_at));
    }
    return status;
}

assay_status assay_stage_repeat(const assay_judged *judged, const assay_stage *stage,
                                const double *expected, const assay_budget *budget,
                                assay_arena *arena)
{
    assay_result *const result = judged->result;
    char *io = NULL;
    bool padded = false;
    if (assay_stage_is_slow(result)) {
        return ASSAY_OK;
    }
    assay_status status = copy_io(stage, arena, &io, &padded, judged->error);
    if (status == ASSAY_OK) {
        status = assay_judged_run(judged, io, ASSAY_PLACE_LEFT);
    }
    if (status != ASSAY_OK || result->verdict != ASSAY_PASS) {
        return status;
    }
    const assay_tensor *const one = output_of(stage, stage->io);
    const assay_tensor *const two = output_of(stage, io);
    result->repeated = true;
    result->repeat_differs =
        memcmp(one->data, two->data, (size_t)assay_count(one) * assay_dtype_size(one->dtype)) != 0;
    if (result->repeat_differs) {
        assay_result again = {.verdict = ASSAY_PASS};
        assay_compare_elements(two, expected, budget, stage->row_name, true, &again);
        if (again.verdict != ASSAY_PASS) {
            result->verdict = ASSAY_FAIL;
            result->check = padded ? ASSAY_CHECK_NEIGHBOURS : ASSAY_CHECK_REPEAT;
            result->budget_used = again.budget_used;
            (void)snprintf(result->message, sizeof result->message, "%s: %.*s",
                           padded ? "with other tokens in the padding" : "a second run",
                           ASSAY_MESSAGE_MAX - 80, again.message);
        }
    }
    return ASSAY_OK;
}
