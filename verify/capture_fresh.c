#include "verify/capture_fresh.h"

#include "kernels/exec/stage.h"
#include "verify/chain_inputs.h"
#include "verify/fresh.h"

static const char how[] = "of fresh prompts by a drawn model";

assay_status assay_fresh_capture_make(const assay_case_context *context, const assay_model *model,
                                      assay_arena *arena, assay_fresh_capture *fresh,
                                      assay_error *error)
{
    *fresh = (assay_fresh_capture){.wanted = assay_fresh_wanted(context, "model")};
    if (!fresh->wanted) {
        return ASSAY_OK;
    }
    const bool tied = model->lm_head.data == model->embed.data;
    const char *key = NULL;
    assay_status status = assay_fresh_model(context, tied ? ASSAY_DRAWN_WIDE : ASSAY_DRAWN_DEEP,
                                            &fresh->model, error);
    if (status == ASSAY_OK) {
        const assay_model *const drawn = &fresh->model.file.model;
        fresh->params.model = *drawn;
        fresh->params.hook = (assay_hook){.kind = ASSAY_HOOK_OUTPUT, .layer = drawn->layers - 1};
        status = assay_fresh_prompts(drawn->vocab, fresh->model.first, context->run->seed, arena,
                                     &fresh->tokens, &fresh->lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_fresh_key(context, how, arena, &key, error);
    }
    if (status == ASSAY_OK) {
        status = assay_capture_chain_set(&fresh->params, &fresh->tokens, &fresh->lengths, key,
                                         context->run->seed, arena, &fresh->chain, error);
    }
    return status == ASSAY_OK ? assay_fresh_case(context, &fresh->chain.chain, 0, arena,
                                                 &fresh->chain_case, error)
                              : status;
}

/* Runs on prompts 0 .. batch - 1 of io's batch; row i of the output must be row from[i] of the
 * truth, NULL: row i. */
static assay_status ask(const assay_again *again, const assay_capture_io *io, int64_t batch,
                        const int64_t *from, int64_t rows, assay_dtype type)
{
    const int64_t shape[2] = {rows, again->budget->columns};
    assay_capture_io own = *io;
    bool ran = false;
    own.tokens.shape[0] = own.lengths.shape[0] = batch;
    assay_status status = assay_buffer_make(again->arena, type, 2, shape, &own.residual,
                                            again->judged->error);
    if (status == ASSAY_OK) {
        status = assay_again_run(again, &own, ASSAY_PLACE_LEFT, &ran);
    }
    return status == ASSAY_OK && ran ? assay_again_compare(again, &own.residual, from) : status;
}

/* Where a prompt's rows begin among all. */
static int64_t start_of(const assay_tensor *lengths, int64_t b)
{
    int64_t start = 0;
    for (int64_t i = 0; i < b; i++) {
        start += (int64_t)assay_at1(lengths, i);
    }
    return start;
}

/* All rows of a batch of nearly four times as many prompts: again and again, the last time without
 * the last one. */
static assay_status ask_wide(const assay_again *again, const assay_capture_io *io,
                             assay_dtype type)
{
    enum { TIMES = 4 };
    const int64_t rows = again->budget->rows;
    const int64_t batch = io->tokens.shape[0];
    const int64_t last = (int64_t)assay_at1(&io->lengths, batch - 1);
    assay_capture_io wide = {.tokens = {.data = NULL}};
    int64_t *const from = assay_arena_take(again->arena, (size_t)(TIMES * rows) * sizeof *from);
    assay_status status = assay_repeat(again->arena, &io->tokens, TIMES, &wide.tokens,
                                       again->judged->error);
    if (status == ASSAY_OK) {
        status = assay_repeat(again->arena, &io->lengths, TIMES, &wide.lengths,
                              again->judged->error);
    }
    if (status != ASSAY_OK || from == NULL) {
        return status != ASSAY_OK ? status
                                  : assay_fail(again->judged->error, ASSAY_NO_MEMORY,
                                               "out of memory for rows");
    }
    for (int64_t i = 0; i < TIMES * rows; i++) {
        from[i] = i % rows;
    }
    return ask(again, &wide, TIMES * batch - 1, from, TIMES * rows - last, type);
}

/* Many positions, some of them again and again, in no order; the first prompts, the last and one
 * between have none. */
static assay_status ask_many(const assay_again *again, const assay_capture_io *io,
                             assay_dtype type)
{
    enum { MANY = 40, KINDS = 4 };
    static const int64_t prompt[KINDS] = {7, 3, 6, 2};
    int64_t pairs[2 * MANY];
    int64_t from[MANY];
    for (int64_t i = 0; i < MANY; i++) {
        const int64_t b = prompt[i % KINDS];
        const int64_t t = 5 * i % (int64_t)assay_at1(&io->lengths, b);
        pairs[2 * i] = b;
        pairs[2 * i + 1] = t;
        from[i] = start_of(&io->lengths, b) + t;
    }
    assay_capture_io own = *io;
    own.positions = assay_matrix(pairs, ASSAY_I64, MANY, 2);
    return ask(again, &own, io->tokens.shape[0], from, MANY, type);
}

/* Positions of one prompt of all, in descending order. */
static assay_status ask_one_prompt(const assay_again *again, const assay_capture_io *io,
                                   assay_dtype type)
{
    enum { PROMPT = 3, COUNT = 4 };
    int64_t pairs[2 * COUNT];
    int64_t from[COUNT];
    for (int64_t i = 0; i < COUNT; i++) {
        pairs[2 * i] = PROMPT;
        pairs[2 * i + 1] = 6 - i;
        from[i] = start_of(&io->lengths, PROMPT) + 6 - i;
    }
    assay_capture_io own = *io;
    own.positions = assay_matrix(pairs, ASSAY_I64, COUNT, 2);
    return ask(again, &own, io->tokens.shape[0], from, COUNT, type);
}

/* One position of a prompt alone: its last one, then one before. */
static assay_status ask_single(const assay_again *again, const assay_capture_io *io,
                               assay_dtype type)
{
    const int64_t last = (int64_t)assay_at1(&io->lengths, 0) - 1;
    assay_status status = ASSAY_OK;
    for (int64_t t = last; t > 0 && status == ASSAY_OK &&
                           again->judged->result->verdict == ASSAY_PASS; t -= last - 1) {
        int64_t pair[2] = {0, t};
        assay_capture_io own = *io;
        own.positions = assay_matrix(pair, ASSAY_I64, 1, 2);
        status = ask(again, &own, 1, &t, 1, type);
    }
    return status;
}

assay_status assay_fresh_capture_judge(assay_fresh_capture *fresh, const assay_judged *judged,
                                       const assay_subject *subject, const assay_table *table)
{
    static assay_status (*const ways[])(const assay_again *, const assay_capture_io *,
                                        assay_dtype) = {ask_wide, ask_many, ask_one_prompt,
                                                        ask_single};
    const assay_dtype type = assay_table_activation(table);
    const assay_capture_io io = {.tokens = fresh->tokens, .lengths = fresh->lengths};
    const assay_stage_files files = {.model = fresh->model.folder};
    assay_subject own = *subject;
    assay_budget budget;
    assay_again again = {judged, how, fresh->chain_case.arena, NULL, &budget, "row"};
    bool ran = false;
    own.params = &fresh->params;
    own.files = &files;
    assay_status status = assay_chain_case_budget(&fresh->chain_case, table, &budget,
                                                  judged->error);
    again.expected = fresh->chain_case.expected;
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&again, &own, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = ask(&again, &io, io.tokens.shape[0], NULL, fresh->chain.rows, type);
    }
    again.how = "of fresh prompts by a drawn model, with other positions";
    for (size_t i = 0; i < sizeof ways / sizeof *ways && status == ASSAY_OK && ran &&
                       judged->result->verdict == ASSAY_PASS; i++) {
        status = ways[i](&again, &io, type);
    }
    return status;
}
