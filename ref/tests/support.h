/* Seeded numbers, small tensors and budgets for the oracle's tests. */
#ifndef REF_TESTS_SUPPORT_H
#define REF_TESTS_SUPPORT_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "assay/philox.h"
#include "ref/oracle.h"

/* Draw i of a stream: nearly normal (twelve uniforms), deviation 1. */
static inline double draw_normal(uint64_t seed, uint64_t i)
{
    double sum = -6.0;
    for (uint64_t k = 0; k < 12; k++) {
        sum += assay_philox_uniform(seed, i, k);
    }
    return sum;
}

/* A dense matrix filled with scale * normals rounded to dtype; free its data. */
static inline assay_tensor random_matrix(uint64_t seed, assay_dtype dtype, int64_t rows,
                                         int64_t columns, double scale)
{
    const assay_tensor m = assay_matrix(calloc((size_t)(rows * columns) + 1, 8), dtype, rows,
                                        columns);
    for (int64_t i = 0; i < rows * columns; i++) {
        assay_store(dtype, m.data, (size_t)i, scale * draw_normal(seed, (uint64_t)i));
    }
    return m;
}

static inline assay_tensor random_vector(uint64_t seed, assay_dtype dtype, int64_t n, double scale,
                                         double shift)
{
    const assay_tensor v = assay_vector(calloc((size_t)n + 1, 8), dtype, n);
    for (int64_t i = 0; i < n; i++) {
        assay_store(dtype, v.data, (size_t)i, shift + scale * draw_normal(seed, (uint64_t)i));
    }
    return v;
}

static inline assay_tensor zeros(assay_dtype dtype, int64_t rows, int64_t columns)
{
    return assay_matrix(calloc((size_t)(rows * columns) + 1, 8), dtype, rows, columns);
}

static inline assay_error_model new_model(int64_t rows, int64_t columns)
{
    const assay_error_model model = {.bound = zeros(ASSAY_F64, rows, columns),
                                     .sigma = zeros(ASSAY_F64, rows, columns)};
    return model;
}

static inline void free_model(assay_error_model *model)
{
    free(model->bound.data);
    free(model->sigma.data);
}

/* f32 arithmetic, everything rounded to `type` where the contract says so. */
static inline assay_precision contract_of(assay_dtype multiply, assay_dtype intermediate,
                                          assay_dtype output)
{
    const assay_precision contract = {
        .storage = ASSAY_NONE, .multiply = multiply,
        .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},
        .intermediate = intermediate, .output = output, .angle = ASSAY_F32,
        .order = ASSAY_ORDER_SEQUENTIAL,
    };
    return contract;
}

static inline float to_bf16(float value)
{
    return assay_bf16_to_f32(assay_f32_to_bf16(value));
}

static inline int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Worst and median |got - truth| in units of the budget, at failure probability 1e-6 over them all.
 * Elements that both are exactly 0 with budget 0 count as 0. */
typedef struct usage {
    double worst, median;
} usage;

static inline usage measure_usage(const assay_tensor *got, const assay_tensor *truth,
                                  const assay_error_model *model)
{
    const int64_t count = assay_count(truth);
    const double lambda = sqrt(2.0 * log(2.0 * (double)count / 1e-6));
    double *used = malloc((size_t)(count + 1) * sizeof *used);
    for (int64_t i = 0; i < count; i++) {
        const double error = fabs(assay_load(got->dtype, got->data, (size_t)i) -
                                  assay_load(truth->dtype, truth->data, (size_t)i));
        const double budget = ((const double *)model->bound.data)[i] +
                              lambda * ((const double *)model->sigma.data)[i];
        used[i] = error == 0.0 ? 0.0 : error / budget;
    }
    qsort(used, (size_t)count, sizeof *used, compare_doubles);
    const usage result = {used[count - 1], used[count / 2]};
    free(used);
    return result;
}

/* No error beyond its budget, and a budget that is not vacuous. */
#define cr_assert_budget(use, least_median)                                                        \
    do {                                                                                           \
        const usage used_ = (use);                                                                 \
        cr_assert_leq(used_.worst, 1.0, "worst %g of the budget", used_.worst);                    \
        cr_assert_geq(used_.median, least_median, "median %g of the budget", used_.median);        \
        if (getenv("REF_TESTS_SHOW") != NULL) {                                                    \
            fprintf(stderr, "%s:%d worst %.3f median %.4f\n", __FILE__, __LINE__, used_.worst,     \
                    used_.median);                                                                 \
        }                                                                                          \
    } while (0)

#define cr_assert_ok(status, error) cr_assert_eq(status, ASSAY_OK, "%s", (error).message)

#endif
