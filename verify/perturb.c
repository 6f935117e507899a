/* The oracle with every op's output disturbed by the error a given contract allows it. */
#include <omp.h>
#include <stdlib.h>

#include "ref/wide.h"
#include "verify/chain.h"
#include "verify/deviates.h"

/* Threads cost some 10 us to wake: below this many elements one thread is faster. */
enum { WORTH_THREADS = 1 << 16 };

/* One op call: y's rows are those of all replicas, the exact one's first. */
typedef struct perturbed_call {
    int64_t share, columns; /* rows of a replica */
    int64_t computed;       /* of them; all, or those that are still wanted */
    const int64_t *wanted;  /* [computed] or NULL */
    assay_subset exact, rest;
    assay_tensor exact_y, rest_y; /* parts of y, or of memory where some rows are left out */
    assay_error_model model;      /* [computed, columns] */
    double *memory;
} perturbed_call;

/* index: rows of all replicas that are computed. */
static assay_status number_rows(assay_perturbation *perturbation, const perturbed_call *call,
                                assay_error *error)
{
    const int64_t rows = call->computed * perturbation->replicas;
    if (rows > perturbation->index_count) {
        int64_t *const grown = realloc(perturbation->index, (size_t)rows * sizeof *grown);
        if (grown == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld rows",
                              (long long)rows);
        }
        perturbation->index = grown;
        perturbation->index_count = rows;
    }
    for (int64_t i = 0; i < rows; i++) {
        const int64_t row = i % call->computed;
        perturbation->index[i] = i / call->computed * call->share +
                                 (call->wanted != NULL ? call->wanted[row] : row);
    }
    return ASSAY_OK;
}

/* Zeroed models and the two parts of y; the caller frees call->memory. */
static assay_status begin(assay_perturbation *perturbation, assay_op op, const assay_tensor *y,
                          perturbed_call *call, assay_error *error)
{
    const int64_t rows = y->shape[0];
    const int64_t share = rows / perturbation->replicas;
    perturbation->few = perturbation->few || (op == ASSAY_OP_attention &&
                                              perturbation->wanted != NULL);
    *call = (perturbed_call){.share = share,
                             .columns = y->shape[1],
                             .computed = perturbation->few ? perturbation->wanted_count : share,
                             .wanted = perturbation->few ? perturbation->wanted : NULL};
    omp_set_num_threads(perturbation->threads +
                        (perturbation->idle != NULL ? *perturbation->idle : 0));
    if (y->dtype != ASSAY_F64 || y->rank != 2 || !assay_is_dense(y) ||
        share * perturbation->replicas != rows) {
        return assay_fail(error, ASSAY_INTERNAL,
                          "a chain's op has %lld rows, not the same for each of %lld replicas",
                          (long long)rows, (long long)perturbation->replicas);
    }
    const assay_status status = number_rows(perturbation, call, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t own = call->computed;
    const int64_t others = own * (perturbation->replicas - 1);
    const int64_t size = own * call->columns;
    const int64_t apart = call->wanted != NULL ? size * perturbation->replicas : 0;
    call->memory = calloc((size_t)(2 * size + apart) + 1, sizeof *call->memory);
    if (call->memory == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for an error model");
    }
    double *const exact = call->wanted != NULL ? call->memory + 2 * size : y->data;
    call->exact = (assay_subset){.rows = perturbation->index, .row_count = own};
    call->rest = (assay_subset){.rows = perturbation->index + own, .row_count = others};
    call->exact_y = assay_matrix(exact, ASSAY_F64, own, call->columns);
    call->rest_y = assay_matrix(exact + size, ASSAY_F64, others, call->columns);
    call->model.bound = assay_matrix(call->memory, ASSAY_F64, own, call->columns);
    call->model.quick = true;
    call->model.sigma = assay_matrix(call->memory + size, ASSAY_F64, own, call->columns);
    return ASSAY_OK;
}

/* What was computed apart goes to its rows of y. */
static void finish(const assay_perturbation *perturbation, const perturbed_call *call,
                   const assay_tensor *y)
{
    const size_t row = (size_t)call->columns;
    const double *const from = call->exact_y.data;
    const int64_t rows = call->wanted != NULL ? call->computed * perturbation->replicas : 0;
    for (int64_t i = 0; i < rows; i++) {
        memcpy((double *)y->data + (size_t)perturbation->index[i] * row, from + (size_t)i * row,
               row * sizeof *from);
    }
}

REF_CLONES static void draw_bits(uint64_t seed, uint64_t stream, int64_t first, int64_t blocks,
                                 uint16_t *bits)
{
    for (int64_t b = 0; b < blocks; b++) {
        assay_deviate_bits(seed, stream, (uint64_t)(first + b), bits + b * ASSAY_DEVIATES);
    }
}

REF_CLONES static void add_deviates(const uint16_t *bits, const double *reach, int64_t count,
                                    double *y)
{
    for (int64_t i = 0; i < count; i++) {
        y[i] += assay_deviate(bits[i]) * reach[i];
    }
}

/* Adds deviates to y, elements first .. first+count-1 of a replica. */
static void disturb_stretch(const double *reach, int64_t first, int64_t count, uint64_t seed,
                            uint64_t stream, double *y)
{
    enum { BLOCKS = 64 };
    uint16_t bits[BLOCKS * ASSAY_DEVIATES];
    int64_t done = 0;
    while (done < count) {
        const int64_t block = (first + done) / ASSAY_DEVIATES;
        const int64_t skipped = first + done - block * ASSAY_DEVIATES;
        const int64_t wanted = skipped + count - done;
        const int64_t now = wanted < BLOCKS * ASSAY_DEVIATES ? wanted : BLOCKS * ASSAY_DEVIATES;
        draw_bits(seed, stream, block, (now + ASSAY_DEVIATES - 1) / ASSAY_DEVIATES, bits);
        add_deviates(bits + skipped, reach + done, now - skipped, y + done);
        done += now - skipped;
    }
}

/* Disturbs every replica but the exact one by the exact one's model. An element's deviate is that
 * of its place among all of its replica's, whichever of them are computed. */
static void disturb(const assay_perturbation *perturbation, const perturbed_call *call)
{
    enum { STRETCH = 4096 };
    const int64_t count = call->computed * call->columns;
    const int64_t others = perturbation->replicas - 1;
    const int64_t length = call->wanted != NULL ? call->columns : STRETCH;
    const int64_t stretches = (count + length - 1) / length;
    const double *const bound = call->model.bound.data;
    const double *const sigma = call->model.sigma.data;
    double *const reach = call->memory; /* takes the place of bound */
    bool any = false;
    for (int64_t i = 0; i < count; i++) {
        reach[i] = assay_deviate_reach(bound[i], sigma[i]);
        any = any || reach[i] > 0.0;
    }
    if (!any) {
        return;
    }
#pragma omp parallel for collapse(2) if (count * others > WORTH_THREADS)
    for (int64_t r = 0; r < others; r++) {
        for (int64_t s = 0; s < stretches; s++) {
            const uint64_t replica = perturbation->first + (uint64_t)r;
            const int64_t at = s * length;
            disturb_stretch(reach + at, call->wanted != NULL ? call->wanted[s] * length : at,
                            count - at < length ? count - at : length, perturbation->seed,
                            replica << 32 | perturbation->calls,
                            (double *)call->rest_y.data + r * count + at);
        }
    }
}

static const assay_precision *contract_of(const assay_perturbation *perturbation, assay_op op,
                                          assay_error *error)
{
    const assay_kernel *const like = perturbation->contracts->kernel[op];
    if (like == NULL) {
        (void)assay_fail(error, ASSAY_UNSUPPORTED, "%s has no %s", perturbation->contracts->name,
                         assay_op_name(op));
        return NULL;
    }
    return &like->precision;
}

static bool is_given(const assay_perturbation *perturbation, const assay_tensor *tensor)
{
    bool given = false;
    for (size_t i = 0; i < sizeof perturbation->given / sizeof perturbation->given[0]; i++) {
        given = given || tensor->data == perturbation->given[i];
    }
    return given;
}

/* Rows that an embed copies from activations are exact. */
static void forgive_copies(const assay_perturbation *perturbation,
                           const assay_embed_params *params, const assay_embed_io *io,
                           const perturbed_call *call)
{
    double *const bound = call->model.bound.data;
    const size_t row = (size_t)call->columns * sizeof *bound;
    if (!is_given(perturbation, &params->table)) {
        memset(bound, 0, (size_t)call->share * row);
    }
    if (!assay_present(&io->soft) || is_given(perturbation, &io->soft)) {
        return;
    }
    for (int64_t s = 0; s < io->soft_at.shape[0]; s++) {
        const int64_t n = (int64_t)assay_at1(&io->soft_at, s);
        if (n < call->share) {
            memset(bound + n * call->columns, 0, row);
        }
    }
}

#define PERTURBED_FORGIVING(step, forgive)                                                         \
    static assay_status perturbed_##step(const assay_exec *exec,                                   \
                                         const assay_##step##_params *params, const void *state,   \
                                         const assay_##step##_io *io)                              \
    {                                                                                              \
        (void)state;                                                                               \
        assay_perturbation *const perturbation = exec->harness;                                    \
        assay_##step##_io part = *io;                                                              \
        perturbed_call call;                                                                       \
        const assay_precision *const contract =                                                    \
            contract_of(perturbation, ASSAY_OP_##step, exec->error);                               \
        if (contract == NULL) {                                                                    \
            return ASSAY_UNSUPPORTED;                                                              \
        }                                                                                          \
        assay_status status = begin(perturbation, ASSAY_OP_##step, &io->y, &call, exec->error);    \
        if (status == ASSAY_OK) {                                                                  \
            part.y = call.exact_y;                                                                 \
            status = assay_ref_##step(params, &part, &call.exact, contract,                        \
                                      call.rest.row_count > 0 ? &call.model : NULL, exec->error);  \
        }                                                                                          \
        if (status == ASSAY_OK && call.rest.row_count > 0) {                                       \
            part.y = call.rest_y;                                                                  \
            status = assay_ref_##step(params, &part, &call.rest, contract, NULL, exec->error);     \
        }                                                                                          \
        if (status == ASSAY_OK) {                                                                  \
            forgive;                                                                               \
            disturb(perturbation, &call);                                                          \
            finish(perturbation, &call, &io->y);                                                   \
        }                                                                                          \
        free(call.memory);                                                                         \
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
#define PERTURBED(step) PERTURBED_FORGIVING(step, (void)0)

PERTURBED_FORGIVING(embed, forgive_copies(perturbation, params, io, &call))
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
