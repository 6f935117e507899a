/* What the kernels' tests share: guarded memory, seeded numbers, and the oracle's verdict. */
#ifndef KERNELS_TESTS_SUPPORT_H
#define KERNELS_TESTS_SUPPORT_H

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/philox.h"
#include "kernels/exec/stage.h"
#include "kernels/registry.h"
#include "ref/oracle.h"

/* bytes that end at an unmapped page and begin after one, so that any access past either end dies;
 * the address is aligned to no more than the last element's own size. */
static inline void *guarded(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t body = (bytes + page - 1) / page * page;
    char *const all = mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq((void *)all, MAP_FAILED);
    cr_assert_eq(mprotect(all, page, PROT_NONE), 0);
    cr_assert_eq(mprotect(all + page + body, page, PROT_NONE), 0);
    return all + page + body - bytes;
}

static inline double uniform(uint64_t seed, int64_t i)
{
    return assay_philox_uniform(seed, 7, (uint64_t)i);
}

/* About normal: twelve uniforms. */
static inline double normal(uint64_t seed, int64_t i)
{
    double sum = -6.0;
    for (int64_t k = 0; k < 12; k++) {
        sum += uniform(seed, 12 * i + k);
    }
    return sum;
}

static inline assay_tensor blank(assay_dtype dtype, int64_t rows, int64_t columns)
{
    void *const data = guarded((size_t)(rows * columns) * assay_dtype_size(dtype));
    return assay_matrix(data, dtype, rows, columns);
}

static inline assay_tensor blank_vector(assay_dtype dtype, int64_t n)
{
    return assay_vector(guarded((size_t)n * assay_dtype_size(dtype)), dtype, n);
}

static inline assay_tensor random_matrix(assay_dtype dtype, int64_t rows, int64_t columns,
                                         uint64_t seed, double scale)
{
    const assay_tensor t = blank(dtype, rows, columns);
    for (int64_t i = 0; i < rows * columns; i++) {
        assay_store(dtype, t.data, (size_t)i, scale * normal(seed, i));
    }
    return t;
}

static inline assay_tensor random_vector(assay_dtype dtype, int64_t n, uint64_t seed, double scale)
{
    const assay_tensor t = random_matrix(dtype, 1, n, seed, scale);
    return assay_vector(t.data, dtype, n);
}

static inline assay_tensor int_vector(assay_dtype dtype, int64_t n, const int64_t *values)
{
    const assay_tensor t = blank_vector(dtype, n);
    for (int64_t i = 0; i < n; i++) {
        assay_put1(&t, i, (double)values[i]);
    }
    return t;
}

static inline void poison(const assay_tensor *t)
{
    for (int64_t i = 0; i < assay_count(t); i++) {
        assay_store(t->dtype, t->data, (size_t)i,
                    t->dtype == ASSAY_I32 || t->dtype == ASSAY_I64 ? -77.0 : NAN);
    }
}

static inline bool same_bits(const assay_tensor *a, const assay_tensor *b)
{
    return memcmp(a->data, b->data, (size_t)assay_count(a) * assay_dtype_size(a->dtype)) == 0;
}

static inline assay_table table_of(const char *name)
{
    assay_table table;
    if (strcmp(name, assay_oracle.name) == 0) {
        return assay_oracle;
    }
    cr_assert_eq(assay_table_find(name, &table, NULL), ASSAY_OK);
    return table;
}

static inline assay_exec host_exec(int32_t threads, assay_error *error)
{
    memset(error, 0, sizeof *error);
    return (assay_exec){.device = assay_host_device(), .threads = threads, .error = error};
}

/* got against truth within the oracle's budget for the contract. */
static inline void judge(const char *what, const assay_tensor *got, const assay_tensor *truth,
                         const assay_error_model *model)
{
    for (int64_t n = 0; n < truth->shape[0]; n++) {
        for (int64_t i = 0; i < truth->shape[1]; i++) {
            const double y = assay_at2(truth, n, i);
            const double g = assay_at2(got, n, i);
            const double budget =
                assay_at2(&model->bound, n, i) + 9.0 * assay_at2(&model->sigma, n, i);
            const bool same_kind = isnan(y) ? isnan(g) : (isinf(y) ? g == y : false);
            cr_assert(same_kind || fabs(g - y) <= budget,
                      "%s [%ld,%ld]: got %.9g, truth %.9g, budget %.3g", what, (long)n, (long)i, g,
                      y, budget);
        }
    }
}

static inline assay_error_model blank_model(int64_t rows, int64_t columns)
{
    return (assay_error_model){.bound = blank(ASSAY_F64, rows, columns),
                               .sigma = blank(ASSAY_F64, rows, columns)};
}

/* Prepares, runs with a workspace of exactly the size asked for, releases. */
#define RUN_KERNEL(op, kernel, params_, io_)                                                       \
    do {                                                                                           \
        assay_error error_;                                                                        \
        assay_exec exec_ = host_exec(2, &error_);                                                  \
        const assay_##op##_functions *const f_ = &(kernel)->run.op;                                \
        void *state_ = NULL;                                                                       \
        if (f_->prepare != NULL) {                                                                 \
            cr_assert_eq(f_->prepare(&exec_, (params_), &state_), ASSAY_OK);                       \
        }                                                                                          \
        exec_.workspace_bytes = f_->workspace != NULL ? f_->workspace((params_), (io_)) : 0;       \
        exec_.workspace = guarded((exec_.workspace_bytes + 255) / 256 * 256);                      \
        const assay_status status_ = f_->run(&exec_, (params_), state_, (io_));                    \
        cr_assert_eq(status_, ASSAY_OK, "%s", error_.message);                                     \
        if ((kernel)->release != NULL) {                                                           \
            (kernel)->release(&exec_, state_);                                                     \
        }                                                                                          \
    } while (0)

/* Runs op's kernel and the oracle on the same operands and judges io's output y. */
#define JUDGE_STEP(op, impl, params_, io_)                                                         \
    do {                                                                                           \
        const assay_kernel *const kernel_ = assay_kernel_find(ASSAY_OP_##op, (impl));              \
        const int64_t rows_ = (io_)->y.shape[0];                                                   \
        const int64_t columns_ = (io_)->y.shape[1];                                                \
        assay_##op##_io truth_ = *(io_);                                                           \
        assay_error said_ = {0};                                                                   \
        truth_.y = blank(ASSAY_F64, rows_, columns_);                                              \
        const assay_error_model model_ = blank_model(rows_, columns_);                             \
        cr_assert_eq(assay_ref_##op((params_), &truth_, NULL, &kernel_->precision, &model_,        \
                                    &said_),                                                       \
                     ASSAY_OK, "%s", said_.message);                                               \
        RUN_KERNEL(op, kernel_, (params_), (io_));                                                 \
        judge(#op "/" impl, &(io_)->y, &truth_.y, &model_);                                        \
    } while (0)

#endif
