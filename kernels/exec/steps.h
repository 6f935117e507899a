/* Steps of a generation that follow one another on a device: each row's token is the next step's id
 * there (assay_next_step), so the host asks for many at once what they were. A step that is run
 * again and again becomes a graph where the accelerator has them. Without assay_next_step nothing
 * of this is in use, and the host takes every token. */
#ifndef KERNELS_EXEC_STEPS_H
#define KERNELS_EXEC_STEPS_H

#include "kernels/exec/forward.h"

/* Enqueues one step, and nothing that waits. */
typedef assay_status assay_step_fn(void *context);

typedef struct assay_steps {
    const assay_runner *runner; /* NULL: not in use */
    int64_t batch, count;       /* of the tables: [count, batch], in the order of the rows */
    void *here, *there;         /* blocks of one layout, on the host and on the device */
    uint64_t sent_bytes;        /* how far into it the host's part goes */
    assay_tensor step, stream, uniform; /* there: [1] i64, [batch] i64, [batch] f64 */
    assay_tensor drawn, given;          /* there: f64, i64; of no rows where there are none */
    assay_tensor token, taken;          /* there: [batch] i32, table i32; not the host's part */
    const assay_accelerator_timing *timing; /* NULL: no graphs */
    void *graph;
    int64_t graph_rows, warm_rows; /* of the graph; of the step that was run last without one */
} assay_steps;

bool assay_steps_served(const assay_runner *runner);

/* Tables for `count` steps of `batch` rows; which of the optional ones are wanted. close also after
 * a failure; it waits. */
assay_status assay_steps_open(assay_steps *steps, const assay_runner *runner, int64_t batch,
                              int64_t count, bool drawn, bool given);
void assay_steps_close(assay_steps *steps);

/* Where the host fills in what assay_steps_send copies there, or finds what assay_steps_read
 * got. */
void *assay_steps_here(const assay_steps *steps, const assay_tensor *there);
assay_status assay_steps_send(const assay_steps *steps);

/* Behind a step's sampling: `rows` rows move on; id and position are the forward pass's. */
assay_status assay_steps_move_on(const assay_steps *steps, const assay_forward *forward,
                                 int64_t rows);

/* Runs a step of so many rows. The first of so many runs as it is, so that workspaces and plans are
 * made; where `left` steps are enough to pay for it, a graph of it is run from then on. */
assay_status assay_steps_run(assay_steps *steps, int64_t rows, int64_t left, assay_step_fn *step,
                             void *context);

/* Waits; taken[first .. first+count-1] are then on the host. */
assay_status assay_steps_read(const assay_steps *steps, int64_t first, int64_t count);

#endif
