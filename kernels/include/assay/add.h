/* add: y = a + b, elementwise; the residual stream's addition.
 *
 * Shapes: a, b, y [N,d]. Types: all in the contract's output type; one rounding.
 * Aliasing: y may be a or b. NaN propagates; Inf - Inf is NaN. */
#ifndef ASSAY_ADD_H
#define ASSAY_ADD_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_add_params {
    int64_t d;
} assay_add_params;

typedef struct assay_add_io {
    assay_tensor a, b;
    assay_tensor y;
} assay_add_io;

ASSAY_OP_FUNCTIONS(add);

#ifdef __cplusplus
}
#endif
#endif
