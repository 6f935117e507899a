/* Reading operands of any type and stride into rows of float64, the wanted part of an output, and
 * shape checks with messages. */
#ifndef REF_OPERANDS_H
#define REF_OPERANDS_H

#include "ref/oracle.h"

/* count float64 (at least one), or NULL with a message. The caller frees. */
double *ref_alloc(int64_t count, assay_error *error);
/* A separate stretch of count for each OpenMP thread; ref_own gives the calling thread's. */
double *ref_alloc_threads(int64_t count, assay_error *error);
double *ref_own(double *stretches, int64_t count);
/* Whether a loop of that many multiply-adds (each with an error model) is worth waking threads for:
 * some 50 us of work, on idle threads that sleep. */
bool ref_worth_threads(int64_t products, bool model);

/* count elements from data, starting at element `at`, `stride` apart. */
void ref_load(const assay_tensor *tensor, int64_t at, int64_t stride, int64_t count, double *out);
/* Row `row` of a matrix, or a whole vector. */
void ref_load_row(const assay_tensor *matrix, int64_t row, double *out);
void ref_load_vector(const assay_tensor *vector, double *out);

/* The wanted rows and columns, resolved. */
typedef struct ref_plan {
    int64_t rows, columns;
    const int64_t *row, *column; /* NULL: all */
} ref_plan;

/* Checks the subset against the whole output [rows, columns], and out (and the model's tensors,
 * when both are given) against the part. */
assay_status ref_plan_make(const char *op, int64_t rows, int64_t columns,
                           const assay_subset *subset, const assay_tensor *out,
                           const assay_error_model *model, ref_plan *plan, assay_error *error);

static inline int64_t ref_plan_row(const ref_plan *plan, int64_t i)
{
    return plan->row != NULL ? plan->row[i] : i;
}

static inline int64_t ref_plan_column(const ref_plan *plan, int64_t i)
{
    return plan->column != NULL ? plan->column[i] : i;
}

/* What an operand must be. A size of REF_ANY is free. */
enum { REF_ANY = -1 };
typedef enum ref_kind { REF_REAL, REF_INTEGER } ref_kind;

assay_status ref_expect_vector(const char *op, const char *name, const assay_tensor *tensor,
                               ref_kind kind, int64_t size, assay_error *error);
assay_status ref_expect_matrix(const char *op, const char *name, const assay_tensor *tensor,
                               ref_kind kind, int64_t rows, int64_t columns, assay_error *error);
/* The same, and an absent operand is right. */
assay_status ref_expect_optional(const char *op, const char *name, const assay_tensor *tensor,
                                 int64_t size, assay_error *error);

/* Bytes of a whole operand; an absent one has none. */
double ref_bytes(const assay_tensor *tensor);

#endif
