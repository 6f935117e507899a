/* Arithmetic and memory traffic of a stage: what its ops must do and read at least. */
#ifndef BENCH_STAGE_COST_H
#define BENCH_STAGE_COST_H

#include "assay/model.h"
#include "assay/ops.h"
#include "bench/subject.h"

typedef struct assay_stage_size {
    assay_op op;
    int64_t batch;      /* prompts */
    int64_t tokens;     /* of all prompts */
    int64_t shared;     /* of them: tokens that an earlier prompt begins with too, at their places;
                           their keys and values are there, and no more is wanted of them */
    int64_t new_tokens; /* of each */
    assay_hook hook;    /* capture */
} assay_stage_size;

/* flops: 2 per multiply-add of every matrix product, attention's included (its mean context).
 * Bytes: the weights up to the hook once, and for every decode step all weights and the caches so
 * far, in bf16; activations are not counted. */
void assay_stage_work(const assay_model *model, const assay_stage_size *size,
                      assay_bench_work *work);

#endif
