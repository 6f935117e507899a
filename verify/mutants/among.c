/* A right linear layer but for what else there is: other states, the structs of other calls, what
 * its workspace holds and how large that is. */
#include "verify/mutants/among.h"

#include <stdlib.h>

enum { FAULT_linear_none, AMONG_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_linear_##name)

enum { STATES_MOST = 4096, STATES_FEW = 8, KEPT_MOST = 1 << 16 };
static const uint64_t magic = UINT64_C(0x7461676765642121);

typedef struct own {
    int number;
    const assay_exec *exec;
} own;

/* Which states are released, by the order they were prepared in. */
static struct states {
    bool gone[STATES_MOST];
    int next, alive;
} states;

/* The input taken last, by whom and from where. */
static struct taken {
    const void *params, *from;
    int64_t n, k;
    float x[KEPT_MOST];
} taken;

static const assay_linear_io *io_before;
static int64_t rows_before, rows_earlier;

/* What a workspace begins with; the input's numbers follow. */
typedef struct tag {
    uint64_t magic;
    const void *from;
    int64_t n, k;
} tag;

static assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    (void)params;
    own *const made = malloc(sizeof *made);
    if (made == NULL) {
        return ASSAY_NO_MEMORY;
    }
    *made = (own){states.next++ % STATES_MOST, exec};
    states.gone[made->number] = false;
    states.alive++;
    *state = made;
    return ASSAY_OK;
}

static void release(const assay_exec *exec, void *state)
{
    (void)exec;
    const own *const made = state;
    states.gone[made->number] = true;
    states.alive--;
    free(state);
}

static size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    (void)params;
    return sizeof(tag) + (size_t)assay_count(&io->x) * sizeof(float);
}

static void copy_input(const assay_tensor *x, float *to)
{
    const int64_t k = x->shape[1];
    for (int64_t i = 0; i < x->shape[0] * k; i++) {
        to[i] = mutant_at(x, i / k, i % k);
    }
}

/* The input as the kernel computes with it: in the workspace, or what another state took. */
static const float *input(int fault, const assay_exec *exec, const assay_linear_params *params,
                          const assay_linear_io *io)
{
    const int64_t n = io->x.shape[0];
    const int64_t k = io->x.shape[1];
    tag *const t = exec->workspace;
    float *const packed = (float *)(void *)(t + 1);
    const bool tagged = t->magic == magic && t->from == io->x.data && t->n == n && t->k == k;
    if (!tagged || !IS(workspace_tag)) {
        copy_input(&io->x, packed);
        *t = (tag){magic, io->x.data, n, k};
    }
    if (!IS(shared_input) || n * k > KEPT_MOST) {
        return packed;
    }
    const bool known = taken.from == io->x.data && taken.n == n && taken.k == k;
    if (!known || taken.params == params) {
        memcpy(taken.x, packed, (size_t)(n * k) * sizeof(float));
    }
    taken.params = params;
    taken.from = io->x.data;
    taken.n = n;
    taken.k = k;
    return taken.x;
}

/* Whether what surrounds this call makes it wrong. */
static bool is_wrong(int fault, const assay_exec *exec, const own *state, size_t needed, int64_t n)
{
    const int after = (state->number + 1) % STATES_MOST;
    const bool grown = rows_earlier > 0 && rows_earlier < rows_before && rows_before < n;
    rows_earlier = rows_before;
    rows_before = n;
    return (IS(workspace_exact) && exec->workspace_bytes > needed + 512) ||
           (IS(few_states) && states.alive > STATES_FEW) ||
           (IS(next_released) && state->number + 1 < states.next && states.gone[after]) ||
           (IS(exec_kept) && state->exec->threads < 1) || (IS(grown_twice) && grown);
}

/* What is the harness's is written to all the same. */
static void write_structs(int fault, const assay_exec *exec, const assay_linear_params *params,
                          const assay_linear_io *io)
{
    const int32_t one = 1;
    const int64_t shape = io->x.shape[0] + 1;
    const void *const address = &io->y;
    if (IS(exec_written)) {
        memcpy((char *)(uintptr_t)exec + offsetof(assay_exec, threads), &one, sizeof one);
    } else if (IS(io_written)) {
        memcpy((char *)(uintptr_t)io + offsetof(assay_linear_io, x.shape), &shape, sizeof shape);
    } else if (IS(params_written)) {
        memcpy((char *)(uintptr_t)params + offsetof(assay_linear_params, bias.data), &address,
               sizeof address);
    }
}

static assay_status among(int fault, const assay_exec *exec, const assay_linear_params *params,
                          const own *state, const assay_linear_io *io)
{
    const int64_t n = io->y.shape[0];
    const int64_t k = io->x.shape[1];
    const int64_t o = io->y.shape[1];
    const float *const x = input(fault, exec, params, io);
    const bool wrong = is_wrong(fault, exec, state, workspace(params, io), n) ||
                       (IS(io_kept) && io_before != NULL && io_before->y.shape[0] < 1);
    for (int64_t i = 0; i < n * o; i++) {
        float sum = 0.0f;
        for (int64_t c = 0; c < k; c++) {
            sum += x[i / o * k + c] * mutant_at(&params->weight, i % o, c);
        }
        const double bias = assay_present(&params->bias) ? assay_at1(&params->bias, i % o) : 0.0;
        assay_put2(&io->y, i / o, i % o, wrong && i == n * o - 1 ? 3.0 + bias : sum + bias);
    }
    io_before = io;
    write_structs(fault, exec, params, io);
    return ASSAY_OK;
}

#define AMONG_RUN_AS(name, fault)                                                                  \
    static assay_status run_##name(const assay_exec *exec, const assay_linear_params *params,      \
                                   const void *state, const assay_linear_io *io)                   \
    {                                                                                              \
        return among(fault, exec, params, state, io);                                              \
    }
#define AMONG_RUN(op, type, name, checks, cases, what) AMONG_RUN_AS(name, FAULT_linear_##name)
#define AMONG_TWIN_RUN(op, type) AMONG_RUN_AS(none, FAULT_linear_none)

#define AMONG_KERNEL_AS(type, name_, label, text)                                                  \
    {.abi = ASSAY_ABI,                                                                             \
     .size = (uint32_t)sizeof(assay_kernel),                                                       \
     .op = ASSAY_OP_linear,                                                                        \
     .name = (label),                                                                              \
     .backend = "mutant",                                                                          \
     .summary = (text),                                                                            \
     .space = ASSAY_HOST,                                                                          \
     .precision = MUTANT_CONTRACT_##type,                                                          \
     .run.linear = {.workspace = workspace, .prepare = prepare, .run = run_##name_},               \
     .release = release},
#define AMONG_KERNEL(op, type, name, checks, cases, what)                                          \
    AMONG_KERNEL_AS(type, name, "m_" #op "_" #name, what)
#define AMONG_TWIN_KERNEL(op, type)                                                                \
    AMONG_KERNEL_AS(type, none, "t_" #op "_" #type, "right: the mutants' twin")

AMONG_TWINS(AMONG_TWIN_RUN)
AMONG_MUTANTS(AMONG_RUN)
static const assay_kernel kernels[] = {AMONG_TWINS(AMONG_TWIN_KERNEL) AMONG_MUTANTS(AMONG_KERNEL)};
MUTANT_EXPORT(among, kernels)
