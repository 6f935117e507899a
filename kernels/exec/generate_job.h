/* Between the parts of a composed generation: generate.c opens and runs it, generate_here.c takes
 * steps whose tokens pass through the host, generate_admit.c lets prompts into them,
 * generate_there.c takes steps that stay on a device, generate_take.c takes what steps gave. */
#ifndef KERNELS_EXEC_GENERATE_JOB_H
#define KERNELS_EXEC_GENERATE_JOB_H

#include "kernels/exec/prefill.h"
#include "kernels/exec/prefix.h"
#include "kernels/exec/stage.h"
#include "kernels/exec/steps.h"

/* What a generation whose tokens pass through the host holds at once. Results do not depend on it,
 * but for kernels whose rows depend on their batch. */
typedef struct generate_limits {
    int64_t slots; /* sequences at most; fewer where their caches would not fit (generate.c) */
    int64_t rows;  /* of a call at most, unless one prompt alone has more */
    int64_t saved; /* rows that one more call must save, so that prompts wait for one that begins
                      as they do */
    bool whole;    /* no limits: all prompts in one call in their order, each of them whole */
} generate_limits;

struct assay_generate_stage {
    assay_bound_generate fused; /* kernel NULL: composed */
    assay_generate_params params;
    generate_limits limits;
    assay_forward forward;
    assay_head head;
    assay_bound_sample sample;
    const assay_fusions *fusions; /* of the head and sample; NULL: none */
};

/* A sequence that runs. */
typedef struct generate_row {
    int64_t sequence; /* -1: it has ended, and goes at the window's end */
    int64_t slot;     /* of the caches */
    int64_t step;     /* new tokens so far */
    int64_t token;    /* the last of them, to be fed */
} generate_row;

/* What a cache slot holds: the first `ready` positions of a prompt, if any. */
typedef struct generate_slot {
    int64_t sequence; /* -1: nothing yet */
    int64_t ready;
    bool taken; /* by a row */
} generate_slot;

/* One run. Row i of the buffers belongs to row[i]. Steps are taken in windows: of one step where
 * the host feeds each token back, of several where steps stay on a device. */
typedef struct generate_job {
    assay_generate_stage *stage;
    const assay_generate_io *io;
    assay_prompts prompts;
    assay_prefixes prefixes;
    assay_steps steps;       /* in use where tokens stay on a device */
    bool whole;              /* as in the limits; on a device always */
    int64_t slots, rows;     /* sequences at once: S; rows of a call */
    void *block, *there;     /* on the host; where kernels have their operands */
    assay_tensor last, logits;   /* there: [S, d_model], [S, vocab] */
    assay_tensor shown;          /* logits on the host, where they are asked for: S a step */
    assay_tensor token, stream;  /* [S, 1]: i32, i64 */
    assay_tensor uniform, ends;  /* [S, 1]: f64; i64, each row's last one in a call */
    assay_tensor soft, soft_row; /* of one call: soft tokens, and their rows (i64) */
    generate_row *row;           /* [S] */
    generate_slot *slot;         /* [S] */
    int64_t *waiting;            /* prompts that no row has yet, in their order */
    int64_t count, waiting_count;
    int64_t window; /* steps of one at most */
    int64_t step;   /* there: to be taken next */
} generate_job;

/* -1 and 0 in all of the outputs. */
void assay_generate_clear(const generate_job *job);

/* Writes the outputs of the step that rows first .. count-1 have taken, which is the window's
 * `of_window`-th: sampled are these rows' tokens. Rows that end are marked. */
assay_status assay_generate_take(generate_job *job, int64_t first, int64_t of_window,
                                 const int32_t *sampled);

/* After a window: drops the marked rows; their slots are free. Whether there were any. */
bool assay_generate_retire(generate_job *job);

/* The number by which sequence b's draws differ from others'. */
int64_t assay_generate_stream(const generate_job *job, int64_t b);

/* The position that a row's last token stands at. */
int64_t assay_generate_position(const generate_job *job, const generate_row *row);

/* The first `count` rows of `rows` through the head: their logits, or where nobody asks for these and
 * a fusion may do without them, what assay_generate_draw makes tokens of. */
assay_status assay_generate_head(generate_job *job, const assay_tensor *rows, int64_t count);
/* Tokens of the rows that passed the head last; io->logits are seen to here. */
assay_status assay_generate_draw(generate_job *job, int64_t count, const assay_sample_io *io);
/* Copies logits to where the host finds those of a window's step; enqueued. */
assay_status assay_generate_show(const generate_job *job, int64_t of_window, int64_t count);

/* All prompts in one call, their soft tokens where the caller has them, and their logits. */
assay_status assay_generate_first(generate_job *job);

/* Makes rows of waiting prompts, as far as there are slots; the first of them is returned, or
 * `count` where there are none. What a slot holds already is not computed again: row i begins at
 * slot[row[i].slot].ready. `busy` rows take part in the next call as they are. */
int64_t assay_generate_admit(generate_job *job, int64_t busy);

/* All steps of a generation: through the host, or on a device. */
assay_status assay_generate_here(generate_job *job);
assay_status assay_generate_there(generate_job *job);

#endif
