#include "verify/capture_again.h"

#include "kernels/exec/stage.h"

typedef struct capture_asked {
    const assay_stage *stage;
    const assay_again *again;
    assay_tensor tokens, lengths, positions; /* of the case */
    assay_tensor residual;                   /* its output */
    assay_other_batch other;
} capture_asked;

/* Runs on a batch; row i of the output must be row from[i] of the case. */
static assay_status ask(const capture_asked *asked, const assay_tensor *tokens,
                        const assay_tensor *lengths, const assay_tensor *positions,
                        const int64_t *from, int64_t rows)
{
    const int64_t shape[2] = {rows, asked->residual.shape[1]};
    const assay_again *const again = asked->again;
    assay_tensor got;
    bool ran = false;
    assay_status status = assay_buffer_make(again->arena, asked->residual.dtype, 2, shape, &got,
                                            again->judged->error);
    const assay_capture_io capture = {*tokens, *lengths, *positions, got};
    const assay_logits_io logits = {*tokens, *lengths, got};
    if (status == ASSAY_OK) {
        status = assay_again_run(again,
                                 asked->stage->subject.logits ? (const void *)&logits : &capture,
                                 ASSAY_PLACE_RIGHT, &ran);
    }
    return status == ASSAY_OK && ran ? assay_again_compare(again, &got, from) : status;
}

/* All rows of the other batch. */
static assay_status ask_rows(const capture_asked *asked)
{
    const assay_other_batch *const other = &asked->other;
    const assay_tensor none = {.data = NULL};
    const int64_t most = assay_count(&other->tokens);
    int64_t *const from = assay_arena_take(asked->again->arena, (size_t)most * sizeof *from);
    int64_t rows = 0;
    if (from == NULL) {
        return assay_fail(asked->again->judged->error, ASSAY_NO_MEMORY, "out of memory for rows");
    }
    for (int64_t j = 0; j < ASSAY_AGAIN_PROMPTS; j++) {
        for (int64_t t = 0; t < (int64_t)assay_at1(&other->lengths, j); t++) {
            from[rows++] = other->start[other->prompt[j]] + t;
        }
    }
    return ask(asked, &other->tokens, &other->lengths, &none, from, rows);
}

/* The last and the first row of each prompt, the last prompt first, and its last row once more. */
static assay_status ask_positions(const capture_asked *asked)
{
    enum { ROWS = 2 * ASSAY_AGAIN_PROMPTS + 1 };
    const assay_other_batch *const other = &asked->other;
    int64_t from[ROWS];
    int64_t pairs[2 * ROWS];
    for (int64_t i = 0; i < ROWS; i++) {
        const int64_t j = ASSAY_AGAIN_PROMPTS - 1 - i / 2 % ASSAY_AGAIN_PROMPTS;
        const int64_t last = (int64_t)assay_at1(&other->lengths, j) - 1;
        pairs[2 * i] = j;
        pairs[2 * i + 1] = i % 2 == 0 ? last : 0;
        from[i] = other->start[other->prompt[j]] + pairs[2 * i + 1];
    }
    const assay_tensor positions = assay_matrix(pairs, ASSAY_I64, ROWS, 2);
    return ask(asked, &other->tokens, &other->lengths, &positions, from, ROWS);
}

/* The case's own positions in reverse, the first twice. */
static assay_status ask_reversed(const capture_asked *asked)
{
    const int64_t count = asked->positions.shape[0];
    const assay_again *const again = asked->again;
    const int64_t shape[2] = {count + 1, 2};
    int64_t *const from = assay_arena_take(again->arena, (size_t)(count + 1) * sizeof *from);
    assay_tensor pairs;
    assay_tensor tokens;
    assay_status status = assay_buffer_make(again->arena, ASSAY_I64, 2, shape, &pairs,
                                            again->judged->error);
    if (status == ASSAY_OK) {
        status = assay_buffer_convert(again->arena, &asked->tokens, ASSAY_I64, &tokens,
                                      again->judged->error);
    }
    if (status != ASSAY_OK || from == NULL) {
        return status != ASSAY_OK ? status
                                  : assay_fail(again->judged->error, ASSAY_NO_MEMORY,
                                               "out of memory for rows");
    }
    for (int64_t i = 0; i <= count; i++) {
        from[i] = i < count ? count - 1 - i : 0;
        assay_put2(&pairs, i, 0, assay_at2(&asked->positions, from[i], 0));
        assay_put2(&pairs, i, 1, assay_at2(&asked->positions, from[i], 1));
    }
    for (int64_t i = 0; i < assay_count(&tokens); i++) {
        const int64_t b = i / tokens.shape[1];
        if (i % tokens.shape[1] >= (int64_t)assay_at1(&asked->lengths, b)) {
            ((int64_t *)tokens.data)[i] = -1;
        }
    }
    return ask(asked, &tokens, &asked->lengths, &pairs, from, count + 1);
}

/* The rest is asked of the stage prepared anew. */
static assay_status ask_anew(const capture_asked *asked)
{
    assay_subject subject = asked->stage->subject;
    bool ran = false;
    subject.threads = ASSAY_AGAIN_THREADS;
    assay_status status = assay_again_prepare(asked->again, &subject, &ran);
    if (status == ASSAY_OK && ran) {
        status = subject.logits ? ask_rows(asked)
                 : assay_present(&asked->positions) ? ask_reversed(asked)
                                                    : ask_positions(asked);
    }
    return status;
}

/* The case's row for position t of prompt b, -1 where it has none. */
static int64_t row_at(const capture_asked *asked, int64_t b, int64_t t)
{
    const int64_t count = assay_present(&asked->positions) ? asked->positions.shape[0] : 0;
    int64_t row = count == 0 ? t : -1;
    for (int64_t i = 0; i < b && count == 0; i++) {
        row += (int64_t)assay_at1(&asked->lengths, i);
    }
    for (int64_t i = 0; i < count; i++) {
        const bool here = (int64_t)assay_at2(&asked->positions, i, 0) == b &&
                          (int64_t)assay_at2(&asked->positions, i, 1) == t;
        row = here ? i : row;
    }
    return row;
}

/* Beginnings of the last prompt, which is long, as several prompts: each ends where the case has a
 * row. */
static assay_status ask_beginnings(const capture_asked *asked)
{
    enum { PROMPTS = 5, LONGEST = 64 };
    int64_t length[PROMPTS] = {LONGEST, 33, 9, 1, 45};
    const int64_t b = asked->lengths.shape[0] - 1;
    int64_t tokens[PROMPTS * LONGEST];
    int64_t from[PROMPTS * LONGEST];
    int64_t pairs[2 * PROMPTS * LONGEST];
    int64_t rows = 0;
    bool ran = false;
    if ((int64_t)assay_at1(&asked->lengths, b) < LONGEST) {
        return ASSAY_OK;
    }
    for (int64_t i = 0; i < PROMPTS * LONGEST; i++) {
        const int64_t j = i / LONGEST;
        const int64_t t = i % LONGEST;
        while (t == 0 && length[j] > 1 && row_at(asked, b, length[j] - 1) < 0) {
            length[j]--;
        }
        tokens[i] = t < length[j] ? (int64_t)assay_at2(&asked->tokens, b, t) : -1;
        from[rows] = row_at(asked, b, t);
        pairs[2 * rows] = j;
        pairs[2 * rows + 1] = t;
        rows += t < length[j] && from[rows] >= 0;
    }
    const assay_tensor batch = assay_matrix(tokens, ASSAY_I64, PROMPTS, LONGEST);
    const assay_tensor lengths = assay_vector(length, ASSAY_I64, PROMPTS);
    const assay_tensor positions = assay_matrix(pairs, ASSAY_I64, rows, 2);
    const assay_status status = rows > 0 ? assay_again_prepare(asked->again, &asked->stage->subject,
                                                               &ran)
                                         : ASSAY_OK;
    return status == ASSAY_OK && ran ? ask(asked, &batch, &lengths, &positions, from, rows)
                                     : status;
}

assay_status assay_capture_again(const assay_judged *judged, const assay_stage *stage,
                                 const double *expected, const assay_budget *budget,
                                 assay_arena *arena)
{
    assay_again again = {judged, "in a batch of other prompts", arena, expected, budget,
                         stage->row_name};
    capture_asked asked = {.stage = stage, .again = &again};
    if (stage->subject.logits) {
        const assay_logits_io *const io = stage->io;
        asked.tokens = io->tokens;
        asked.lengths = io->lengths;
        asked.residual = io->logits;
    } else {
        const assay_capture_io *const io = stage->io;
        asked.tokens = io->tokens;
        asked.lengths = io->lengths;
        asked.positions = io->positions;
        asked.residual = io->residual;
    }
    if (assay_count(&asked.tokens) > ASSAY_AGAIN_TOKENS) {
        again.how = "in a batch of the prompt's beginnings";
        return stage->subject.logits ? ASSAY_OK : ask_beginnings(&asked);
    }
    assay_status status = assay_again_batch(&asked.tokens, &asked.lengths, true, arena,
                                            &asked.other, judged->error);
    if (status == ASSAY_OK && !assay_present(&asked.positions)) {
        status = ask_rows(&asked);
    }
    again.how = "with other positions and threads";
    return status == ASSAY_OK && judged->result->verdict == ASSAY_PASS ? ask_anew(&asked) : status;
}
