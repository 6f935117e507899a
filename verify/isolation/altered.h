/* Other weights in place of the given ones: as valid, and alike where one looks first. */
#ifndef VERIFY_ISOLATION_ALTERED_H
#define VERIFY_ISOLATION_ALTERED_H

#include "assay/tensor.h"

/* Where a step has more bytes of weights than this it is left at those: others would take long. */
#define ASSAY_ALTERED_MOST ((uint64_t)16 << 20)

/* Turns the numbers of a tensor by one place, but for a few at either end, which stay: a
 * permutation of the same numbers. A tensor of fewer than four, or with gaps, stays as it is.
 * `data` is where its numbers are now. */
void assay_alter(const assay_tensor *tensor, void *data);

#endif
