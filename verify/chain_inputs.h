/* A case's inputs, repeated for the replicas of a chain's pass. */
#ifndef VERIFY_CHAIN_INPUTS_H
#define VERIFY_CHAIN_INPUTS_H

#include "assay/model.h"
#include "verify/buffer.h"

/* A dense tensor, `replicas` times along its first axis. Absent gives absent. */
assay_status assay_repeat(assay_arena *arena, const assay_tensor *source, int64_t replicas,
                          assay_tensor *repeated, assay_error *error);
/* The same of integer pairs (batch, position): replica r's batch numbers go up by r * batch. */
assay_status assay_repeat_pairs(assay_arena *arena, const assay_tensor *source, int64_t batch,
                                int64_t replicas, assay_tensor *repeated, assay_error *error);

/* About how many bytes the oracle needs for that many rows of a model, with all layers' caches for
 * `cached` positions (0: one layer's, of the rows), and logits of `logits` rows. */
double assay_activation_bytes(const assay_model *model, int64_t rows, int64_t cached,
                              int64_t logits);

#endif
