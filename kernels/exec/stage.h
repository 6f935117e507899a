/* Stages composed of a table's ops: the same composition for the oracle and for every backend.
 *
 * Prepared once (weights packed by each op's prepare), run many times. Where the table holds a
 * fused kernel for the stage itself, that is used instead. Activations have the output type of the
 * table's `linear`; buffers are in the host's memory for host tables. What the params point to
 * must outlive the stage. Inputs are checked: token ids, lengths, positions, shapes and sizes that
 * do not fit are ASSAY_BAD_ARGUMENT, more memory than is free is ASSAY_NO_MEMORY. */
#ifndef KERNELS_EXEC_STAGE_H
#define KERNELS_EXEC_STAGE_H

#include "assay/kernel.h"

#define ASSAY_STAGE_DECLARE(op)                                                                    \
    typedef struct assay_##op##_stage assay_##op##_stage;                                          \
    assay_status assay_##op##_stage_open(const assay_table *table, const assay_exec *exec,         \
                                         const assay_##op##_params *params,                        \
                                         assay_##op##_stage **stage);                              \
    assay_status assay_##op##_stage_run(assay_##op##_stage *stage, const assay_##op##_io *io);     \
    void assay_##op##_stage_close(assay_##op##_stage **stage);
ASSAY_STAGE_OPS(ASSAY_STAGE_DECLARE)

/* Generations of this stage run all sequences at once and begin with all prompts in one call, in
 * their order and each of them whole. Otherwise prompts share what begins alike and sequences
 * follow one another through a bounded number of cache slots. For kernels to which a row's place
 * in its call means something. */
void assay_generate_stage_whole(assay_generate_stage *stage);

/* Logits of every valid row, batch-major: logits [N,vocab] in the table's activation type; tokens
 * and lengths as in capture.h. It is capture at final_norm and then lm_head. */
typedef struct assay_logits_io {
    assay_tensor tokens, lengths;
    assay_tensor logits;
} assay_logits_io;

typedef struct assay_logits_stage assay_logits_stage;
assay_status assay_logits_stage_open(const assay_table *table, const assay_exec *exec,
                                     const assay_model *model, assay_logits_stage **stage);
assay_status assay_logits_stage_run(assay_logits_stage *stage, const assay_logits_io *io);
void assay_logits_stage_close(assay_logits_stage **stage);

/* The type a table's activations have, and so the type of residual, soft and logits outputs. */
assay_dtype assay_table_activation(const assay_table *table);

/* ASSAY_OK when the table has (or can compose) op here, else ASSAY_UNSUPPORTED with the reason. */
assay_status assay_table_supports(const assay_table *table, assay_op op, assay_error *error);

#endif
