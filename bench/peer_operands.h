/* What a peer computes with, put where it can read it: weights once, inputs for every sample. A
 * peer cannot make them itself (it does not know the generators), nor choose them. */
#ifndef BENCH_PEER_OPERANDS_H
#define BENCH_PEER_OPERANDS_H

#include "bench/measure.h"
#include "bench/stage_operands.h"
#include "bench/subject.h"
#include "fixtures/io/model_file.h"

/* Zero-initialised but for measure and file. */
typedef struct assay_peer_operands {
    const assay_measure *measure;
    int file; /* tensors lie there one after another */
    cJSON *json; /* of the current batch size */
    assay_bench_work work;
    double set_bytes;
    assay_stage_case read; /* stages */
    assay_model_file model;
    assay_stage_params params;
    assay_stage_operands operands;
    assay_arena arena;
} assay_peer_operands;

/* Forgets what lies in the file. */
assay_status assay_peer_operands_clear(const assay_peer_operands *o, assay_error *error);
/* Weights into the file, "tensors" and "params" into the request. Of a stage the parameters and an
 * explanation's adapter: the case names its checkpoint. */
assay_status assay_peer_weights(assay_peer_operands *o, const cJSON *json, cJSON *request,
                                assay_error *error);
/* Another batch size: work and set_bytes are computed. */
assay_status assay_peer_batch(assay_peer_operands *o, const cJSON *json, assay_error *error);
/* A set of inputs into the file, what they are into list. */
assay_status assay_peer_inputs(assay_peer_operands *o, uint64_t seed, cJSON *list,
                               assay_error *error);
void assay_peer_operands_free(assay_peer_operands *o);

#endif
