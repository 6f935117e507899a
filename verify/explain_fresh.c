#include "verify/explain_fresh.h"

#include "kernels/exec/stage.h"
#include "verify/fresh.h"
#include "verify/generate_fresh.h"

enum { ROWS = 5, MANY = 17, FEW = 3, LENGTH = 10 };

static const char drawn[] = "of drawn rows";

assay_status assay_explain_take_vectors(const assay_explain_io *from,
                                        const assay_vector_of vector[], int64_t rows,
                                        assay_arena *arena, assay_explain_io *io,
                                        assay_error *error)
{
    const int64_t last = from->vectors.shape[0] - 1;
    const int64_t shape[2] = {rows, from->vectors.shape[1]};
    const assay_status status = assay_buffer_make(arena, from->vectors.dtype, 2, shape,
                                                  &io->vectors, error);
    for (int64_t i = 0; i < rows * shape[1] && status == ASSAY_OK; i++) {
        const assay_vector_of *const of = &vector[i / shape[1]];
        const double value = assay_at2(&from->vectors, of->last ? last : 0, i % shape[1]);
        assay_put2(&io->vectors, i / shape[1], i % shape[1], of->times * value);
    }
    return status;
}

assay_status assay_explain_take_rows(const assay_explain_case *given, const int64_t at[][2],
                                     int64_t rows, uint64_t seed, assay_arena *arena,
                                     assay_explain_io *io, assay_error *error)
{
    const int64_t shape[2] = {rows, 2};
    const int64_t vocab = given->params.capture.model.vocab;
    assay_status status =
        assay_fresh_prompts(vocab, (int64_t)assay_at2(&given->io.tokens, 0, 0), seed, arena,
                            &io->tokens, &io->lengths, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, shape, &io->positions, error);
    }
    if (status == ASSAY_OK) {
        memcpy(io->positions.data, at, (size_t)rows * sizeof *at);
    }
    return status;
}

/* The first vector twice, zeros, the last one and its negative; or rows of several prompts, the
 * last prompt first, two of them the same row of equal prompts. */
static assay_status take_given(const assay_explain_case *given, uint64_t seed, assay_arena *arena,
                               assay_explain_io *io, assay_error *error)
{
    static const assay_vector_of vector[ROWS] = {
        {false, 1.0}, {false, 1.0}, {false, 0.0}, {true, 1.0}, {true, -1.0}};
    static const int64_t at[ROWS][2] = {{8, 3}, {1, 8}, {0, 8}, {5, 0}, {4, 0}};
    return assay_present(&given->io.vectors)
               ? assay_explain_take_vectors(&given->io, vector, ROWS, arena, io, error)
               : assay_explain_take_rows(given, at, ROWS, seed, arena, io, error);
}

/* The end of the case's prompt, with placeholders at both its ends and between, some of them next to
 * each other. */
static assay_status take_prompt(const assay_explain_io *from, assay_arena *arena,
                                assay_explain_io *io, assay_error *error)
{
    const int64_t all = from->prompt.shape[0];
    const int64_t length = all < LENGTH ? all : LENGTH;
    int64_t *const prompt = assay_arena_take(arena, (size_t)(2 * length) * sizeof *prompt);
    int64_t *const place = prompt + length;
    int64_t count = 0;
    if (prompt == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a prompt");
    }
    for (int64_t t = 0; t < length; t++) {
        prompt[t] = (int64_t)assay_at1(&from->prompt, all - length + t);
        place[count] = t;
        count += t == 0 || t == length / 2 || t == length / 2 + 1 || t >= length - 2;
    }
    io->prompt = assay_vector(prompt, ASSAY_I64, length);
    io->placeholder = assay_vector(place, ASSAY_I64, count);
    return ASSAY_OK;
}

assay_status assay_explain_take_tokens(assay_explain_case *read, assay_arena *arena,
                                       assay_error *error)
{
    const assay_exec exec = assay_case_exec(error);
    assay_explain_stage *stage = NULL;
    assay_explain_io io = read->io;
    memset(&io.forced, 0, sizeof io.forced);
    assay_status status = assay_explain_case_outputs(read, read->rows, ASSAY_F64, false, arena, &io,
                                                     error);
    if (status == ASSAY_OK) {
        status = assay_explain_stage_open(&assay_oracle, &exec, &read->params, &stage);
    }
    if (status == ASSAY_OK) {
        status = assay_explain_stage_run(stage, &io);
    }
    assay_explain_stage_close(&stage);
    read->io.forced = io.new_tokens;
    return status;
}

assay_status assay_explain_truth_make(const assay_case_context *context, const char *how,
                                      const assay_explain_case *read, assay_arena *arena,
                                      assay_explain_truth *truth, assay_error *error)
{
    const char *key = NULL;
    assay_status status = assay_fresh_key(context, how, arena, &key, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_explain_chain_set(read, key, context->run->seed, &truth->chain);
    const assay_chain *const chain = &truth->chain.chain;
    status = assay_fresh_case(context, chain, ASSAY_EXPLAIN_SOFT, arena, &truth->soft, error);
    return status == ASSAY_OK ? assay_fresh_case(context, chain, ASSAY_EXPLAIN_LOGITS, arena,
                                                 &truth->logits, error)
                              : status;
}

/* Only the first row has a truth of more than a few new tokens. */
static void shorten(assay_explain_case *read)
{
    int64_t *const token = read->io.forced.data;
    for (int64_t i = read->steps; i < read->rows * read->steps; i++) {
        token[i] = i % read->steps < FEW ? token[i] : -1;
    }
}

assay_status assay_fresh_explanation_make(const assay_explain_judge *judge,
                                          assay_fresh_explanation *fresh, assay_error *error)
{
    const assay_case_context *const context = judge->context;
    const assay_explain_case *const given = judge->read;
    const assay_model *const model = &given->params.generate.model;
    assay_arena *const arena = judge->soft.arena;
    assay_explain_case *const read = &fresh->read;
    const bool vectors = assay_present(&given->io.vectors);
    *fresh = (assay_fresh_explanation){
        .wanted = assay_fresh_wanted(context, "features") && assay_fresh_small(model),
        .read = *given};
    if (!fresh->wanted) {
        return ASSAY_OK;
    }
    read->rows = ROWS;
    read->steps = vectors ? MANY : FEW;
    read->params.generate.max_new_tokens = read->steps;
    read->params.generate.eos_count = 0;
    assay_status status = assay_fresh_sampling(context, &given->params.generate, &given->io.forced,
                                               judge->logits.given, arena,
                                               &read->params.generate.sampling, error);
    if (status == ASSAY_OK) {
        status = take_given(given, context->run->seed, arena, &read->io, error);
    }
    if (status == ASSAY_OK) {
        status = take_prompt(&given->io, arena, &read->io, error);
    }
    if (status == ASSAY_OK) {
        status = assay_explain_take_tokens(read, arena, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    shorten(read);
    return assay_explain_truth_make(context, drawn, read, arena, &fresh->truth, error);
}

/* One run, free or forced. */
static assay_status ask(assay_fresh_explanation *fresh, assay_asked_generation *asked,
                        const assay_budget *soft, bool force, bool logits)
{
    const assay_judged *const judged = asked->again.judged;
    assay_again rows = asked->again;
    assay_explain_io io = fresh->read.io;
    bool ran = false;
    rows.expected = fresh->truth.soft.expected;
    rows.budget = soft;
    rows.row_name = "vector";
    if (!force) {
        memset(&io.forced, 0, sizeof io.forced);
    }
    assay_status status = assay_explain_case_outputs(&fresh->read, fresh->read.rows,
                                                     assay_table_activation(asked->table), logits,
                                                     asked->again.arena, &io, judged->error);
    if (status == ASSAY_OK) {
        status = assay_again_run(&asked->again, &io, ASSAY_PLACE_LEFT, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_compare(&rows, &io.soft, NULL);
    }
    const assay_generate_io made = {
        .forced = io.forced, .new_tokens = io.new_tokens, .logits = io.logits};
    if (status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS && logits && !force) {
        status = assay_generate_compare_free(asked, &made);
    }
    return status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS
               ? assay_generate_judge_sampled(asked, &asked->params->sampling, &made)
               : status;
}

assay_status assay_fresh_explanation_judge(assay_fresh_explanation *fresh,
                                           const assay_judged *judged, const assay_table *table,
                                           const assay_kernel *fused,
                                           const assay_subject *subject)
{
    assay_subject own = *subject;
    assay_stage_files files = *subject->files;
    assay_budget soft;
    assay_budget logits;
    assay_generate_io forced = {.forced = fresh->read.io.forced};
    bool ran = false;
    files.stops = false;
    own.files = &files;
    own.params = &fresh->read.params;
    assay_status status = assay_chain_case_budget(&fresh->truth.soft, table, &soft, judged->error);
    if (status == ASSAY_OK) {
        status = assay_chain_case_budget(&fresh->truth.logits, table, &logits, judged->error);
    }
    assay_asked_generation asked = {
        .again = {judged, drawn, fresh->truth.soft.arena, fresh->truth.logits.expected, &logits,
                  "step"},
        .params = &fresh->read.params.generate,
        .io = &forced,
        .table = table,
        .fused = fused};
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&asked.again, &own, &ran);
    }
    const bool can_force = assay_stage_can_force(fused);
    if (status == ASSAY_OK && ran) {
        status = ask(fresh, &asked, &soft, false, can_force);
    }
    return status == ASSAY_OK && ran && judged->result->verdict == ASSAY_PASS && can_force
               ? ask(fresh, &asked, &soft, true, true)
               : status;
}
