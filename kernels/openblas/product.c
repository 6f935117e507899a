#include "kernels/openblas/product.h"

#include <cblas.h>
#include <limits.h>

#include "kernels/scalar/row.h"

enum {
    OPENBLAS_OWN_TEAMS = 2,         /* what openblas_get_parallel says of the OpenMP build */
    OPENBLAS_FEW = 8,               /* rows: with more of them sgemm is faster */
    OPENBLAS_STRIP_BYTES = 1 << 18, /* of weights, beside what else the second-level cache holds */
    OPENBLAS_STRIP_LEAST = 16       /* outputs */
};

typedef struct openblas_product {
    library_shape shape;
    const float *weight; /* [outputs, depth] */
    float *widened;      /* NULL: the weights are used as they lie */
} openblas_product;

/* Another build has a pool of threads of its own, which no number of ours reaches. */
static assay_status serves(const assay_tensor *weight, assay_error *error)
{
    if (weight->shape[1] > INT_MAX) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "OpenBLAS counts in 32 bits: %lld a row",
                          (long long)weight->shape[1]);
    }
    return openblas_get_parallel() == OPENBLAS_OWN_TEAMS
               ? ASSAY_OK
               : assay_fail(error, ASSAY_UNSUPPORTED,
                            "the OpenBLAS found is not its OpenMP build; install "
                            "libopenblas0-openmp and choose it by update-alternatives");
}

static int64_t padded(int64_t rows)
{
    return rows;
}

static size_t scratch(const library_shape *shape)
{
    (void)shape;
    return 0;
}

static void close_product(void *product)
{
    openblas_product *const p = product;
    free(p->widened);
    free(p);
}

static assay_status widen(const assay_exec *exec, const assay_tensor *weight, openblas_product *p)
{
    const int64_t outputs = p->shape.outputs;
    const int64_t depth = p->shape.depth;
    p->widened = simd_allocate((size_t)(outputs * depth) * sizeof *p->widened);
    if (p->widened == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY,
                          "no memory for widened weights of %lld x %lld", (long long)outputs,
                          (long long)depth);
    }
#pragma omp parallel for num_threads(simd_threads(exec, outputs * depth)) schedule(static)
    for (int64_t o = 0; o < outputs; o++) {
        float *const to = p->widened + o * depth;
        const float *const from = scalar_piece(weight, o, 0, depth, to);
        if (from != to) {
            memcpy(to, from, (size_t)depth * sizeof *to);
        }
    }
    p->weight = p->widened;
    return ASSAY_OK;
}

static assay_status open_product(const assay_exec *exec, const assay_tensor *weight,
                                 const library_shape *shape, void **product)
{
    openblas_product *const p = calloc(1, sizeof *p);
    if (p == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a product's state");
    }
    p->shape = *shape;
    p->weight = weight->data;
    if (weight->dtype != ASSAY_F32 || !assay_is_dense(weight)) {
        const assay_status status = widen(exec, weight, p);
        if (status != ASSAY_OK) {
            close_product(p);
            return status;
        }
    }
    *product = p;
    return ASSAY_OK;
}

static uint64_t bytes(const void *product)
{
    const openblas_product *const p = product;
    return (uint64_t)p->shape.outputs * (uint64_t)p->shape.depth * sizeof(float);
}

/* Few rows: strip by strip of weights that stay in the cache from one row to the next. */
static void multiply_few(const library_shape *shape, const library_call *call, const float *weight,
                         int64_t outputs)
{
    const int64_t depth = shape->depth;
    const int64_t fit = OPENBLAS_STRIP_BYTES / (depth * (int64_t)sizeof(float));
    const int64_t strip = fit < OPENBLAS_STRIP_LEAST ? OPENBLAS_STRIP_LEAST : fit;
    for (int64_t o = 0; o < outputs; o += strip) {
        const int64_t count = scalar_min(strip, outputs - o);
        for (int64_t r = 0; r < call->rows; r++) {
            float *const out = call->out + r * shape->width + o;
            /* Some versions read what they are to forget: 0 times a NaN. */
            memset(out, 0, (size_t)count * sizeof *out);
            cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)count, (int)depth, 1.0f,
                        weight + o * depth, (int)depth, (const float *)call->x + r * depth, 1,
                        1.0f, out, 1);
        }
    }
}

static int multiply(const void *product, const library_call *call)
{
    const openblas_product *const p = product;
    const int64_t first = call->tile * p->shape.width;
    const int64_t outputs = scalar_min(p->shape.width, p->shape.outputs - first);
    const int depth = (int)p->shape.depth;
    const float *const weight = p->weight + first * p->shape.depth;
    if (call->rows <= OPENBLAS_FEW) {
        multiply_few(&p->shape, call, weight, outputs);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)call->rows, (int)outputs, depth,
                    1.0f, call->x, depth, weight, depth, 0.0f, call->out, (int)p->shape.width);
    }
    return 0;
}

const library openblas_library = {.name = "OpenBLAS",
                                  .element = ASSAY_F32,
                                  .rows_most = 256,
                                  .grain = 32,
                                  .width_most = 512,
                                  .padded = padded,
                                  .scratch = scratch,
                                  .serves = serves,
                                  .open = open_product,
                                  .close = close_product,
                                  .bytes = bytes,
                                  .multiply = multiply};
