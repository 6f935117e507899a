/* Weights as a contract keeps them: rounded to a storage type, or quantised by rows in groups
 * (assay/precision.h), widened to f32 again. These are reference contracts: they show what a
 * precision costs in accuracy; they read f32 and are as fast as `scalar`, no faster. */
#ifndef KERNELS_QUANTISED_MATRIX_H
#define KERNELS_QUANTISED_MATRIX_H

#include "kernels/scalar/contract.h"

typedef struct quantised_form {
    assay_dtype storage; /* ASSAY_NONE: quantised instead */
    int32_t bits, group; /* as in assay_precision */
} quantised_form;

/* A dense f32 copy of a matrix in that form. What one output reads, and a group's neighbours
 * along it, is a row of the matrix; by_column: a column (an SAE's decoder). */
assay_status quantised_matrix(const assay_exec *exec, const quantised_form *form,
                              const assay_tensor *weight, bool by_column, assay_tensor *made);

/* Functions of the ops whose weights a form changes; they take a form's own prepare. */
assay_status quantised_linear_prepare(const assay_exec *exec, const quantised_form *form,
                                      const assay_linear_params *params, void **state);
assay_linear_run_fn quantised_linear_run;
assay_status quantised_encode_prepare(const assay_exec *exec, const quantised_form *form,
                                      const assay_sae_encode_params *params, void **state);
assay_sae_encode_run_fn quantised_encode_run;
assay_status quantised_decode_prepare(const assay_exec *exec, const quantised_form *form,
                                      const assay_sae_decode_params *params, void **state);
assay_sae_decode_run_fn quantised_decode_run;
uint64_t quantised_linear_bytes(const assay_linear_params *params, const void *state,
                                const assay_linear_io *io);
uint64_t quantised_encode_bytes(const assay_sae_encode_params *params, const void *state,
                                const assay_sae_encode_io *io);
uint64_t quantised_decode_bytes(const assay_sae_decode_params *params, const void *state,
                                const assay_sae_decode_io *io);
size_t quantised_linear_workspace(const assay_linear_params *params, const assay_linear_io *io);
size_t quantised_encode_workspace(const assay_sae_encode_params *params,
                                  const assay_sae_encode_io *io);
void quantised_release(const assay_exec *exec, void *state);
void quantised_decode_release(const assay_exec *exec, void *state);

#endif
