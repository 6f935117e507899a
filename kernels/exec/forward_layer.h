/* One layer of a forward pass, and the places between its ops. */
#ifndef KERNELS_EXEC_FORWARD_LAYER_H
#define KERNELS_EXEC_FORWARD_LAYER_H

#include "kernels/exec/forward.h"

/* One call of assay_forward_run on its way. */
typedef struct assay_pass {
    assay_forward *forward;
    const assay_batch *batch;
    bool normed;          /* the next layer's input has gone through its norm already */
    bool done;            /* the stop was reached */
    assay_tensor *result; /* written when it was */
} assay_pass;

/* Whether rows pass a place as they are, and the layers go on: nothing is steered there, and it is
 * not the stop. Only then may what comes before it and after it be one call. A visitor is no reason
 * against that: the rows it is shown are there. */
bool assay_pass_goes_on(const assay_pass *pass, assay_hook_kind kind, int64_t layer);

/* A place is reached: `rows` is steered there if asked, shown to a visitor, and is the result if the
 * pass ends there. */
assay_status assay_pass_reach(assay_pass *pass, assay_hook_kind kind, int64_t layer,
                              const assay_tensor *rows);

/* From behind the place INPUT of layer i to behind its OUTPUT, or to the stop. */
assay_status assay_pass_layer(assay_pass *pass, int64_t i);

#endif
