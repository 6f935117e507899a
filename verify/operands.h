/* Every tensor of every op by name: those of its params (weights) and, for steps and stages alike,
 * those of its io. The order of the two tables, weights first, is the order of
 * assay_kernel.alignment; of stages, whose weights lie in files, only the io counts. */
#ifndef VERIFY_OPERANDS_H
#define VERIFY_OPERANDS_H

#include "kernels/exec/stage.h"
#include "verify/step.h"

/* Large enough for any op's params and for any op's io, stages included. */
typedef union assay_op_params {
#define ASSAY_OP_PARAMS(op) assay_##op##_params op;
    ASSAY_OPS(ASSAY_OP_PARAMS)
#undef ASSAY_OP_PARAMS
} assay_op_params;

typedef union assay_op_io {
#define ASSAY_OP_IO(op) assay_##op##_io op;
    ASSAY_OPS(ASSAY_OP_IO)
#undef ASSAY_OP_IO
    assay_logits_io logits;
} assay_op_io;

static inline bool assay_op_is_stage(assay_op op)
{
    return op == ASSAY_OP_capture || op == ASSAY_OP_generate || op == ASSAY_OP_explain;
}

/* Tables that end with a NULL name. Offsets of weights are those in the op's params. Tensors of a
 * stage's models are not listed. */
const assay_operand *assay_weights(assay_op op);
/* Steps: assay_operands. logits, with op capture: those of assay_logits_io. */
const assay_operand *assay_io_operands(assay_op op, bool logits);
size_t assay_operand_count(const assay_operand *table);
size_t assay_op_params_size(assay_op op);
/* Bytes of the tensors in the params. */
uint64_t assay_params_bytes(assay_op op, const void *params);
size_t assay_op_io_size(assay_op op, bool logits);

/* The one vector that an op's params hold as a bare pointer: rope's inverse_frequency (it counts as
 * an operand, the first), the eos tokens of generate and explain. Absent for other ops. */
typedef struct assay_bare {
    const char *name;
    size_t offset; /* of the pointer in the op's params */
    assay_tensor vector;
} assay_bare;

assay_bare assay_bare_of(assay_op op, const void *params);

/* Place of io operand i in assay_kernel.alignment. */
size_t assay_io_index(assay_op op, size_t i);

#endif
