#include "ref/operands.h"

#include <omp.h>
#include <stdlib.h>

double *ref_alloc(int64_t count, assay_error *error)
{
    const int64_t wanted = count > 0 ? count : 1;
    double *memory = NULL;
    if ((uint64_t)wanted <= SIZE_MAX / 2 / sizeof *memory) {
        memory = malloc((size_t)wanted * sizeof *memory);
    }
    if (memory == NULL) {
        (void)assay_fail(error, ASSAY_NO_MEMORY,
                         "oracle: no memory for %lld numbers; ask for fewer rows",
                         (long long)wanted);
    }
    return memory;
}

double *ref_alloc_threads(int64_t count, assay_error *error)
{
    return ref_alloc(count * omp_get_max_threads(), error);
}

double *ref_own(double *stretches, int64_t count)
{
    return stretches + count * omp_get_thread_num();
}

bool ref_worth_threads(int64_t products, bool model)
{
    return products > (model ? 1 << 17 : 1 << 20);
}

void ref_load(const assay_tensor *tensor, int64_t at, int64_t stride, int64_t count, double *out)
{
    if (tensor->dtype == ASSAY_F32 && stride == 1) {
        const float *from = (const float *)tensor->data + at;
        for (int64_t i = 0; i < count; i++) {
            out[i] = (double)from[i];
        }
    } else if (tensor->dtype == ASSAY_BF16 && stride == 1) {
        const uint16_t *from = (const uint16_t *)tensor->data + at;
        for (int64_t i = 0; i < count; i++) {
            out[i] = (double)assay_bf16_to_f32(from[i]);
        }
    } else if (tensor->dtype == ASSAY_F64 && stride == 1) {
        memcpy(out, (const double *)tensor->data + at, (size_t)count * sizeof *out);
    } else {
        for (int64_t i = 0; i < count; i++) {
            out[i] = assay_load(tensor->dtype, tensor->data, (size_t)(at + i * stride));
        }
    }
}

void ref_load_row(const assay_tensor *matrix, int64_t row, double *out)
{
    ref_load(matrix, row * matrix->stride[0], matrix->stride[1], matrix->shape[1], out);
}

void ref_load_vector(const assay_tensor *vector, double *out)
{
    ref_load(vector, 0, vector->stride[0], vector->shape[0], out);
}

static assay_status check_indices(const char *op, const char *what, const int64_t *index,
                                  int64_t count, int64_t limit, assay_error *error)
{
    for (int64_t i = 0; index != NULL && i < count; i++) {
        if (index[i] < 0 || index[i] >= limit) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "%s: the subset asks for %s %lld, the output has %lld", op, what,
                              (long long)index[i], (long long)limit);
        }
    }
    return ASSAY_OK;
}

assay_status ref_plan_make(const char *op, int64_t rows, int64_t columns,
                           const assay_subset *subset, const assay_tensor *out,
                           const assay_error_model *model, ref_plan *plan, assay_error *error)
{
    memset(plan, 0, sizeof *plan);
    plan->rows = rows;
    plan->columns = columns;
    if (subset != NULL && subset->rows != NULL) {
        plan->row = subset->rows;
        plan->rows = subset->row_count;
    }
    if (subset != NULL && subset->columns != NULL) {
        plan->column = subset->columns;
        plan->columns = subset->column_count;
    }
    assay_status status = check_indices(op, "row", plan->row, plan->rows, rows, error);
    if (status == ASSAY_OK) {
        status = check_indices(op, "column", plan->column, plan->columns, columns, error);
    }
    if (status == ASSAY_OK) {
        status = ref_expect_matrix(op, "y", out, REF_REAL, plan->rows, plan->columns, error);
    }
    if (status == ASSAY_OK && model != NULL) {
        status = ref_expect_matrix(op, "the model's bound", &model->bound, REF_REAL, plan->rows,
                                   plan->columns, error);
    }
    if (status == ASSAY_OK && model != NULL && assay_present(&model->sigma)) {
        status = ref_expect_matrix(op, "the model's sigma", &model->sigma, REF_REAL, plan->rows,
                                   plan->columns, error);
    }
    return status;
}

static assay_status check_kind(const char *op, const char *name, const assay_tensor *tensor,
                               ref_kind kind, int32_t rank, assay_error *error)
{
    if (!assay_present(tensor)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: %s is absent", op, name);
    }
    if (tensor->space != ASSAY_HOST) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%s: %s is in device memory; the oracle reads the host's", op, name);
    }
    const bool real = assay_dtype_bits(tensor->dtype) > 0;
    if (real != (kind == REF_REAL) || tensor->dtype == ASSAY_NONE) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: %s has type %s, expected %s type", op,
                          name, assay_dtype_name(tensor->dtype),
                          kind == REF_REAL ? "a floating" : "an integer");
    }
    if (tensor->rank != rank) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: %s has rank %d, expected %d", op, name,
                          (int)tensor->rank, (int)rank);
    }
    return ASSAY_OK;
}

assay_status ref_expect_vector(const char *op, const char *name, const assay_tensor *tensor,
                               ref_kind kind, int64_t size, assay_error *error)
{
    const assay_status status = check_kind(op, name, tensor, kind, 1, error);
    if (status == ASSAY_OK && size != REF_ANY && tensor->shape[0] != size) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: %s has %lld elements, expected %lld", op,
                          name, (long long)tensor->shape[0], (long long)size);
    }
    return status;
}

assay_status ref_expect_matrix(const char *op, const char *name, const assay_tensor *tensor,
                               ref_kind kind, int64_t rows, int64_t columns, assay_error *error)
{
    const assay_status status = check_kind(op, name, tensor, kind, 2, error);
    if (status == ASSAY_OK && rows != REF_ANY && tensor->shape[0] != rows) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: %s has %lld rows, expected %lld", op,
                          name, (long long)tensor->shape[0], (long long)rows);
    }
    if (status == ASSAY_OK && columns != REF_ANY && tensor->shape[1] != columns) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: %s has %lld columns, expected %lld", op,
                          name, (long long)tensor->shape[1], (long long)columns);
    }
    return status;
}

assay_status ref_expect_optional(const char *op, const char *name, const assay_tensor *tensor,
                                 int64_t size, assay_error *error)
{
    return assay_present(tensor) ? ref_expect_vector(op, name, tensor, REF_REAL, size, error)
                                 : ASSAY_OK;
}

double ref_bytes(const assay_tensor *tensor)
{
    return assay_present(tensor)
               ? (double)assay_count(tensor) * (double)assay_dtype_size(tensor->dtype)
               : 0.0;
}
