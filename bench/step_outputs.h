/* Operands of a step as they lie in memory while it is timed. */
#ifndef BENCH_STEP_OUTPUTS_H
#define BENCH_STEP_OUTPUTS_H

#include <stddef.h>

#include "bench/subject.h"
#include "verify/step.h"

/* Memory for kernels to work in: whole huge pages, asked for as such. NULL: none left. */
void *assay_block_take(size_t bytes);
void assay_block_drop(void **block, size_t bytes);

/* A step's outputs, all in one block, each at a multiple of 256 bytes. */
typedef struct assay_step_outputs {
    void *block;
    size_t bytes;
} assay_step_outputs;

/* Gives every output of io that is asked for its place (an encoder's dense form and a sampler's
 * probabilities are not). codes_room: entries of sae_encode's lists. What was placed before is
 * dropped. */
assay_status assay_step_outputs_place(assay_op op, int64_t codes_room, assay_any_io *io,
                                      assay_step_outputs *outputs, assay_error *error);
void assay_step_outputs_poison(assay_op op, const assay_any_io *io);
void assay_step_outputs_free(assay_step_outputs *outputs);

/* Bytes of all inputs, or of all outputs. */
double assay_step_operand_bytes(assay_op op, const assay_any_io *io, bool inputs);

/* What a call writes; returns how many there are. */
size_t assay_step_outputs_list(assay_op op, const assay_any_io *io,
                               assay_bench_output output[ASSAY_BENCH_OUTPUTS_MAX]);

#endif
