/* Tensor views: a pointer, a type, up to four dimensions with strides, and where the memory is.
 * A view owns nothing. Strides count elements and may be zero (broadcast) but not negative.
 * A view whose data is NULL is absent: an optional operand that was not given.
 * A step's kernel gets dense row-major views, of weights and caches too, but where its op's header
 * says otherwise; each has a type of its own. */
#ifndef ASSAY_TENSOR_H
#define ASSAY_TENSOR_H

#include <stdbool.h>

#include "assay/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_RANK_MAX = 4 };

typedef enum assay_space {
    ASSAY_HOST = 0,
    ASSAY_CUDA = 1 /* device memory of the exec context's device */
} assay_space;

typedef struct assay_tensor {
    void *data; /* operands documented as inputs are never written through it */
    assay_dtype dtype;
    assay_space space;
    int32_t rank;
    int64_t shape[ASSAY_RANK_MAX];
    int64_t stride[ASSAY_RANK_MAX];
} assay_tensor;

static inline bool assay_present(const assay_tensor *tensor)
{
    return tensor != NULL && tensor->data != NULL;
}

/* A dense row-major host view of the given shape. */
static inline assay_tensor assay_dense(void *data, assay_dtype dtype, int32_t rank,
                                       const int64_t *shape)
{
    assay_tensor view;
    memset(&view, 0, sizeof view);
    view.data = data;
    view.dtype = dtype;
    view.space = ASSAY_HOST;
    view.rank = rank;
    int64_t stride = 1;
    for (int32_t axis = rank - 1; axis >= 0; axis--) {
        view.shape[axis] = shape[axis];
        view.stride[axis] = stride;
        stride *= shape[axis];
    }
    return view;
}

static inline assay_tensor assay_vector(void *data, assay_dtype dtype, int64_t n)
{
    return assay_dense(data, dtype, 1, &n);
}

static inline assay_tensor assay_matrix(void *data, assay_dtype dtype, int64_t rows, int64_t cols)
{
    int64_t shape[2];
    shape[0] = rows;
    shape[1] = cols;
    return assay_dense(data, dtype, 2, shape);
}

static inline int64_t assay_count(const assay_tensor *tensor)
{
    int64_t count = 1;
    for (int32_t axis = 0; axis < tensor->rank; axis++) {
        count *= tensor->shape[axis];
    }
    return count;
}

static inline bool assay_is_dense(const assay_tensor *tensor)
{
    int64_t stride = 1;
    for (int32_t axis = tensor->rank - 1; axis >= 0; axis--) {
        if (tensor->shape[axis] != 1 && tensor->stride[axis] != stride) {
            return false;
        }
        stride *= tensor->shape[axis];
    }
    return true;
}

/* Element (i) of a vector or (i, j) of a matrix, widened to float64. Host views only. */
static inline double assay_at1(const assay_tensor *tensor, int64_t i)
{
    return assay_load(tensor->dtype, tensor->data, (size_t)(i * tensor->stride[0]));
}

static inline double assay_at2(const assay_tensor *tensor, int64_t i, int64_t j)
{
    const size_t at = (size_t)(i * tensor->stride[0] + j * tensor->stride[1]);
    return tensor->dtype == ASSAY_F64 ? ((const double *)tensor->data)[at]
                                      : assay_load(tensor->dtype, tensor->data, at);
}

static inline void assay_put1(const assay_tensor *tensor, int64_t i, double value)
{
    assay_store(tensor->dtype, tensor->data, (size_t)(i * tensor->stride[0]), value);
}

static inline void assay_put2(const assay_tensor *tensor, int64_t i, int64_t j, double value)
{
    const size_t at = (size_t)(i * tensor->stride[0] + j * tensor->stride[1]);
    if (tensor->dtype == ASSAY_F64) {
        ((double *)tensor->data)[at] = value;
    } else {
        assay_store(tensor->dtype, tensor->data, at, value);
    }
}

#ifdef __cplusplus
}
#endif
#endif
