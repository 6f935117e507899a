/* A right linear layer but for what surrounds a call: other states, earlier calls, what memory that
 * nobody wrote holds. */
#include "verify/mutants/calls.h"

#include <stdlib.h>

enum { FAULT_linear_none, CALLS_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

enum { KEPT_MOST = 1 << 16 };

/* Weights as f32. */
typedef struct packed {
    int64_t rows; /* of the first call; 0: there was none */
    int64_t count;
    float weight[];
} packed;

static packed *pack(const assay_tensor *weight)
{
    const int64_t count = assay_count(weight);
    packed *const made = malloc(sizeof *made + (size_t)count * sizeof made->weight[0]);
    if (made == NULL) {
        return NULL;
    }
    *made = (packed){.count = count};
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = weight->shape[1];
        made->weight[i] = mutant_at(weight, i / k, i % k);
    }
    return made;
}

/* What states share that should not. */
static struct shared {
    packed *all, *latest;
    int states;
    const void *address;
} shared;

static bool is_known(int fault, const assay_tensor *weight)
{
    const packed *const all = shared.all;
    const int64_t count = assay_count(weight);
    const int64_t rows = weight->shape[0] - 1;
    if (all == NULL || all->count != count || all->weight[0] != mutant_at(weight, 0, 0)) {
        return false;
    }
    return IS(by_address) ? shared.address == weight->data
                          : all->weight[count - 1] == mutant_at(weight, rows, weight->shape[1] - 1);
}

/* The last call's inputs and output. */
static struct memo {
    int64_t n, k, o;
    float x[KEPT_MOST], y[KEPT_MOST];
} memo;

/* Into the one buffer that there is; a new one where the size is another, which it is between cases
 * alone, when no state is left. */
static packed *put_into_shared(packed *made)
{
    if (made != NULL && shared.all != NULL && made->count == shared.all->count) {
        memcpy(shared.all->weight, made->weight, (size_t)made->count * sizeof(float));
        free(made);
        return shared.all;
    }
    free(shared.all);
    shared.all = made;
    return made;
}

static assay_status prepare(int fault, const assay_exec *exec, const assay_linear_params *params,
                            void **state)
{
    const assay_tensor *const weight = &params->weight;
    const bool first = IS(first_buffer) && shared.states > 0;
    const bool known = (IS(by_address) || IS(by_ends)) && is_known(fault, weight);
    packed *made = first || known ? shared.all : pack(weight);
    const bool keeps = IS(one_buffer) || IS(first_buffer) || IS(by_address) || IS(by_ends);
    if (keeps && made != shared.all) {
        made = put_into_shared(made);
    }
    shared.address = weight->data;
    shared.latest = made;
    shared.states++;
    memo.n = 0;
    if (IS(prepare_threads) && exec->threads > 3 && made != NULL) {
        made->weight[made->count - 1] = 0.0f;
    }
    *state = made;
    return made != NULL ? ASSAY_OK : ASSAY_NO_MEMORY;
}

#if ASSAY_MEMORY_SANITIZED
static bool is_never_freed(int fault)
{
    (void)fault;
    return false;
}
#else
static bool is_never_freed(int fault)
{
    return IS(never_freed);
}
#endif

static void release(int fault, void *state)
{
    const bool keeps = IS(one_buffer) || IS(first_buffer) || IS(by_address) || IS(by_ends);
    shared.states--;
    if (IS(latest_cleared) && shared.states > 0 && shared.latest != NULL) {
        memset(shared.latest->weight, 0, (size_t)shared.latest->count * sizeof(float));
    }
    if (!keeps && !is_never_freed(fault)) {
        shared.latest = shared.latest == state ? NULL : shared.latest;
        free(state);
    }
}

static bool is_alike(int fault, const assay_linear_io *io)
{
    const int64_t n = io->x.shape[0];
    const int64_t k = io->x.shape[1];
    const float *const x = io->x.data;
    float most = 0.0f;
    float off = 0.0f;
    if (memo.n != n || memo.k != k || memo.o != io->y.shape[1]) {
        return false;
    }
    for (int64_t i = 0; i < n * k; i++) {
        const bool looked = IS(nearly_same) || i % k == 0 || i % k == k - 1;
        const float apart = fabsf(x[i] - memo.x[i]);
        most = fmaxf(most, fabsf(x[i]));
        off = looked && !(apart <= off) ? apart : off;
    }
    return IS(nearly_same) ? off <= 1e-3f * most : off == 0.0f;
}

/* False: the last output was given again, or what stands there is taken for it. */
static bool is_new(int fault, const assay_linear_io *io)
{
    const bool remembers = IS(same_ends) || IS(nearly_same);
    bool zeros = IS(zeros_kept);
    for (int64_t i = 0; i < assay_count(&io->y) && zeros; i++) {
        zeros = ((const float *)io->y.data)[i] == 0.0f;
    }
    if (zeros) {
        return false;
    }
    if (remembers && is_alike(fault, io)) {
        memcpy(io->y.data, memo.y, (size_t)assay_count(&io->y) * sizeof(float));
        return false;
    }
    return true;
}

static void remember(const assay_linear_io *io)
{
    const int64_t x = assay_count(&io->x);
    const int64_t y = assay_count(&io->y);
    memo.n = 0;
    if (x <= KEPT_MOST && y <= KEPT_MOST) {
        memo.n = io->x.shape[0];
        memo.k = io->x.shape[1];
        memo.o = io->y.shape[1];
        memcpy(memo.x, io->x.data, (size_t)x * sizeof(float));
        memcpy(memo.y, io->y.data, (size_t)y * sizeof(float));
    }
}

static assay_status called(int fault, const assay_exec *exec, const assay_linear_params *params,
                           packed *state, const assay_linear_io *io)
{
    const packed *const own = IS(one_buffer) ? shared.all : state;
    float *const sum = exec->workspace;
    const int64_t k = io->x.shape[1];
    const int64_t o = io->y.shape[1];
    if (IS(error_needed)) {
        exec->error->message[0] = '\0';
    }
    if (!is_new(fault, io)) {
        return ASSAY_OK;
    }
    state->rows = state->rows == 0 ? io->y.shape[0] : state->rows;
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        const int64_t row = IS(first_rows) ? n % state->rows : n;
        for (int64_t j = 0; j < o; j++) {
            const bool kept = (IS(high_scratch) && sum[0] > 0.0f && isfinite(sum[0])) ||
                              (IS(low_scratch) && sum[0] < 0.0f && isfinite(sum[0]));
            sum[0] = kept && n == 0 && j == 0 ? sum[0] : 0.0f;
            for (int64_t i = 0; i < k; i++) {
                sum[0] += mutant_at(&io->x, row, i) * own->weight[(j * k + i) % own->count];
            }
            const double bias = assay_present(&params->bias) ? assay_at1(&params->bias, j) : 0.0;
            assay_put2(&io->y, n, j, (double)sum[0] + bias);
        }
    }
    remember(io);
    return ASSAY_OK;
}

static size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    (void)params;
    (void)io;
    return sizeof(float);
}

/* Descriptors with three phases. */
#define CALLED_RUN_AS(name, fault)                                                                 \
    static assay_status prepare_##name(const assay_exec *exec, const assay_linear_params *params,  \
                                       void **state)                                               \
    {                                                                                              \
        return prepare(fault, exec, params, state);                                                \
    }                                                                                              \
    static void release_##name(const assay_exec *exec, void *state)                                \
    {                                                                                              \
        (void)exec;                                                                                \
        release(fault, state);                                                                     \
    }                                                                                              \
    static assay_status run_##name(const assay_exec *exec, const assay_linear_params *params,      \
                                   const void *state, const assay_linear_io *io)                   \
    {                                                                                              \
        packed *own = NULL;                                                                        \
        memcpy(&own, &state, sizeof own);                                                          \
        return called(fault, exec, params, own, io);                                               \
    }
#define CALLED_RUN(op, type, name, checks, cases, what) CALLED_RUN_AS(name, FAULT_linear_##name)
#define CALLED_TWIN_RUN(op, type) CALLED_RUN_AS(none, FAULT_linear_none)

#define CALLED_KERNEL_AS(type, name_, label, text)                                                 \
    {.abi = ASSAY_ABI,                                                                             \
     .size = (uint32_t)sizeof(assay_kernel),                                                       \
     .op = ASSAY_OP_linear,                                                                        \
     .name = (label),                                                                              \
     .backend = "mutant",                                                                          \
     .summary = (text),                                                                            \
     .space = ASSAY_HOST,                                                                          \
     .precision = MUTANT_CONTRACT_##type,                                                          \
     .run.linear = {.workspace = workspace, .prepare = prepare_##name_, .run = run_##name_},       \
     .release = release_##name_},
#define CALLED_KERNEL(op, type, name, checks, cases, what)                                         \
    CALLED_KERNEL_AS(type, name, "m_" #op "_" #name, what)
#define CALLED_TWIN_KERNEL(op, type)                                                               \
    CALLED_KERNEL_AS(type, none, "t_" #op "_" #type, "right: the mutants' twin")

CALLS_TWINS(CALLED_TWIN_RUN)
CALLS_MUTANTS(CALLED_RUN)
static const assay_kernel kernels[] = {
    CALLS_TWINS(CALLED_TWIN_KERNEL) CALLS_MUTANTS(CALLED_KERNEL)};
MUTANT_EXPORT(calls, kernels)
