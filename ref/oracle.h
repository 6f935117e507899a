/* The oracle: every op in float64, plain loops, independent of every implementation; and each op's
 * traits, the error model among them. Compiled with -ffp-contract=off. */
#ifndef REF_ORACLE_H
#define REF_ORACLE_H

#include "assay/kernel.h"

/* The whole oracle as a backend: its kernels take and give float64 activations. */
extern const assay_table assay_oracle;

/* Rows and columns of an op's output that are wanted; NULL index lists mean all. */
typedef struct assay_subset {
    const int64_t *rows;
    int64_t row_count;
    const int64_t *columns;
    int64_t column_count;
} assay_subset;

/* The campaign's failure probability and size, stated once: lambda = sqrt(2 ln(2N/p)). A sum of
 * independent roundings, each of mean 0 and within +-u|s_k|, exceeds lambda u sqrt(sum s_k^2) with
 * probability at most 2 exp(-lambda^2/2) = p/N (Hoeffding 1963): none of N elements does, with
 * probability 1 - p. 9.43 with these. */
#define ASSAY_CAMPAIGN_FAILURE 1e-9
#define ASSAY_CAMPAIGN_ELEMENTS 1e10

/* What a right kernel of a given contract may be off by, per output element (float64, same shape as
 * the output it belongs to):
 *   bound  never exceeded: output and intermediate roundings, underflow, truncation, inputs'
 *          roundings that act on few operands
 *   sigma  the root of the sum of squares of what accumulates from many independent roundings
 * The budget is bound + lambda * sigma. Formulae and derivations stand in each op's file.
 * Without sigma (absent), bound is the worst case of all of it: what classical analysis gives, for
 * reference beside the budget. */
typedef struct assay_error_model {
    assay_tensor bound;
    assay_tensor sigma;
    bool quick; /* fewer orders of sums are tried: sigma may be a little less */
} assay_error_model;

/* Elements of a weight matrix as a kernel with that contract has them: as stored, or dequantised
 * where the contract quantises (precision.h). Row `row` of a matrix, all of it. NULL: as stored. */
void assay_ref_weight_row(const assay_precision *contract, const assay_tensor *weight, int64_t row,
                          double *out);

/* Every oracle function: computes the wanted part of the output into io's outputs (float64 views of
 * shape [row_count, column_count] when a subset is given, else whole), and, when contract is not
 * NULL, the error model of a kernel with that contract run on exactly these inputs. Inputs may be
 * of any type. subset, contract and model may be NULL. Under a contract that quantises weights the
 * output is that of the dequantised weights. */
#define ASSAY_REF_DECLARE(op)                                                                      \
    assay_status assay_ref_##op(const assay_##op##_params *params, const assay_##op##_io *io,      \
                                const assay_subset *subset, const assay_precision *contract,       \
                                const assay_error_model *model, assay_error *error);
ASSAY_REF_DECLARE(embed)
ASSAY_REF_DECLARE(add)
ASSAY_REF_DECLARE(rmsnorm)
ASSAY_REF_DECLARE(linear)
ASSAY_REF_DECLARE(rope)
ASSAY_REF_DECLARE(attention)
ASSAY_REF_DECLARE(swiglu)
ASSAY_REF_DECLARE(sae_decode)
ASSAY_REF_DECLARE(sae_steer)
ASSAY_REF_DECLARE(adapter)

/* sae_encode is judged on its pre-activations: pre and score [rows, latents] float64 (the subset's
 * rows and columns), and their error models. `score` is what is compared with the threshold or
 * ranked; the threshold itself is exact. assay_ref_sae_select turns them into the active set. */
assay_status assay_ref_sae_preactivations(const assay_sae *sae, const assay_tensor *x,
                                          const assay_subset *subset,
                                          const assay_precision *contract, const assay_tensor *pre,
                                          const assay_tensor *score,
                                          const assay_error_model *pre_model,
                                          const assay_error_model *score_model,
                                          assay_error *error);
/* One whole row of pre and score [d_sae] -> active[j] 0/1 by sae.h's rule. */
void assay_ref_sae_select(const assay_sae *sae, const double *pre, const double *score,
                          uint8_t *active);

/* sample: whether a row's sums are small whole numbers, as those of a few equal logits are, and
 * top_p a fraction that they can meet: they are exact in any contract, and meet it or do not. */
bool assay_ref_sample_counts(const assay_sample_params *params, const assay_tensor *logits,
                             int64_t row);
/* sample: the number in [0,1) that row is drawn with: the given one, else by seed, stream (all 64
 * bits of it) and step. */
double assay_ref_sample_uniform(const assay_sample_params *params, const assay_sample_io *io,
                                int64_t row);
/* sample: probabilities [N,V] (step 4 of sample.h) with their error model, and the token drawn. */
assay_status assay_ref_sample(const assay_sample_params *params, const assay_sample_io *io,
                              const assay_precision *contract, const assay_error_model *model,
                              assay_error *error);

/* Facts of an op for given shapes: arithmetic operations (2 per multiply-add), bytes that must be
 * read and written once, and the longest accumulation. */
typedef struct assay_cost {
    double flops;
    double bytes_read;
    double bytes_written;
    int64_t depth;
} assay_cost;

typedef enum assay_comparator {
    ASSAY_COMPARE_ELEMENTS, /* per element, in units of its budget */
    ASSAY_COMPARE_CODES,    /* sparse features: active sets by margin, then values */
    ASSAY_COMPARE_TOKENS,   /* tokens by margin of the logits */
    ASSAY_COMPARE_STAGE     /* a composition: chain budgets */
} assay_comparator;

typedef struct assay_traits {
    assay_op op;
    assay_comparator comparator;
    const char *formula; /* one line, for `assay list ops` */
} assay_traits;

const assay_traits *assay_ref_traits(assay_op op);

/* Shape checks and costs, typed per op: ASSAY_BAD_ARGUMENT names the operand that does not fit. */
#define ASSAY_REF_SHAPE(op)                                                                        \
    assay_status assay_ref_##op##_check(const assay_##op##_params *params,                         \
                                        const assay_##op##_io *io, assay_error *error);            \
    assay_cost assay_ref_##op##_cost(const assay_##op##_params *params, const assay_##op##_io *io);
ASSAY_STEP_OPS(ASSAY_REF_SHAPE)

#endif
