/* Exact cases (METHOD A.4). Where every product and every partial sum, in whatever order, is a
 * number of the contract's own types, a right kernel has no error before its output is rounded
 * once. The oracle certifies it element by element:
 *   q  the quantum: the product of the operands' own, each the greatest power of two that divides
 *      every element of its tensor; all sums are multiples of q
 *   M  the same op on the operands' magnitudes: no partial sum exceeds it
 * and M / q <= 2^bits of the accumulator (and of the intermediate type where the op rounds to one).
 * Operands must be numbers of the multiply and storage types; where rows are scaled by powers of
 * two, numbers of an 8-bit float are words of it too, no scale being above 1. A certified element's
 * expectation is the truth rounded to the output type, its budget 0. Ops: linear, adapter without a
 * norm or a scale, sae_decode, sae_encode and sae_steer without layer norm; embed, and add where
 * the sum is a number of f32, of any data. Others are left alone. */
#ifndef VERIFY_EXACT_H
#define VERIFY_EXACT_H

#include "verify/step.h"

/* truth: the oracle's; expected and budget are changed where certified (and where the golden
 * expectation agrees with the truth). */
assay_status assay_exact_elements(const assay_step *step, const assay_any_io *seen,
                                  const assay_precision *contract, const double *truth,
                                  double *expected, assay_budget *budget, assay_arena *arena,
                                  assay_error *error);

/* sae_encode: budgets of certified pre-activations and scores become 0, so that equality with a
 * threshold and ties are decided. */
assay_status assay_exact_codes(const assay_sae *sae, const assay_tensor *x,
                               const assay_precision *contract, assay_codes_truth *truth,
                               assay_arena *arena, assay_error *error);

#endif
