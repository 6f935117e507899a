#include "verify/explain_again.h"

#include "kernels/exec/stage.h"
#include "verify/generate_again.h"

typedef struct explain_asked {
    const assay_explain_case *read;
    assay_generate_io forced_io;      /* the expected tokens, as generation sees them */
    assay_asked_generation generation; /* the logits' truth */
    assay_again soft;                 /* the soft tokens' */
} explain_asked;

/* Outputs for so many rows, and what of them is asked for. */
static assay_status outputs(const explain_asked *asked, int64_t rows, bool logits,
                            assay_explain_io *io)
{
    const assay_asked_generation *const generation = &asked->generation;
    return assay_explain_case_outputs(asked->read, rows, assay_table_activation(generation->table),
                                      logits, generation->again.arena, io,
                                      generation->again.judged->error);
}

/* More rows than the case has, the last first: its vectors, or its captured row again and again. */
static assay_status more_rows(const explain_asked *asked, assay_explain_io *io, int64_t *from,
                              int64_t *logits_from)
{
    const assay_explain_io *const given = &asked->read->io;
    const assay_asked_generation *const generation = &asked->generation;
    const bool vectors = assay_present(&given->vectors);
    const assay_tensor *const source = vectors ? &given->vectors : &given->positions;
    assay_tensor *const made = vectors ? &io->vectors : &io->positions;
    const int64_t rows = ASSAY_AGAIN_PROMPTS;
    const int64_t steps = asked->read->steps;
    const int64_t shape[2] = {rows, source->shape[1]};
    const int64_t forced[2] = {rows, steps};
    assay_arena *const arena = generation->again.arena;
    assay_error *const error = generation->again.judged->error;
    assay_status status = assay_buffer_make(arena, source->dtype, 2, shape, made, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I64, 2, forced, &io->forced, error);
    }
    for (int64_t r = 0; r < rows && status == ASSAY_OK; r++) {
        from[r] = source->shape[0] - 1 - r % source->shape[0];
        for (int64_t c = 0; c < shape[1]; c++) {
            assay_put2(made, r, c, assay_at2(source, from[r], c));
        }
        for (int64_t s = 0; s < steps; s++) {
            logits_from[r * steps + s] = from[r] * steps + s;
            assay_put2(&io->forced, r, s, assay_at2(&given->forced, from[r], s));
        }
    }
    return status;
}

/* The rows of more_rows, freely and then forced. */
static assay_status ask_rows(explain_asked *asked)
{
    assay_asked_generation *const generation = &asked->generation;
    assay_explain_io io = asked->read->io;
    const int64_t rows = ASSAY_AGAIN_PROMPTS;
    const int64_t steps = asked->read->steps;
    int64_t from[ASSAY_AGAIN_PROMPTS];
    int64_t *const logits_from = assay_arena_take(generation->again.arena,
                                                  (size_t)(rows * steps) * sizeof *logits_from);
    bool ran = false;
    generation->again.how = asked->soft.how = "of more rows";
    assay_status status = logits_from == NULL
                              ? assay_fail(generation->again.judged->error, ASSAY_NO_MEMORY,
                                           "out of memory for rows")
                              : more_rows(asked, &io, from, logits_from);
    const assay_tensor forced = io.forced;
    memset(&io.forced, 0, sizeof io.forced);
    if (status == ASSAY_OK) {
        status = outputs(asked, rows, false, &io);
    }
    if (status == ASSAY_OK) {
        status = assay_again_run(&generation->again, &io, ASSAY_PLACE_LEFT, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_compare(&asked->soft, &io.soft, from);
    }
    for (int64_t r = 0; r < rows && status == ASSAY_OK && ran; r++) {
        const int64_t *const expected = (const int64_t *)forced.data + r * steps;
        assay_generate_compare_row(generation, &io.new_tokens, r, expected, from[r], steps);
    }
    ran = ran && generation->again.judged->result->verdict == ASSAY_PASS;
    if (status != ASSAY_OK || !ran || !assay_stage_can_force(generation->fused)) {
        return status;
    }
    io.forced = forced;
    status = outputs(asked, rows, true, &io);
    if (status == ASSAY_OK) {
        status = assay_again_run(&generation->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    return status == ASSAY_OK && ran
               ? assay_again_compare(&generation->again, &io.logits, logits_from)
               : status;
}

/* Rows are stopped by a script alone. */
static assay_status ask_stopped(explain_asked *asked)
{
    assay_asked_generation *const generation = &asked->generation;
    assay_explain_io io = asked->read->io;
    assay_stage_files files = *generation->subject->files;
    assay_subject subject = *generation->subject;
    assay_script script;
    assay_tensor expected;
    const int64_t steps = asked->read->steps;
    bool ran = false;
    generation->again.how = "where rows are stopped";
    files.stops = false;
    subject.files = &files;
    subject.script = &script;
    subject.threads = ASSAY_AGAIN_THREADS;
    memset(&io.forced, 0, sizeof io.forced);
    if (asked->read->rows > ASSAY_SCRIPT_ROWS) {
        return ASSAY_OK;
    }
    assay_status status = assay_generate_script(generation, &script, &expected);
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&generation->again, &subject, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = outputs(asked, asked->read->rows, false, &io);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&generation->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    for (int64_t r = 0; r < asked->read->rows && status == ASSAY_OK && ran; r++) {
        const int64_t *const row = (const int64_t *)expected.data + r * steps;
        assay_generate_compare_row(generation, &io.new_tokens, r, row, r, steps);
    }
    return status;
}

/* Sampling with both top_k and top_p; the other ways are generate's own cases'. Streams are the
 * rows' numbers: explain takes no others. */
static assay_status ask_sampled(explain_asked *asked)
{
    assay_asked_generation *const generation = &asked->generation;
    assay_explain_params params = asked->read->params;
    assay_explain_io io = asked->read->io;
    assay_subject subject = *generation->subject;
    const bool force = assay_stage_can_force(generation->fused);
    bool ran = false;
    subject.params = &params;
    if (!force) {
        memset(&io.forced, 0, sizeof io.forced);
    }
    assay_status status = assay_generate_sampling(generation, ASSAY_SAMPLINGS - 1,
                                                  &params.generate.sampling);
    if (status == ASSAY_OK) {
        status = outputs(asked, asked->read->rows, force, &io);
    }
    if (status == ASSAY_OK) {
        status = assay_again_prepare(&generation->again, &subject, &ran);
    }
    if (status == ASSAY_OK && ran) {
        status = assay_again_run(&generation->again, &io, ASSAY_PLACE_RIGHT, &ran);
    }
    const assay_generate_io made = {
        .forced = io.forced, .new_tokens = io.new_tokens, .logits = io.logits};
    return status == ASSAY_OK && ran
               ? assay_generate_judge_sampled(generation, &params.generate.sampling, &made)
               : status;
}

assay_status assay_explain_again(assay_explain_judge *judge, const assay_judged *judged,
                                 const assay_table *table, const assay_kernel *fused,
                                 const assay_subject *subject, const assay_budget *budget)
{
    assay_budget soft;
    assay_status status = assay_chain_case_budget(&judge->soft, table, &soft, judged->error);
    explain_asked asked = {
        .read = judge->read,
        .forced_io = {.forced = judge->read->io.forced},
        .generation = {.again = {judged, NULL, judge->soft.arena, judge->logits.expected, budget,
                                 "step"},
                       .subject = subject,
                       .params = &judge->read->params.generate,
                       .table = table,
                       .fused = fused,
                       .moved = judge->logits.expected != judge->logits.given},
        .soft = {judged, NULL, judge->soft.arena, judge->soft.expected, &soft, "vector"}};
    asked.generation.io = &asked.forced_io;
    if (status == ASSAY_OK) {
        status = ask_rows(&asked);
    }
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        status = ask_stopped(&asked);
    }
    asked.generation.again.how = "sampling";
    if (status == ASSAY_OK && judged->result->verdict == ASSAY_PASS) {
        status = ask_sampled(&asked);
    }
    assay_generate_end_sampled(&asked.generation);
    return status;
}
