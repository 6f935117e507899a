/* capture: the residual stream (or another hook point) of a Llama over a batch of prompts.
 *
 * Runs the model up to the hook and no further: weights of later layers are never read.
 * Shapes: tokens [B,T] i64 right-padded (what stands past a row's length is never read),
 * lengths [B] i64 in 1..T; positions [P,2] i64 (batch, position) or absent;
 * residual [M,d]: M = P rows in the order of positions, or all valid rows in order (batch-major).
 * Positions count from 0 in every row. Types: residual in the output type of the table's ops.
 * Hooks: model.h. embed, input and output are the residual stream; the rest as model.h says. */
#ifndef ASSAY_CAPTURE_H
#define ASSAY_CAPTURE_H

#include "assay/ops.h"
#include "assay/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_capture_params {
    assay_model model;
    assay_hook hook;
} assay_capture_params;

typedef struct assay_capture_io {
    assay_tensor tokens, lengths;
    assay_tensor positions;
    assay_tensor residual;
} assay_capture_io;

ASSAY_OP_FUNCTIONS(capture);

#ifdef __cplusplus
}
#endif
#endif
