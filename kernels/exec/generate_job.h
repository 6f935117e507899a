/* Between the parts of a composed generation: generate.c runs its steps, generate_take.c takes what
 * they gave. */
#ifndef KERNELS_EXEC_GENERATE_JOB_H
#define KERNELS_EXEC_GENERATE_JOB_H

#include "kernels/exec/prefill.h"
#include "kernels/exec/stage.h"
#include "kernels/exec/steps.h"

struct assay_generate_stage {
    assay_bound_generate fused; /* kernel NULL: composed */
    assay_generate_params params;
    assay_forward forward;
    assay_head head;
    assay_bound_sample sample;
};

/* One run. Row i of the buffers belongs to sequence live[i]. Steps are taken in windows: of one
 * step where the host feeds each token back, of several where steps stay on a device. */
typedef struct generate_job {
    assay_generate_stage *stage;
    const assay_generate_io *io;
    assay_prompts prompts;
    assay_steps steps;       /* in use where tokens stay on a device */
    void *block, *there;     /* on the host; where kernels have their operands */
    assay_tensor last, logits;        /* there: [B, d_model], [B, vocab] */
    assay_tensor shown;               /* logits on the host, where they are asked for: B a step */
    assay_tensor token, stream;       /* [B, 1]: i32, i64 */
    assay_tensor live, fed;           /* [B, 1]: i64; -1: ended in this window; the last token */
    int64_t window;                   /* steps of one at most */
    int64_t live_count;
    int64_t step; /* to be taken next */
} generate_job;

/* -1 and 0 in all of the outputs. */
void assay_generate_clear(const generate_job *job);

/* Writes the outputs of step job->step, which is the window's `of_window`-th: sampled [B] are its
 * tokens. Rows that end are marked. */
assay_status assay_generate_take(generate_job *job, int64_t of_window, const int32_t *sampled);

/* After a window: drops the marked rows and sets those of the next call. Whether there were any. */
bool assay_generate_retire(generate_job *job);

/* The number by which sequence b's draws differ from others'. */
int64_t assay_generate_stream(const generate_job *job, int64_t b);

/* Runs the rows that were set, or (kept) those where kernels read them, and the head: logits. */
assay_status assay_generate_logits(generate_job *job, int64_t max_position, bool kept);
/* Copies logits to where the host finds those of a window's step; enqueued. */
assay_status assay_generate_show(const generate_job *job, int64_t of_window);

/* On a device: the next `count` steps, whose tokens are then on the host (assay_steps_here); and
 * what these need to know of the rows as they are now, after some were retired. */
assay_status assay_generate_there(generate_job *job, int64_t count);
assay_status assay_generate_send(generate_job *job);

#endif
