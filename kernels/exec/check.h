/* What compositions check before they run: every error names the operand and the value at fault. */
#ifndef KERNELS_EXEC_CHECK_H
#define KERNELS_EXEC_CHECK_H

#include "assay/kernel.h"

typedef enum assay_layer_part {
    ASSAY_PART_NONE,
    ASSAY_PART_ATTENTION, /* input_norm, q, k, v, o */
    ASSAY_PART_MLP_IN,    /* and post_norm */
    ASSAY_PART_WHOLE      /* and gate, up, down */
} assay_layer_part;

/* What of layer i a pass that ends at `stop` needs; and how many layers, the last maybe in part. */
assay_layer_part assay_part_needed(assay_hook stop, int64_t i);
int64_t assay_layers_needed(assay_hook stop);

/* Sizes of the model, and presence and shape of the weights that a pass up to `stop` reads. */
assay_status assay_check_model(const assay_model *model, assay_hook stop, assay_error *error);
assay_status assay_check_head(const assay_model *model, bool with_lm_head, assay_error *error);
assay_status assay_check_steering(const assay_steering *steering, const assay_model *model,
                                  assay_error *error);

/* Prompts: tokens [B,T] and lengths [B] of integers, every valid token in 0..vocab-1. *rows is the
 * sum of the lengths, *longest the greatest. */
assay_status assay_check_prompts(const assay_tensor *tokens, const assay_tensor *lengths,
                                 int64_t vocab, int64_t *rows, int64_t *longest,
                                 assay_error *error);
/* An output or input that must be a matrix of exactly this shape; ASSAY_NONE: any float type. */
assay_status assay_check_matrix(const char *name, const assay_tensor *tensor, assay_dtype dtype,
                                int64_t rows, int64_t columns, assay_error *error);
/* [P,2] pairs (batch, position), each within its prompt. */
assay_status assay_check_pairs(const char *name, const assay_tensor *pairs,
                               const assay_tensor *lengths, assay_error *error);

/* Elements of integer tensors of either type. */
int64_t assay_int1(const assay_tensor *tensor, int64_t i);
int64_t assay_int2(const assay_tensor *tensor, int64_t i, int64_t j);
bool assay_is_int(const assay_tensor *tensor);
bool assay_is_real(const assay_tensor *tensor);

#endif
