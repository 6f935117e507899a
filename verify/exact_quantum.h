/* The grain of operands: what makes their products and sums exact (verify/exact.h). */
#ifndef VERIFY_EXACT_QUANTUM_H
#define VERIFY_EXACT_QUANTUM_H

#include "assay/precision.h"
#include "assay/tensor.h"

typedef struct assay_quantum {
    int exponent; /* 2^exponent divides the product of the operands so far */
    bool exact;   /* every operand is a number of the types it passes through */
} assay_quantum;

/* Takes an operand into the product; absent ones change nothing. storage: the type it is stored as
 * on the way, NONE for activations. Elements that are no multiple of 2^-20 are not what an exact
 * case is made of: they end it. */
void assay_quantum_multiply(assay_quantum *q, const assay_tensor *tensor,
                            const assay_precision *contract, assay_dtype storage);
/* A term that stands beside the products: only its own grain matters, which must be no finer. */
void assay_quantum_add(assay_quantum *q, const assay_tensor *tensor,
                       const assay_precision *contract);

#endif
