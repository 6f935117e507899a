/* The operands of a timed stage: parameters made once for a model, inputs made anew from a seed. */
#ifndef BENCH_STAGE_OPERANDS_H
#define BENCH_STAGE_OPERANDS_H

#include "bench/stage_case.h"
#include "verify/buffer.h"

typedef struct assay_stage_params {
    assay_capture_params capture;
    assay_generate_params generate;
    assay_explain_params explain;
} assay_stage_params;

/* What read says, over a model that is open; an explanation's adapter is made in the arena. */
assay_status assay_stage_params_make(const assay_stage_case *read, const assay_model *model,
                                     assay_arena *arena, assay_stage_params *params,
                                     assay_error *error);

/* Of one batch size; only the io of the case's op is there. */
typedef struct assay_stage_operands {
    assay_op op;
    int64_t vocab, rows; /* rows: tokens in all prompts */
    int64_t shared;      /* of them, as in assay_stage_size: those before the first soft token */
    assay_capture_io capture;
    assay_generate_io generate;
    assay_explain_io explain;
} assay_stage_operands;

/* type: of vectors, soft tokens and residual rows. Everything lies in the arena. */
assay_status assay_stage_operands_make(const assay_stage_case *read, const assay_model *model,
                                       assay_dtype type, assay_arena *arena,
                                       assay_stage_operands *operands, assay_error *error);
/* Inputs anew, outputs poisoned. */
assay_status assay_stage_operands_renew(assay_stage_operands *operands, uint64_t seed,
                                        assay_error *error);

#endif
