/* Comparators: what was got against what is expected, in units of each element's budget. */
#ifndef VERIFY_COMPARE_H
#define VERIFY_COMPARE_H

#include "assay/result.h"
#include "ref/oracle.h"

/* lambda of a budget: sqrt(2 ln(2N/p)), with the campaign's N and p of ref/oracle.h. */
double assay_lambda(void);

/* METHOD A.1: two independent float64 computations agree to this part of the row's RMS. */
#define ASSAY_WITNESS_AGREEMENT 1e-10

/* What row or column i of a part is called in the whole. */
static inline int64_t assay_part_row(const assay_subset *part, int64_t i)
{
    return part != NULL && part->rows != NULL ? part->rows[i] : i;
}

static inline int64_t assay_part_column(const assay_subset *part, int64_t i)
{
    return part != NULL && part->columns != NULL ? part->columns[i] : i;
}

/* A budget for every element of a [rows, columns] output, float64, dense. */
typedef struct assay_budget {
    int64_t rows, columns;
    double *value;
    const assay_subset *part; /* which rows and columns these are, for messages; NULL: all */
    int64_t evidence; /* how many elements must inform, half of them in smaller outputs; 0: one */
} assay_budget;

/* No budget of an expectation that another program computed falls below ASSAY_WITNESS_AGREEMENT of
 * its row's RMS. */
void assay_floor_by_agreement(const double *expected, assay_budget *budget);

/* Compares got (any type, dense) with expected (float64, dense): every element must be within its
 * budget, of the same kind where it is not finite, and no element may still hold the poison. An
 * element whose budget is 0 is exact: it must be met bit for bit (METHOD A.4).
 * Fills result's figures, verdict, check and message, which names the worst element. `row_name` is
 * what a row is called ("row", "step"). An element informs when it is not zero and its budget is
 * below its own size, or when it is not finite; where too few do (budget->evidence) the verdict is
 * VOID unless allow_void: some cases are meant to be all zero. An infinite budget takes anything:
 * its element is undecided. A budget that is NaN says of an element that is not finite that another
 * kind is as good: a zero where NaN is expected, a NaN where an infinity is. */
void assay_compare_elements(const assay_tensor *got, const double *expected,
                            const assay_budget *budget, const char *row_name, bool allow_void,
                            assay_result *result);

/* Whether enough elements inform. It is known before a kernel has run. */
bool assay_elements_decidable(const double *expected, const assay_budget *budget);

/* The worse of two results of one case, figures merged: used when a case has several outputs. */
void assay_result_merge(assay_result *into, const assay_result *part);

/* What the oracle finds wrong with a bundle's golden `what` ("data", "codes"): VOID, since no kernel
 * is at fault, with the bundle's name (result->golden) and what was found. */
void assay_result_blame_bundle(assay_result *result, const char *what, const assay_result *found);

/* A kernel that could not be run: SKIP when it says unsupported, else FAIL with its reason. */
void assay_result_refuse(assay_result *result, assay_status status, const assay_error *error);

/* Sparse codes of x's rows against the truth: structure, active sets by margin, values.
 * pre, score: truth [N, d_sae]; their budgets likewise. */
typedef struct assay_codes_truth {
    const assay_sae *sae;
    int64_t rows;
    double *pre, *score;
    double *pre_budget, *score_budget;
    const assay_subset *part; /* which rows and latents these are, for messages; NULL: all */
} assay_codes_truth;

/* VOID when the truth has active latents but fewer than an eighth of them are decided, unless
 * allow_void. Not more: rows normalised in bf16 and multiplied in bf16 leave three quarters of a
 * TopK's choices open, and a right kernel's verdict is not to hang on the seed. */
void assay_compare_codes(const assay_csr *got, const assay_codes_truth *truth, bool allow_void,
                         assay_result *result);

/* Whether enough latents are decided. It is known before a kernel has run. */
bool assay_codes_decidable(const assay_codes_truth *truth);

/* Only their structure: offsets, ascending distinct latents in range. False: result says what is
 * wrong. Of truth, sae and rows are read. */
bool assay_codes_structure(const assay_csr *got, const assay_codes_truth *truth,
                           assay_result *result);

/* Greedy tokens of one row against the truth's logits [steps, vocab] with their budgets: a token is
 * acceptable when its logit is within both budgets of the greatest. Judges until the first step at
 * which got and expected part; that step must be undecided. moved: the logits are those of a
 * contract with other operands (quantised weights), not those that expected was made from. The
 * contract may then decide a step in another way, and must be followed: what it clearly prefers
 * another token to is wrong, be it the expected one. */
void assay_compare_tokens(const int64_t *got, const int64_t *expected, int64_t row, int64_t steps,
                          const double *logits, const double *budget, int64_t vocab, bool moved,
                          assay_result *result);

#endif
