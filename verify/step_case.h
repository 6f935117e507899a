/* A bundle's case of a single step, read into the op's operands. */
#ifndef VERIFY_STEP_CASE_H
#define VERIFY_STEP_CASE_H

#include "verify/cases.h"

typedef union assay_any_params {
#define ASSAY_ANY_PARAMS(op) assay_##op##_params op;
    ASSAY_STEP_OPS(ASSAY_ANY_PARAMS)
#undef ASSAY_ANY_PARAMS
} assay_any_params;

typedef struct assay_step_case {
    assay_any_params params;
    assay_any_io io;
    assay_tensor expected; /* as in the bundle */
    assay_csr codes;       /* sae_encode's expectation */
    assay_arena *arena;
} assay_step_case;

/* An input of the case as dtype (NONE: as it is), checked for its rank. */
assay_status assay_step_case_take(const assay_case_context *context, assay_step_case *b,
                                  const char *role, bool required, assay_dtype dtype, int32_t rank,
                                  assay_tensor *tensor, assay_error *error);

/* sae_encode, sae_decode, sae_steer, adapter: weights from the bundle's checkpoints. */
/* The values of a plain step's indices, whose shapes are known to be right. */
assay_status assay_step_case_check(const assay_case_context *context, assay_op op,
                                   assay_step_case *b, assay_error *error);
assay_status assay_step_case_sae(const assay_case_context *context, assay_op op,
                                 assay_step_case *b, assay_error *error);
/* The other steps: every operand and weight is a tensor of the case, by the contract's names. */
assay_status assay_step_case_plain(const assay_case_context *context, assay_op op,
                                   assay_step_case *b, assay_error *error);

#endif
