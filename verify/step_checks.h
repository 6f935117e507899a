/* What must hold whatever a step computes: the metamorphic checks of a judgement. */
#ifndef VERIFY_STEP_CHECKS_H
#define VERIFY_STEP_CHECKS_H

#include "verify/judged.h"
#include "verify/rows.h"
#include "verify/step_truth.h"

/* More products than this are not run again with another oracle or other weights. */
#define ASSAY_SMALL_WORK 0x1p20
/* A kernel that takes longer than this is run twice and no more. */
#define ASSAY_SLOW_SECONDS 0.25

typedef struct assay_judgement {
    const assay_judge *judge;
    assay_judged judged;
    const assay_step *step;
    assay_arena *arena;
    assay_any_io base; /* operands as placed; never given to a kernel, only copies */
    assay_blocks blocks;
    assay_step_truth truth;
    assay_any_io first; /* the first run's, and what it wrote */
    assay_result *result; /* the same as in judged */
    assay_error *error;
} assay_judgement;

/* Runs the prepared kernel. What did not end well goes into the result, and so does a cache that
 * holds what it should not. */
assay_status assay_judgement_run(assay_judgement *j, assay_any_io *io, assay_placement placement);
/* Judges a run of rows from[] against their truth: a FAIL is put down to `check`, `what` says what
 * was done. */
assay_status assay_judgement_rows(assay_judgement *j, const assay_any_io *io, const int64_t *from,
                                  int64_t count, assay_check check, const char *what);
void assay_judgement_fail(assay_judgement *j, assay_check check, const char *format, ...)
    ASSAY_PRINTF(3, 4);

/* The subject as it is prepared first. */
assay_subject assay_judgement_subject(const assay_judgement *j);

/* Prepares, runs and releases once with other weights in the same places, so that the next subject
 * finds what a kernel keeps by address; not where weights are large. What came of it. */
assay_status assay_judgement_altered(assay_judgement *j, assay_result *result);
/* What went wrong with other weights, and with its own did not, is the kernel's fault too, unless
 * it refused them. */
void assay_judgement_take_altered(const assay_judgement *j, const assay_result *other);

/* The same run again, in other company (REPEAT; BATCH): prepared anew with the weights against
 * their left guard pages, operands too; without exec.error; over an output and a workspace that
 * hold numbers, or what calls before left in it; codes with room behind them; after a call with one
 * block of rows, and two, one of them by another state, whose inputs differ in one number a row.
 * The first run's outputs are there. */
assay_status assay_judgement_second(assay_judgement *j);

/* The first run of a step that is judged in part (verify/sampled.h); the result's message says
 * which part, and what it can miss. */
assay_status assay_judgement_sampled(assay_judgement *j);

/* Runs a kernel of unspecified order with the same inputs until other bits come (repeat_differs),
 * at most 16 times: one second run may happen to be the same. Before bits that differ are held
 * against it. */
assay_status assay_judgement_settle(assay_judgement *j);

/* Each check runs the kernel some more; the first to fail ends them. The subject stays prepared,
 * except that the last one (LATENTS) prepares another. */
assay_status assay_step_checks(assay_judgement *j);

/* Each of the runs that need not be bit-identical has its own number of threads: 1, 3 or 8, each
 * for one purpose; or one from 2 to 17, drawn for the case; rarely many more than there are
 * processors here, as on machines with as many (a team of them takes a while). */
void assay_judgement_threads(assay_judgement *j, uint64_t purpose);
int32_t assay_judgement_other_threads(const assay_judgement *j);
/* The first run again by one of those, which the session has, over zeros (REPEAT). */
assay_status assay_check_threads(assay_judgement *j, int64_t *rows);

/* Many more calls of the same subject, rows in ever other numbers and orders, each as right as the
 * first (SOAK); fewer where one takes long. Then many states, one after the other. Neither may
 * leave memory, files or threads behind with each (LEFTOVER). */
assay_status assay_check_soak(assay_judgement *j);

/* The output over an input, where the op's header allows it (IN_PLACE). */
assay_status assay_check_in_place(assay_judgement *j);

/* A sampler asked for tokens alone: they are drawn from the same distribution (DISTRIBUTION). rows
 * has room for every row. */
assay_status assay_check_token(assay_judgement *j, int64_t *rows);

/* The checks on values rather than rows: SCALING, LINEARITY, LATENTS. */
assay_status assay_check_scaling(assay_judgement *j);
assay_status assay_check_linearity(assay_judgement *j);
assay_status assay_check_latents(assay_judgement *j);

/* An encoder given less room than its codes need, none, and no more than that: complete
 * row_offsets, the entries that fit, and nothing beyond them; the whole dense form (STRUCTURE,
 * GUARD). */
assay_status assay_check_capacity(assay_judgement *j);

#endif
