/* linear in f32: the weights are widened once, in prepare; dot products in eight lanes. */
#include "assay/plugin.h"

#include <stdlib.h>

enum { LANES = 8 };

/* What prepare hands to run and release. */
typedef struct packed {
    int64_t outputs, depth;
    float *weight; /* [outputs, depth] */
    float *bias;   /* [outputs], zeros when there is none */
} packed;

static assay_status supports(const assay_device *device, const assay_linear_params *params,
                             const assay_linear_io *io, assay_error *error)
{
    (void)device;
    (void)params;
    if (!assay_is_dense(&io->x) || !assay_is_dense(&io->y)) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "x and y must be dense");
    }
    return ASSAY_OK;
}

static void release(const assay_exec *exec, void *state)
{
    packed *const p = state;
    (void)exec;
    if (p != NULL) {
        free(p->weight);
        free(p->bias);
        free(p);
    }
}

static assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    const assay_tensor *const weight = &params->weight;
    const int64_t count = assay_count(weight);
    packed *const p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->outputs = weight->shape[0];
        p->depth = weight->shape[1];
        p->weight = malloc((size_t)count * sizeof *p->weight);
        p->bias = calloc((size_t)p->outputs, sizeof *p->bias);
    }
    if (p == NULL || p->weight == NULL || p->bias == NULL) {
        release(exec, p);
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for %lld packed weights",
                          (long long)count);
    }
    for (int64_t o = 0; o < p->outputs; o++) {
        for (int64_t k = 0; k < p->depth; k++) {
            p->weight[o * p->depth + k] = (float)assay_at2(weight, o, k);
        }
        p->bias[o] = assay_present(&params->bias) ? (float)assay_at1(&params->bias, o) : 0.0f;
    }
    *state = p;
    return ASSAY_OK;
}

static float dot(const float *a, const float *b, int64_t count)
{
    float lane[LANES] = {0};
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        for (int i = 0; i < LANES; i++) {
            lane[i] += a[k + i] * b[k + i];
        }
    }
    float sum = 0.0f;
    for (; k < count; k++) {
        sum += a[k] * b[k];
    }
    for (int i = 0; i < LANES; i++) {
        sum += lane[i];
    }
    return sum;
}

static assay_status run(const assay_exec *exec, const assay_linear_params *params,
                        const void *state, const assay_linear_io *io)
{
    const packed *const p = state;
    const float *const x = io->x.data;
    float *const y = io->y.data;
    (void)exec; /* unused where there is no OpenMP */
    (void)params;
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int64_t o = 0; o < p->outputs; o++) {
        for (int64_t n = 0; n < io->x.shape[0]; n++) {
            y[n * p->outputs + o] =
                dot(x + n * p->depth, p->weight + o * p->depth, p->depth) + p->bias[o];
        }
    }
    return ASSAY_OK;
}

static uint64_t bytes_read(const assay_linear_params *params, const void *state,
                           const assay_linear_io *io)
{
    const packed *const p = state;
    (void)params;
    (void)io;
    return (uint64_t)(p->outputs * (p->depth + 1)) * sizeof(float);
}

/* products and sums in f32 (24 significant bits), one product a step; activations f32 */
const assay_kernel linear_example = {
    ASSAY_KERNEL_HEAD(linear, "example", "openmp", "weights widened once, eight lanes"),
    .precision = {.storage = ASSAY_F32,
                  .multiply = ASSAY_F32,
                  .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},
                  .intermediate = ASSAY_F32,
                  .output = ASSAY_F32,
                  .order = ASSAY_ORDER_LANES},
    .run.linear = {.supports = supports,
                   .prepare = prepare,
                   .run = run,
                   .bytes_read = bytes_read},
    .release = release,
};
