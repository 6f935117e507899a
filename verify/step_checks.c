/* Checks on rows: another order, other neighbours, a smaller batch, one call or two. */
#include "verify/step_checks.h"

#include <math.h>

enum { RUNS_MOST = 16 };

/* Takes rows, runs them, judges them. */
static assay_status run_rows(assay_judgement *j, const int64_t *from, int64_t count,
                             assay_check check, const char *what, assay_any_io *io)
{
    assay_status status =
        assay_rows_take(j->step, &j->base, from, count, j->arena, io, j->error);
    if (status == ASSAY_OK) {
        status = assay_judgement_run(j, io, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_judgement_rows(j, io, from, count, check, what);
    }
    return status;
}

static uint64_t draw(const assay_judgement *j, uint64_t purpose)
{
    return assay_philox(j->judge->seed, 0x636865636b73ull, purpose).word[0];
}

assay_status assay_judgement_settle(assay_judgement *j)
{
    const bool any = j->judge->kernel->precision.order == ASSAY_ORDER_ANY;
    assay_status status = ASSAY_OK;
    for (int i = 0; i < RUNS_MOST && any && status == ASSAY_OK && !j->result->repeat_differs; i++) {
        assay_any_io io;
        status = assay_rows_again(j->step, &j->base, j->arena, &io, j->error);
        if (status == ASSAY_OK) {
            status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
        }
        for (int64_t n = 0; status == ASSAY_OK && j->result->verdict == ASSAY_PASS &&
                            n < j->blocks.rows && !j->result->repeat_differs; n++) {
            j->result->repeat_differs = !assay_rows_equal(j->step->op, &io, n, &j->first, n);
        }
    }
    return status;
}

/* The rows of blocks first .. first + count - 1, counted round; returns how many. */
static int64_t rows_of_blocks(const assay_blocks *blocks, int64_t first, int64_t count,
                              int64_t *from)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t b = (first + i) % blocks->count;
        for (int64_t n = blocks->start[b]; n < blocks->start[b + 1]; n++) {
            from[rows++] = n;
        }
    }
    return rows;
}

static assay_status check_order(assay_judgement *j, int64_t *from)
{
    assay_any_io io;
    assay_judgement_threads(j, 0);
    const int64_t shift = 1 + (int64_t)(draw(j, 1) % (uint64_t)(j->blocks.count - 1));
    const int64_t rows = rows_of_blocks(&j->blocks, shift, j->blocks.count, from);
    const assay_status status = run_rows(j, from, rows, ASSAY_CHECK_ROWS,
                                         "rows in another order, other threads", &io);
    assay_session_set_threads(j->judged.session, 0);
    return status;
}

static assay_status check_batch(assay_judgement *j, int64_t *from)
{
    assay_any_io io;
    const int64_t first = (int64_t)(draw(j, 2) % (uint64_t)j->blocks.count);
    const int64_t count = 1 + (int64_t)(draw(j, 3) % (uint64_t)(j->blocks.count - 1));
    const int64_t rows = rows_of_blocks(&j->blocks, first, count, from);
    const assay_status status =
        run_rows(j, from, rows, ASSAY_CHECK_BATCH, "a part of the batch", &io);
    for (int64_t i = 0; status == ASSAY_OK && j->result->verdict == ASSAY_PASS && i < rows; i++) {
        j->result->batch_differs = j->result->batch_differs ||
                                   !assay_rows_equal(j->step->op, &io, i, &j->first, from[i]);
    }
    return status;
}

/* The greatest finite magnitude in rows first .. end - 1 of the op's real inputs. */
static double reach(const assay_judgement *j, int64_t first, int64_t end)
{
    double most = 0.0;
    const assay_operand *operand = assay_operands(j->step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(&j->base, operand);
        if (!operand->input || operand->output || operand->kind != ASSAY_OPERAND_REAL ||
            !assay_present(tensor) || tensor->rank != 2 || tensor->shape[0] != j->blocks.rows) {
            continue;
        }
        for (int64_t i = first * tensor->shape[1]; i < end * tensor->shape[1]; i++) {
            const double value = fabs(assay_buffer_get(tensor, i));
            most = isfinite(value) ? fmax(most, value) : most;
        }
    }
    return most;
}

/* Halves the real inputs of every row outside first .. end - 1: exact but for subnormals, and a
 * scale or a maximum that is taken over the batch changes with it. */
static void halve_others(const assay_judgement *j, assay_any_io *io, int64_t first, int64_t end)
{
    const assay_operand *operand = assay_operands(j->step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        if (!operand->input || operand->output || operand->kind != ASSAY_OPERAND_REAL ||
            !assay_present(tensor) || tensor->rank != 2 || tensor->shape[0] != j->blocks.rows) {
            continue;
        }
        for (int64_t i = 0; i < assay_count(tensor); i++) {
            const int64_t row = i / tensor->shape[1];
            if (row < first || row >= end) {
                assay_store(tensor->dtype, tensor->data, (size_t)i,
                            0.5 * assay_buffer_get(tensor, i));
            }
        }
    }
}

/* Runs the batch with the rows outside first .. end - 1 halved; *n is the first of those within
 * that is not as it was; end: none. */
static assay_status run_halved(assay_judgement *j, int64_t *from, int64_t first, int64_t end,
                               int64_t *n)
{
    assay_any_io io;
    const int64_t rows = rows_of_blocks(&j->blocks, 0, j->blocks.count, from);
    assay_status status = assay_rows_take(j->step, &j->base, from, rows, j->arena, &io, j->error);
    if (status != ASSAY_OK) {
        return status;
    }
    halve_others(j, &io, first, end);
    status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
    *n = first;
    while (*n < end && assay_rows_equal(j->step->op, &io, *n, &j->first, *n)) {
        (*n)++;
    }
    return status;
}

/* Whether a kernel of unspecified order is seen to give other bits by itself: in runs of the same
 * inputs, or, where that is rare, by giving the old ones beside the same halved rows. */
static assay_status wavers(assay_judgement *j, int64_t *from, int64_t first, int64_t end,
                           bool *seen)
{
    const bool any = j->judge->kernel->precision.order == ASSAY_ORDER_ANY;
    assay_status status = assay_judgement_settle(j);
    *seen = j->result->repeat_differs;
    for (int i = 0; i < RUNS_MOST && any && status == ASSAY_OK && !*seen; i++) {
        int64_t n = first;
        status = run_halved(j, from, first, end, &n);
        *seen = n == end;
    }
    return status;
}

static assay_status check_neighbours(assay_judgement *j, int64_t *from)
{
    /* the block with the least numbers: what the others do to a shared scale shows there */
    int64_t kept = 0;
    for (int64_t b = 1; b < j->blocks.count; b++) {
        kept = reach(j, j->blocks.start[b], j->blocks.start[b + 1]) <
                       reach(j, j->blocks.start[kept], j->blocks.start[kept + 1])
                   ? b
                   : kept;
    }
    const int64_t first = j->blocks.start[kept];
    const int64_t end = j->blocks.start[kept + 1];
    int64_t n = first;
    bool seen = false;
    assay_status status = run_halved(j, from, first, end, &n);
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && n < end) {
        status = wavers(j, from, first, end, &seen);
        if (!seen && j->result->verdict == ASSAY_PASS) {
            assay_judgement_fail(j, ASSAY_CHECK_NEIGHBOURS,
                                 "row %lld changes when only other rows' content does",
                                 (long long)n);
        }
    }
    return status;
}

/* Attention in two calls: all but the last row of every sequence, then the last ones over the
 * caches that the first call left. */
static assay_status check_decode(assay_judgement *j, int64_t *from)
{
    int64_t early = 0;
    int64_t late = 0;
    int64_t *const last = from + j->blocks.rows;
    for (int64_t b = 0; b < j->blocks.count; b++) {
        for (int64_t n = j->blocks.start[b]; n + 1 < j->blocks.start[b + 1]; n++) {
            from[early++] = n;
        }
        last[late++] = j->blocks.start[b + 1] - 1;
    }
    if (early == 0) {
        return ASSAY_OK;
    }
    assay_any_io one;
    assay_any_io two;
    assay_status status = run_rows(j, from, early, ASSAY_CHECK_DECODE,
                                   "all rows but the last of each sequence", &one);
    if (status != ASSAY_OK || j->result->verdict != ASSAY_PASS) {
        return status;
    }
    status = assay_rows_take(j->step, &j->base, last, late, j->arena, &two, j->error);
    if (status == ASSAY_OK) {
        two.attention.k_cache = one.attention.k_cache;
        two.attention.v_cache = one.attention.v_cache;
        status = assay_judgement_run(j, &two, ASSAY_PLACE_RIGHT);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS) {
        status = assay_judgement_rows(j, &two, last, late, ASSAY_CHECK_DECODE,
                                      "the last rows over the caches of an earlier call");
    }
    return status;
}

enum { ORDER, BATCH, NEIGHBOURS, DECODE, IN_PLACE, SCALING, LINEARITY, CAPACITY, LATENTS, CHECKS };

static bool has_check(const assay_judgement *j, int check)
{
    switch (check) {
    case ORDER:
    case BATCH:
    case NEIGHBOURS: return j->blocks.count > 1;
    case DECODE: return j->step->op == ASSAY_OP_attention;
    case CAPACITY:
    case LATENTS: return j->step->op == ASSAY_OP_sae_encode;
    default: return true;
    }
}

/* One bit for each check that the step gets: all that there are; of a brief step two of them. */
static unsigned int choose(const assay_judgement *j)
{
    int own[CHECKS];
    uint64_t count = 0;
    unsigned int all = 0;
    for (int check = 0; check < CHECKS; check++) {
        if (has_check(j, check)) {
            own[count++] = check;
            all |= 1u << check;
        }
    }
    const uint64_t first = draw(j, 4) % count; /* count is three at least */
    const uint64_t second = (first + 1 + draw(j, 5) % (count - 1)) % count;
    return j->step->brief ? 1u << own[first] | 1u << own[second] : all;
}

assay_status assay_step_checks(assay_judgement *j)
{
    int64_t *const from =
        assay_arena_take(j->arena, (size_t)(2 * j->blocks.rows + 1) * sizeof *from);
    if (from == NULL) {
        return assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    }
    const unsigned int set = choose(j);
    assay_status status = ASSAY_OK;
#define CHECK(condition, call)                                                                     \
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && (condition)) {                   \
        status = (call);                                                                           \
    }
    CHECK((set & 1u << ORDER) != 0, check_order(j, from))
    CHECK((set & 1u << BATCH) != 0, check_batch(j, from))
    CHECK((set & 1u << NEIGHBOURS) != 0, check_neighbours(j, from))
    CHECK((set & 1u << DECODE) != 0, check_decode(j, from))
    CHECK((set & 1u << IN_PLACE) != 0, assay_check_in_place(j))
    CHECK(j->step->op == ASSAY_OP_sample, assay_check_token(j, from))
    CHECK((set & 1u << SCALING) != 0, assay_check_scaling(j))
    CHECK((set & 1u << LINEARITY) != 0, assay_check_linearity(j))
    CHECK(j->step->soak > 0, assay_check_soak(j))
    CHECK((set & 1u << CAPACITY) != 0, assay_check_capacity(j))
    CHECK((set & 1u << LATENTS) != 0, assay_check_latents(j))
#undef CHECK
    return status;
}
