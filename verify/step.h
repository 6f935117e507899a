/* One step op on one set of operands: placed, run, judged against the oracle. */
#ifndef VERIFY_STEP_H
#define VERIFY_STEP_H

#include <cjson/cJSON.h>

#include "verify/buffer.h"
#include "verify/compare.h"
#include "verify/isolation/session.h"

/* A case of a step op. params is the op's assay_<op>_params, io its assay_<op>_io: inputs of any
 * type, outputs with shape set and data NULL (an optional output whose rank is 0 stays absent). */
typedef struct assay_step {
    assay_op op;
    const void *params;
    const void *io;
    const double *expected; /* what an independent program got for y [rows, columns], dense;
                               NULL: judged by the oracle alone */
    const cJSON *json;      /* the case as written, for those who look into a failure; or NULL */
    const assay_csr *expected_codes; /* the same for sae_encode: its codes */
    const assay_precision
        *witness; /* the contract the expectation was computed under; NULL: float64 */
    bool allow_void;
    const struct assay_sample_size *sample; /* judge a part of the output; NULL: all of it */
    int64_t soak; /* so many more calls than the checks make */
    bool brief;   /* two of the checks, drawn from the seed: the others take long */
    const char *part; /* which part of a sweep this is, judged by one run; NULL: a whole case */
    struct assay_shared_truth *shared; /* of kernels of one contract; NULL: computed for this one */
} assay_step;

/* Large enough for any op's io. */
typedef union assay_any_io {
#define ASSAY_ANY_IO(op) assay_##op##_io op;
    ASSAY_STEP_OPS(ASSAY_ANY_IO)
#undef ASSAY_ANY_IO
} assay_any_io;

/* An io of the step's op without operands: only the numbers that stand beside them. */
void assay_step_blank(const assay_step *step, assay_any_io *io);

/* The step's operands for a kernel of this contract: activations converted to its type, outputs
 * shaped and poisoned; optional outputs only where it says it can give them. */
assay_status assay_step_place(const assay_kernel *kernel, const assay_step *step,
                              assay_arena *arena, assay_any_io *io, assay_error *error);

/* Places, prepares, runs in this process, releases: for composing, not for judging. A kernel's own
 * failure is its status; UNSUPPORTED comes with the reason. */
assay_status assay_step_run(const assay_kernel *kernel, const assay_step *step, assay_arena *arena,
                            assay_any_io *io, double *seconds, assay_error *error);

/* The kernel under judgement and where it runs. */
typedef struct assay_judge {
    assay_session *session;
    const char *impl;           /* the name of its table */
    const assay_kernel *kernel; /* its descriptor; functions may be NULL */
    uint64_t seed;              /* of rows and factors that the checks choose */
    const char *keep;           /* a folder for the operands of what fails; NULL: not kept */
} assay_judge;

/* Runs and judges; fills figures, verdict, check and message of result. The runs:
 *   one block of rows with other weights in the same places (its numbers do not count); as given,
 *   operands against the right guard pages, other states beside the kernel's; by other threads the
 *   same over zeros (REPEAT), one block of rows (BATCH), and all with a number changed, by this
 *   state and by another, for what comes next: again, against the left guard pages (REPEAT, and
 *   whether it was bit-identical), over numbers instead of poison, without exec.error; then, for
 *   all but slow cases: rows in another order (ROWS), all rows but one changed (NEIGHBOURS), a part
 *   of the batch (BATCH), attention in two calls (DECODE), tokens without their distribution
 *   (DISTRIBUTION), inputs times a power of two (SCALING), split in two addends (LINEARITY),
 *   latents in another order (LATENTS), as many more calls as the step says (SOAK). A part of a
 *   sweep has the first run alone; its message begins with its sizes. */
void assay_step_judge(const assay_judge *judge, const assay_step *step, assay_result *result);

/* A monotonic clock, in seconds. */
double assay_now(void);

/* Typed calls of untyped operands, by op. */
assay_status assay_step_call(const assay_kernel *kernel, const assay_exec *exec, const void *params,
                             const void *state, const void *io);
assay_status assay_step_reference(assay_op op, const void *params, const void *io,
                                  const assay_precision *contract, const assay_error_model *model,
                                  assay_error *error);

/* The tensors of an op's io by name: GOLDEN.md's single-step cases use these names. */
typedef enum assay_operand_kind {
    ASSAY_OPERAND_REAL,   /* converted to the kernel's activation type */
    ASSAY_OPERAND_STORED, /* as it is, unless it is float64: then as REAL */
    ASSAY_OPERAND_VALUE,  /* a sparse value: f32 (f64 for a float64 kernel) */
    ASSAY_OPERAND_EXACT   /* integers and uniform numbers: taken as they are */
} assay_operand_kind;

typedef struct assay_operand {
    const char *name;
    size_t offset; /* of the assay_tensor in the op's io */
    assay_operand_kind kind;
    bool input, output;
} assay_operand;

/* Ends with a NULL name. The output that is judged is called y. */
const assay_operand *assay_operands(assay_op op);
assay_tensor *assay_operand_of(void *io, const assay_operand *operand);
const assay_tensor *assay_operand_in(const void *io, const assay_operand *operand);

#endif
