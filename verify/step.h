/* One step op on one set of operands: placed, run, judged against the oracle. */
#ifndef VERIFY_STEP_H
#define VERIFY_STEP_H

#include "verify/buffer.h"
#include "verify/compare.h"

/* A case of a step op. params is the op's assay_<op>_params, io its assay_<op>_io: inputs of any
 * type, outputs with shape set and data NULL (an optional output whose rank is 0 stays absent). */
typedef struct assay_step {
    assay_op op;
    const void *params;
    const void *io;
    const double *expected; /* what an independent program got for y [rows, columns], dense;
                               NULL: judged by the oracle alone */
    const assay_csr *expected_codes; /* the same for sae_encode: its codes */
    const assay_precision
        *witness; /* the contract the expectation was computed under; NULL: float64 */
    bool allow_void;
} assay_step;

/* Large enough for any op's io. */
typedef union assay_any_io {
#define ASSAY_ANY_IO(op) assay_##op##_io op;
    ASSAY_STEP_OPS(ASSAY_ANY_IO)
#undef ASSAY_ANY_IO
} assay_any_io;

/* Places operands (activations converted to the kernel's type, outputs poisoned), prepares, runs,
 * checks that no input changed, releases. A kernel's own failure is its status; UNSUPPORTED comes
 * with the reason. */
assay_status assay_step_run(const assay_kernel *kernel, const assay_step *step, assay_arena *arena,
                            assay_any_io *io, double *seconds, assay_error *error);

/* Runs and judges; fills figures, verdict and message of result. */
void assay_step_judge(const assay_kernel *kernel, const assay_step *step, assay_result *result);

/* The oracle's output for exactly these inputs and, when contract is given, the budget
 * bound + lambda sigma of a kernel with it; both [rows, columns] float64 from the arena. */
assay_status assay_step_truth(const assay_step *step, const assay_any_io *inputs,
                              const assay_precision *contract, assay_arena *arena, double **truth,
                              assay_budget *budget, assay_error *error);

/* The judges of the two ops whose outputs are discrete. */
assay_status assay_judge_encode(const assay_kernel *kernel, const assay_step *step,
                                const assay_sae_encode_io *got, assay_arena *arena,
                                assay_result *result, assay_error *error);
assay_status assay_judge_sample(const assay_kernel *kernel, const assay_step *step,
                                const assay_sample_io *got, assay_arena *arena,
                                assay_result *result, assay_error *error);

/* No budget of an expectation that another program computed falls below ASSAY_WITNESS_AGREEMENT of
 * its row's RMS. */
void assay_floor_by_agreement(const double *expected, assay_budget *budget);

/* A monotonic clock, in seconds. */
double assay_now(void);

/* Typed calls of untyped operands, by op. */
assay_status assay_step_call(const assay_kernel *kernel, const assay_exec *exec, const void *params,
                             const void *state, const void *io);
assay_status assay_step_reference(assay_op op, const void *params, const void *io,
                                  const assay_precision *contract, const assay_error_model *model,
                                  assay_error *error);

/* An io of the step's op without operands: only the numbers that stand beside them. */
void assay_step_blank(const assay_step *step, assay_any_io *io);

/* The tensors of an op's io by name: GOLDEN.md's single-step cases use these names. */
typedef enum assay_operand_kind {
    ASSAY_OPERAND_REAL,  /* converted to the kernel's activation type */
    ASSAY_OPERAND_VALUE, /* a sparse value: f32 (f64 for a float64 kernel) */
    ASSAY_OPERAND_EXACT  /* integers and uniform numbers: taken as they are */
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
