/* What a step's outputs are judged by: computed once from exactly the inputs the kernel saw, then
 * used for every run of it, whole or by rows. */
#ifndef VERIFY_STEP_TRUTH_H
#define VERIFY_STEP_TRUTH_H

#include "verify/step.h"

/* sample: the distribution with top_p as given, and moved down and up by what rounding can move it:
 * a token at the edge of the nucleus may be in or out. */
enum { ASSAY_NUCLEI = 3 };
typedef struct assay_distribution {
    double *probability, *budget; /* [rows, vocab] */
    int32_t *token;               /* [rows] */
} assay_distribution;

typedef struct assay_step_truth {
    int64_t rows;
    double *expected;        /* elementwise ops: [rows, budget.columns] */
    assay_budget budget;
    double *otherwise, *otherwise_budget; /* sae_steer: the same with latents at the activation's
                                             edge inactive, there being active; NULL: none */
    assay_codes_truth codes; /* sae_encode */
    assay_distribution nucleus[ASSAY_NUCLEI]; /* sample */
} assay_step_truth;

/* The truth of a step for all kernels of one contract, filled in for the first of them. It points
 * into the step's params and io. */
typedef struct assay_shared_truth {
    bool filled;
    assay_arena arena;
    assay_step_truth truth;
} assay_shared_truth;

/* seen: the operands as placed for a kernel of this contract. A golden expectation that the oracle
 * contradicts is told in result (VOID, naming the bundle: no kernel is at fault) with status
 * ASSAY_OK. */
assay_status assay_step_truth_make(const assay_precision *contract, const assay_step *step,
                                   const assay_any_io *seen, assay_arena *arena,
                                   assay_step_truth *truth, assay_result *result,
                                   assay_error *error);

/* The truth of rows from[0 .. count - 1]. */
assay_status assay_step_truth_rows(assay_op op, const assay_step_truth *whole, const int64_t *from,
                                   int64_t count, assay_arena *arena, assay_step_truth *part,
                                   assay_error *error);

/* Judges the outputs in got; fills figures, verdict, check and message. */
void assay_step_compare(const assay_step *step, const assay_step_truth *truth,
                        const assay_any_io *got, assay_result *result);

/* The parts of it, by kind of output. */
assay_status assay_elements_truth(const assay_step *step, const assay_any_io *inputs,
                                  const assay_precision *contract, assay_arena *arena,
                                  double **truth, assay_budget *budget, assay_error *error);
assay_status assay_codes_truth_make(const assay_precision *contract, const assay_step *step,
                                    const assay_sae_encode_io *seen, assay_arena *arena,
                                    assay_codes_truth *truth, assay_result *result,
                                    assay_error *error);
assay_status assay_sample_truth_make(const assay_precision *contract, const assay_step *step,
                                     const assay_sample_io *seen, assay_arena *arena,
                                     assay_distribution nucleus[ASSAY_NUCLEI], assay_error *error);
assay_status assay_steer_sides(const assay_step *step, const assay_any_io *seen,
                               const assay_precision *contract, assay_arena *arena,
                               assay_step_truth *truth, assay_error *error);
void assay_compare_steered(const assay_step *step, const assay_step_truth *truth,
                           const assay_tensor *y, assay_result *result);
void assay_compare_dense(const assay_sae_encode_io *got, assay_result *result);
void assay_compare_sample(const assay_sample_params *params,
                          const assay_distribution nucleus[ASSAY_NUCLEI],
                          const assay_sample_io *got, assay_result *result);

/* The output that is judged element by element, NULL for sae_encode. */
const assay_operand *assay_judged_output(assay_op op);

#endif
