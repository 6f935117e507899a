/* Calls on end: what is right for the first hundred of them only is found out. */
#include "verify/sanitized.h"
#include "verify/step_checks.h"

/* A soak ends here, however many calls are left: kernels that take long are soaked less. */
static const double soak_seconds = 0.5;

static uint64_t draw(const assay_judgement *j, int64_t call)
{
    return assay_philox(j->judge->seed, 0x736f616bull, (uint64_t)call).word[0];
}

/* All rows, beginning with the block `shift`. */
static int64_t turn(const assay_blocks *blocks, int64_t shift, int64_t *from)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < blocks->count; i++) {
        const int64_t b = (shift + i) % blocks->count;
        for (int64_t n = blocks->start[b]; n < blocks->start[b + 1]; n++) {
            from[rows++] = n;
        }
    }
    return rows;
}

/* One call: equal to the first run bit for bit, row by row, or else judged as that one was. */
static assay_status one_call(assay_judgement *j, int64_t call, int64_t *from)
{
    assay_any_io io;
    char what[64];
    const uint64_t bits = draw(j, call);
    const int64_t rows = turn(&j->blocks, (int64_t)(bits / 2 % (uint64_t)j->blocks.count), from);
    assay_status status = assay_rows_take(j->step, &j->base, from, rows, j->arena, &io, j->error);
    if (status == ASSAY_OK) {
        assay_session_set_stale(j->judged.session, bits % 2 != 0);
        status = assay_judgement_run(j, &io, ASSAY_PLACE_RIGHT);
        assay_session_set_stale(j->judged.session, false);
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
enum { LEAST_CALLS = 96 }; /* below, growth shows nothing */

/* Whether a count grew by that much a call in each of two halves of `calls`. */
static bool grows(uint64_t first, uint64_t middle, uint64_t last, double rate, int64_t calls)
{
    const double least = rate * (double)calls / 2.0;
    return (double)middle >= (double)first + least && (double)last >= (double)middle + least;
}

static void judge_growth(assay_judgement *j, const assay_footprint f[3], int64_t calls)
{
    const double per_call = 1.0 / (double)calls;
    const assay_footprint *const a = &f[0];
    const assay_footprint *const b = &f[2];
    const struct growing {
        const char *what;
        double unit;
        uint64_t first, middle, last;
        double rate;
    } kinds[] = {
        {"KiB of memory", 1024.0, a->memory, f[1].memory, b->memory, leaked_bytes},
        {"KiB of address space", 1024.0, a->address_space, f[1].address_space, b->address_space,
         leaked_bytes},
        {"open files", 1.0, a->files, f[1].files, b->files, leaked_items},
        {"threads", 1.0, a->threads, f[1].threads, b->threads, leaked_items}};
    /* the memory kinds come first */
    for (size_t i = ASSAY_MEMORY_SANITIZED ? 2 : 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct growing *const k = &kinds[i];
        if (grows(k->first, k->middle, k->last, k->rate, calls)) {
            assay_judgement_fail(j, ASSAY_CHECK_LEFTOVER,
                                 "leaves %.3g %s behind with every call, over %lld calls",
                                 (double)(k->last - k->first) * per_call / k->unit, k->what,
                                 (long long)calls);
            return;
        }
    }
}

assay_status assay_check_soak(assay_judgement *j)
{
    assay_arena *const arena = j->arena;
    const double until = assay_now() + soak_seconds;
    int64_t *const from = assay_arena_take(arena, (size_t)(j->blocks.rows + 1) * sizeof *from);
    assay_status status =
        from != NULL ? ASSAY_OK
                     : assay_fail(j->error, ASSAY_NO_MEMORY, "out of memory for row numbers");
    /* Growth is looked at from a quarter on: before, a kernel may still be warming up. */
    const int64_t marks[3] = {j->step->soak / 4, j->step->soak / 8 * 5, j->step->soak};
    assay_footprint grown[3];
    int64_t call = 0;
    int seen = 0;
    for (; status == ASSAY_OK && j->result->verdict == ASSAY_PASS && call < j->step->soak &&
           assay_now() < until; call++) {
        assay_arena one = {0}; /* the operands of many calls would pile up */
        if (seen < 2 && call == marks[seen]) {
            seen += assay_session_footprint(j->judged.session, &grown[seen]);
        }
        j->arena = &one;
        status = one_call(j, call, from);
        assay_arena_free(&one);
    }
    j->arena = arena;
    if (j->result->verdict == ASSAY_PASS && call == j->step->soak && seen == 2 &&
        assay_session_footprint(j->judged.session, &grown[2]) &&
        marks[2] - marks[0] >= LEAST_CALLS) {
        judge_growth(j, grown, marks[2] - marks[0]);
    }
    return status;
}
