/* Calls on end: what is right for the first hundred of them only is found out. */
#include "verify/sanitized.h"
#include "verify/step_checks.h"

/* A soak ends here, however many calls are left: kernels that take long are soaked less. */
static const double soak_seconds = 1.0;

/* So many calls have all sorts of numbers of rows. */
enum { UNEVEN = 96 };

static uint64_t draw(const assay_judgement *j, int64_t call)
{
    const assay_philox_block block = assay_philox(j->judge->seed, 0x736f616bull, (uint64_t)call);
    return (uint64_t)block.word[0] << 32 | block.word[1];
}

/* The rows of so many blocks, beginning with the block `shift`. */
static int64_t turn(const assay_blocks *blocks, int64_t shift, int64_t count, int64_t *from)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t b = (shift + i) % blocks->count;
        for (int64_t n = blocks->start[b]; n < blocks->start[b + 1]; n++) {
            from[rows++] = n;
        }
    }
    return rows;
}

/* One call, of all rows or, of the first ones every other, of some: equal to the first run bit for
 * bit, row by row, or else judged as that one was. */
static assay_status one_call(assay_judgement *j, int64_t call, int64_t *from)
{
    assay_any_io io;
    char what[64];
    const uint64_t bits = draw(j, call);
    const uint64_t blocks = (uint64_t)j->blocks.count;
    const int64_t count = (int64_t)(call >= UNEVEN || (bits >> 40 & 1) ? blocks
                                                                 : 1 + (bits >> 41) % blocks);
    const int64_t rows = turn(&j->blocks, (int64_t)(bits / 4 % blocks), count, from);
    assay_status status = assay_rows_take(j->step, &j->base, from, rows, j->arena, &io, j->error);
    if (status == ASSAY_OK) {
        assay_session_set_stale(j->judged.session, (assay_stale)(bits % 4));
        status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
        assay_session_set_stale(j->judged.session, ASSAY_FRESH);
    }
    bool same = true;
    for (int64_t n = 0; n < rows && status == ASSAY_OK && same; n++) {
        same = j->result->verdict != ASSAY_PASS ||
               assay_rows_equal(j->step->op, &io, n, &j->first, from[n]);
    }
    (void)snprintf(what, sizeof what, "call %lld of a soak", (long long)call + 1);
    return status == ASSAY_OK && !same
               ? assay_judgement_rows(j, &io, from, rows, ASSAY_CHECK_SOAK, what)
               : status;
}

/* By so much a call, over both halves of a soak, nothing grows that is bounded: caches, pools and
 * fragments fill up within the first calls, and an allocator takes memory in few large steps. */
static const double leaked_bytes = 16384.0, leaked_items = 0.25;
enum { LOOK_EVERY = 16, LOOKS_MOST = 64, LOOKS_LEAST = 5, BUSY = 6 };
/* Of what is counted one by one, one more in each of so many spans of so many looks each, or
 * longer ones, is a leak too, however slow. */
enum { SPANS = 4, SPAN_LOOKS = 2 };
/* What malloc has given out is known to the byte: little that is added between any two looks, all
 * along, is a leak. */
static const double heap_bytes = 16.0;

/* What the worker held every LOOK_EVERY calls, the first of them, which warm up, left out. */
typedef struct growth {
    assay_footprint at[LOOKS_MOST];
    int looks;
} growth;

/* Whether a count grew by that much a call in each of two halves of `calls`. */
static bool grows(uint64_t first, uint64_t middle, uint64_t last, double rate, double calls)
{
    const double least = rate * calls / 2.0;
    return (double)middle >= (double)first + least && (double)last >= (double)middle + least;
}

typedef uint64_t counted(const assay_footprint *footprint);

static uint64_t files_of(const assay_footprint *footprint)
{
    return footprint->files;
}

static uint64_t threads_of(const assay_footprint *footprint)
{
    return footprint->threads;
}

static void judge_counted(assay_judgement *j, const growth *g, const char *what, counted *count)
{
    const int span = (g->looks - 1) / SPANS;
    const assay_footprint *const last = &g->at[g->looks - 1];
    bool all = span >= SPAN_LOOKS;
    for (int i = 0; i < SPANS && all; i++) {
        all = count(last - i * span) > count(last - (i + 1) * span);
    }
    if (all) {
        assay_judgement_fail(j, ASSAY_CHECK_LEFTOVER, "leaves %lld %s behind over %d calls",
                             (long long)(count(last) - count(last - SPANS * span)), what,
                             SPANS * span * LOOK_EVERY);
    }
}

/* Bytes of heap that each of `times` calls adds, where all spans between looks have so many; else
 * 0. */
static double heap_growth(const growth *g, double times, double least)
{
    double all = 0.0;
    for (int i = 1; i < g->looks; i++) {
        const double added = (double)g->at[i].heap - (double)g->at[i - 1].heap;
        if (added < least * times) {
            return 0.0;
        }
        all += added;
    }
    return all / times / (double)(g->looks - 1);
}

static void judge_heap(assay_judgement *j, const growth *g, double times, double least,
                       const char *what)
{
    const double bytes = heap_growth(g, times, least);
    if (bytes > 0.0 && !ASSAY_MEMORY_SANITIZED) {
        assay_judgement_fail(j, ASSAY_CHECK_LEFTOVER,
                             "leaves %.3g KiB of the heap behind with every %s, over %.0f of them",
                             bytes / 1024.0, what, times * (double)(g->looks - 1));
    }
}

static void judge_growth(assay_judgement *j, const growth *g)
{
    const int halves = (g->looks - 1) / 2;
    const double calls = 2.0 * halves * LOOK_EVERY;
    const assay_footprint *const b = &g->at[g->looks - 1];
    const assay_footprint *const m = b - halves;
    const assay_footprint *const a = m - halves;
    const struct growing {
        const char *what;
        double unit;
        uint64_t first, middle, last;
        double rate;
    } kinds[] = {
        {"KiB of memory", 1024.0, a->memory, m->memory, b->memory, leaked_bytes},
        {"KiB of address space", 1024.0, a->address_space, m->address_space, b->address_space,
         leaked_bytes},
        {"open files", 1.0, a->files, m->files, b->files, leaked_items},
        {"threads", 1.0, a->threads, m->threads, b->threads, leaked_items}};
    /* the memory kinds come first */
    for (size_t i = ASSAY_MEMORY_SANITIZED ? 2 : 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct growing *const k = &kinds[i];
        if (grows(k->first, k->middle, k->last, k->rate, calls)) {
            assay_judgement_fail(j, ASSAY_CHECK_LEFTOVER,
                                 "leaves %.3g %s behind with every call, over %.0f calls",
                                 (double)(k->last - k->first) / calls / k->unit, k->what, calls);
            return;
        }
    }
    judge_heap(j, g, LOOK_EVERY, heap_bytes, "call");
    judge_counted(j, g, "open files", files_of);
    judge_counted(j, g, "threads", threads_of);
}

static void look(const assay_judgement *j, int64_t call, growth *g)
{
    if (call > 0 && call % LOOK_EVERY == 0 && g->looks < LOOKS_MOST &&
        assay_session_footprint(j->judged.session, &g->at[g->looks])) {
        g->looks++;
    }
}

/* On a busy machine, long enough for what it holds to be judged. */
static bool in_time(double start, const growth *g)
{
    const double spent = assay_now() - start;
    return spent < soak_seconds || (g->looks < LOOKS_LEAST && spent < BUSY * soak_seconds);
}

/* Prepares, runs one block of rows and releases, over and over: what prepare makes, release
 * frees. */
static assay_status prepare_often(assay_judgement *j, int64_t *from)
{
    enum { ROUNDS = 28, ROUNDS_A_LOOK = 4 };
    static const double most_seconds = 0.3, least = 64.0;
    const double start = assay_now();
    const assay_subject subject = assay_judgement_subject(j);
    const int64_t count = assay_rows_drawn(&j->blocks, 0, from);
    assay_arena *const arena = j->arena;
    growth g = {.looks = 0};
    assay_status status = ASSAY_OK;
    for (int round = 0; round < ROUNDS && assay_now() - start < most_seconds &&
                        status == ASSAY_OK && j->result->verdict == ASSAY_PASS; round++) {
        assay_arena one = {0};
        assay_any_io io;
        j->arena = &one;
        status = assay_judged_release(&j->judged);
        status = status == ASSAY_OK ? assay_judged_prepare(&j->judged, &subject) : status;
        status = status == ASSAY_OK
                     ? assay_rows_take(j->step, &j->base, from, count, &one, &io, j->error)
                     : status;
        status = status == ASSAY_OK ? assay_judged_run(&j->judged, &io, ASSAY_PLACE_RIGHT) : status;
        assay_arena_free(&one);
        if (round > 0 && round % ROUNDS_A_LOOK == 0 &&
            assay_session_footprint(j->judged.session, &g.at[g.looks])) {
            g.looks++;
        }
    }
    j->arena = arena;
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && g.looks >= LOOKS_LEAST) {
        judge_heap(j, &g, ROUNDS_A_LOOK, least, "prepare and release");
    }
    return status;
}

assay_status assay_check_soak(assay_judgement *j)
{
    assay_arena *const arena = j->arena;
    const double start = assay_now();
    int64_t *const from = assay_arena_take(arena, (size_t)(j->blocks.rows + 1) * sizeof *from);
    assay_status status =
        from != NULL ? ASSAY_OK
                     : assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    growth g = {.looks = 0};
    for (int64_t call = 0; status == ASSAY_OK && j->result->verdict == ASSAY_PASS &&
                           call < j->step->soak && in_time(start, &g); call++) {
        assay_arena one = {0}; /* the operands of many calls would pile up */
        look(j, call, &g);
        j->arena = &one;
        status = one_call(j, call, from);
        assay_arena_free(&one);
    }
    j->arena = arena;
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && g.looks >= LOOKS_LEAST) {
        judge_growth(j, &g);
    }
    if (status == ASSAY_OK && j->result->verdict == ASSAY_PASS && j->blocks.count > 0) {
        status = prepare_often(j, from);
    }
    if (j->result->verdict == ASSAY_FAIL && j->result->check == ASSAY_CHECK_LEFTOVER) {
        assay_session_dismiss(j->judged.session); /* many calls' worth would be the next one's */
    }
    return status;
}
