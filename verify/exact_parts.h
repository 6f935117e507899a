/* What certifying elements, codes and steered rows share (verify/exact.h). */
#ifndef VERIFY_EXACT_PARTS_H
#define VERIFY_EXACT_PARTS_H

#include "verify/exact_quantum.h"
#include "verify/step.h"

/* Significand bits that every partial sum must fit. */
int assay_exact_width(const assay_precision *contract, bool intermediate);
/* The greatest magnitude of which every multiple of the quantum is a number of that many bits. */
double assay_exact_limit(const assay_quantum *q, int bits);

/* Magnitudes of operands are made one after another until one fails. */
typedef struct assay_magnitudes {
    assay_arena *arena;
    const assay_subset *subset; /* the op's outputs that are wanted */
    assay_status status;
    assay_error *error;
} assay_magnitudes;

/* |tensor| in its own type. by_output: its rows belong to the op's outputs, and only those that are
 * wanted are made; the memory of the others is never touched. */
void assay_magnitude_make(assay_magnitudes *m, bool by_output, assay_tensor *tensor);

/* The columns with an element that may be certified: M is at least the truth's own magnitude. Of
 * data that is not made for exactness that is almost none, and M is not computed for nothing. */
assay_status assay_exact_promising(const double *truth, int64_t rows, int64_t columns, double limit,
                                   assay_arena *arena, assay_subset *subset, assay_error *error);

/* embed's and add's elements: the truth itself is the number that is rounded, once. A sum must be a
 * number of f32, in which or in more kernels add. */
void assay_exact_rounded(const assay_step *step, const assay_any_io *seen,
                         const assay_precision *contract, const double *truth, double *expected,
                         const assay_budget *budget);

/* sae_steer's elements, as assay_exact_elements has them. Every number on the way, in whatever
 * order the factors are taken, must be one of the types it passes through, each by itself. */
assay_status assay_exact_steer(const assay_sae_steer_params *params, const assay_sae_steer_io *io,
                               const assay_precision *contract, const double *truth,
                               double *expected, assay_budget *budget, assay_arena *arena,
                               assay_error *error);

#endif
