/* The oracle with every op's output disturbed by the error a given contract allows it. */
#include <math.h>
#include <stdlib.h>

#include "verify/chain.h"

/* A standard normal deviate and a uniform one in (-1, 1) from one counter block (Box-Muller). */
static void deviates(uint64_t seed, uint64_t stream, uint64_t index, double *normal,
                     double *uniform)
{
    const assay_philox_block block = assay_philox(seed, stream, index);
    const double u = ((double)block.word[0] + 0.5) * 0x1p-32;
    const double v = ((double)block.word[1] + 0.5) * 0x1p-32;
    *normal = sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
    *uniform = ((double)block.word[2] + 0.5) * 0x1p-31 - 1.0;
}

void assay_chain_record_free(assay_chain_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        free(record->call[i].bound);
    }
    free(record->call);
    memset(record, 0, sizeof *record);
}

/* Adds the recorded error of this call to y. */
static assay_status disturb(assay_perturbation *perturbation, const assay_tensor *y,
                            assay_error *error)
{
    const uint64_t stream = perturbation->calls;
    const uint64_t seed = perturbation->seed;
    const int64_t count = assay_count(y);
    double *const value = y->data;
    if (stream >= perturbation->record->count ||
        perturbation->record->call[stream].count != count) {
        return assay_fail(error, ASSAY_INTERNAL,
                          "a chain took another path than when its errors were recorded");
    }
    const float *const bound = perturbation->record->call[stream].bound;
    const float *const sigma = perturbation->record->call[stream].sigma;
#pragma omp parallel for if (count > 4096)
    for (int64_t i = 0; i < count; i++) {
        double normal = 0.0;
        double uniform = 0.0;
        if (bound[i] > 0.0f || sigma[i] > 0.0f) {
            deviates(seed, stream, (uint64_t)i, &normal, &uniform);
            value[i] += uniform * (double)bound[i] + normal * (double)sigma[i];
        }
    }
    return ASSAY_OK;
}

/* A new record for an output of this many elements; NULL when memory is out. */
static struct assay_recorded_error *new_record(assay_chain_record *record, int64_t count)
{
    if (record->count == record->capacity) {
        const size_t capacity = record->capacity == 0 ? 64 : record->capacity * 2;
        struct assay_recorded_error *const grown =
            realloc(record->call, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        record->call = grown;
        record->capacity = capacity;
    }
    float *const memory = malloc((2 * (size_t)count + 1) * sizeof *memory);
    if (memory == NULL) {
        return NULL;
    }
    struct assay_recorded_error *const call = &record->call[record->count++];
    *call = (struct assay_recorded_error){count, memory, memory + count};
    return call;
}

/* Keeps a model; what may overflow (an infinite bound) is kept as no error: that element's scale is
 * then its row's. */
static assay_status keep(assay_perturbation *perturbation, const assay_error_model *model,
                         assay_error *error)
{
    const int64_t count = assay_count(&model->bound);
    const double *const bound = model->bound.data;
    const double *const sigma = model->sigma.data;
    struct assay_recorded_error *const call = new_record(perturbation->record, count);
    if (call == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain's errors");
    }
    for (int64_t i = 0; i < count; i++) {
        call->bound[i] = isfinite(bound[i]) ? (float)bound[i] : 0.0f;
        call->sigma[i] = isfinite(sigma[i]) ? (float)sigma[i] : 0.0f;
    }
    return ASSAY_OK;
}

/* Zeroed models for y; the caller frees bound.data and sigma.data. */
static assay_status model_for(const assay_tensor *y, assay_error_model *model, assay_error *error)
{
    model->bound = assay_dense(NULL, ASSAY_F64, y->rank, y->shape);
    model->sigma = model->bound;
    const size_t count = (size_t)assay_count(y);
    model->bound.data = calloc(count + 1, sizeof(double));
    model->sigma.data = calloc(count + 1, sizeof(double));
    if (model->bound.data == NULL || model->sigma.data == NULL) {
        free(model->bound.data);
        free(model->sigma.data);
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for an error model");
    }
    return ASSAY_OK;
}

#define PERTURBED(step)                                                                            \
    static assay_status perturbed_##step(const assay_exec *exec,                                   \
                                         const assay_##step##_params *params, const void *state,   \
                                         const assay_##step##_io *io)                              \
    {                                                                                              \
        (void)state;                                                                               \
        assay_perturbation *const perturbation = exec->harness;                                    \
        const assay_kernel *const like = perturbation->contracts->kernel[ASSAY_OP_##step];         \
        assay_error_model model;                                                                   \
        assay_status status = ASSAY_OK;                                                            \
        if (like == NULL) {                                                                        \
            return assay_fail(exec->error, ASSAY_UNSUPPORTED, "%s has no %s",                      \
                              perturbation->contracts->name, #step);                               \
        }                                                                                          \
        if (perturbation->recording) {                                                             \
            status = model_for(&io->y, &model, exec->error);                                       \
            if (status != ASSAY_OK) {                                                              \
                return status;                                                                     \
            }                                                                                      \
            status = assay_ref_##step(params, io, NULL, &like->precision, &model, exec->error);    \
            if (status == ASSAY_OK) {                                                              \
                status = keep(perturbation, &model, exec->error);                                  \
            }                                                                                      \
            free(model.bound.data);                                                                \
            free(model.sigma.data);                                                                \
        } else {                                                                                   \
            status = assay_ref_##step(params, io, NULL, NULL, NULL, exec->error);                  \
            if (status == ASSAY_OK) {                                                              \
                status = disturb(perturbation, &io->y, exec->error);                               \
            }                                                                                      \
        }                                                                                          \
        perturbation->calls++;                                                                     \
        return status;                                                                             \
    }                                                                                              \
    static const assay_kernel kernel_##step = {                                                    \
        .abi = ASSAY_ABI,                                                                          \
        .size = sizeof(assay_kernel),                                                              \
        .op = ASSAY_OP_##step,                                                                     \
        .name = "perturbed",                                                                       \
        .backend = "oracle",                                                                       \
        .summary = "the oracle, disturbed by a contract's own error",                              \
        .precision = {.multiply = ASSAY_F64,                                                       \
                      .accumulate = {.bits = 53, .block = 1},                                      \
                      .intermediate = ASSAY_F64,                                                   \
                      .output = ASSAY_F64,                                                         \
                      .angle = ASSAY_F64,                                                          \
                      .order = ASSAY_ORDER_SEQUENTIAL},                                            \
        .run = {.step = {.run = perturbed_##step}},                                                \
    };

PERTURBED(embed)
PERTURBED(add)
PERTURBED(rmsnorm)
PERTURBED(linear)
PERTURBED(rope)
PERTURBED(attention)
PERTURBED(swiglu)
PERTURBED(sae_decode)
PERTURBED(sae_steer)
PERTURBED(adapter)

/* Sampling is discrete: it is the oracle's, on disturbed logits. */
static assay_status sample_run(const assay_exec *exec, const assay_sample_params *params,
                               const void *state, const assay_sample_io *io)
{
    return assay_oracle.kernel[ASSAY_OP_sample]->run.sample.run(exec, params, state, io);
}

static const assay_kernel kernel_sample = {
    .abi = ASSAY_ABI,
    .size = sizeof(assay_kernel),
    .op = ASSAY_OP_sample,
    .name = "perturbed",
    .backend = "oracle",
    .summary = "the oracle's sampling",
    .precision = {.multiply = ASSAY_F64,
                  .accumulate = {.bits = 53, .block = 1},
                  .intermediate = ASSAY_F64,
                  .output = ASSAY_F64},
    .run = {.sample = {.run = sample_run}},
};

const assay_table assay_perturbed_oracle = {
    .name = "perturbed",
    .kernel = {[ASSAY_OP_embed] = &kernel_embed,
               [ASSAY_OP_add] = &kernel_add,
               [ASSAY_OP_rmsnorm] = &kernel_rmsnorm,
               [ASSAY_OP_linear] = &kernel_linear,
               [ASSAY_OP_rope] = &kernel_rope,
               [ASSAY_OP_attention] = &kernel_attention,
               [ASSAY_OP_swiglu] = &kernel_swiglu,
               [ASSAY_OP_sae_decode] = &kernel_sae_decode,
               [ASSAY_OP_sae_steer] = &kernel_sae_steer,
               [ASSAY_OP_adapter] = &kernel_adapter,
               [ASSAY_OP_sample] = &kernel_sample},
};
