/* Whole prompts through the layers: what capture, logits and generate begin with. */
#ifndef KERNELS_EXEC_PREFILL_H
#define KERNELS_EXEC_PREFILL_H

#include "kernels/exec/forward.h"

typedef struct assay_prompts {
    assay_tensor tokens, lengths;
    assay_tensor soft, soft_at; /* soft_at [S,2] (batch, position), as in generate.h; or absent */
    int64_t rows, longest;      /* set by assay_prompts_check */
} assay_prompts;

/* Fills rows and longest. Soft tokens must be as wide as the model and at distinct positions. */
assay_status assay_prompts_check(assay_prompts *prompts, const assay_model *model,
                                 assay_error *error);
/* All operands of a generation; the prompts' rows and longest are set. */
assay_status assay_check_generate(const assay_generate_params *params, const assay_generate_io *io,
                                  assay_prompts *prompts, assay_error *error);
/* (batch, position) pairs as rows of the ragged batch: row [count of pairs]. */
assay_status assay_prompts_rows(const assay_prompts *prompts, const assay_tensor *pairs,
                                int64_t *row, assay_error *error);
/* Runs all rows, steered if the forward pass steers; room must have been reserved. */
assay_status assay_prefill(assay_forward *forward, const assay_prompts *prompts,
                           assay_tensor *result);

#endif
