/* Slowdowns of a known size: the scalar linear layer, made slower on purpose, as a plug-in for
 * `assay selftest gate`. Every kernel reads the clock around the work, so that they differ in
 * nothing but what is planted, and does the work in two calls, the second of no outputs:
 *   plain          the work, and nothing else
 *   delay_P        then waits P percent of the time the work took
 *   extra_P        does the first P percent of the outputs again in the second call (of 100
 *                  outputs, whole ones); what two calls cost themselves makes that a little less of
 *                  the time: 2.9 for 3 */
#include <time.h>

#include "assay/plugin.h"
#include "kernels/list.h"

typedef enum planted_kind {
    PLANTED_NONE,
    PLANTED_DELAY,
    PLANTED_EXTRA
} planted_kind;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static assay_status again(const assay_exec *exec, const assay_linear_params *params,
                          const assay_linear_io *io, int64_t percent)
{
    assay_linear_params weights = *params;
    assay_linear_io part = *io;
    weights.weight.shape[0] = part.y.shape[1] = io->y.shape[1] * percent / 100;
    if (assay_present(&weights.bias)) {
        weights.bias.shape[0] = part.y.shape[1];
    }
    return assay_linear_scalar.run.linear.run(exec, &weights, NULL, &part);
}

static assay_status slowed(planted_kind kind, int64_t percent, const assay_exec *exec,
                           const assay_linear_params *params, const assay_linear_io *io)
{
    const double start = now();
    assay_status status = assay_linear_scalar.run.linear.run(exec, params, NULL, io);
    if (status == ASSAY_OK) {
        status = again(exec, params, io, kind == PLANTED_EXTRA ? percent : 0);
    }
    const double took = now() - start;
    const double until =
        start + took * (kind == PLANTED_DELAY ? 1.0 + 0.01 * (double)percent : 1.0);
    while (now() < until) {
    }
    return status;
}

static size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    return assay_linear_scalar.run.linear.workspace(params, io);
}

#define PLANTED(X)                                                                                 \
    X(plain, NONE, 0)                                                                              \
    X(delay_1, DELAY, 1)                                                                           \
    X(delay_2, DELAY, 2)                                                                           \
    X(delay_3, DELAY, 3)                                                                           \
    X(delay_5, DELAY, 5)                                                                           \
    X(delay_10, DELAY, 10)                                                                         \
    X(delay_100, DELAY, 100)                                                                       \
    X(extra_1, EXTRA, 1)                                                                           \
    X(extra_2, EXTRA, 2)                                                                           \
    X(extra_3, EXTRA, 3)                                                                           \
    X(extra_5, EXTRA, 5)                                                                           \
    X(extra_10, EXTRA, 10)                                                                         \
    X(extra_100, EXTRA, 100)

#define PLANTED_RUN(name_, kind, percent)                                                          \
    static assay_status run_##name_(const assay_exec *exec, const assay_linear_params *params,     \
                                    const void *state, const assay_linear_io *io)                  \
    {                                                                                              \
        (void)state;                                                                               \
        return slowed(PLANTED_##kind, percent, exec, params, io);                                  \
    }
PLANTED(PLANTED_RUN)

#define PLANTED_KERNEL(name_, kind, percent)                                                       \
    {ASSAY_KERNEL_HEAD(linear, #name_, "planted", "a slowdown of " #percent "%, planted"),         \
     .precision = {.multiply = ASSAY_F32,                                                          \
                   .accumulate = {.bits = 24, .block = 1},                                         \
                   .order = ASSAY_ORDER_LANES,                                                     \
                   .intermediate = ASSAY_F32,                                                      \
                   .output = ASSAY_F32},                                                           \
     .run.linear = {.workspace = workspace, .run = run_##name_}},
static const assay_kernel kernels[] = {PLANTED(PLANTED_KERNEL)};

enum { COUNT = sizeof kernels / sizeof *kernels };

ASSAY_PLUGIN_EXPORT assay_plugin_kernels_fn assay_plugin_kernels;

const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const assay_kernel *exported[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        exported[i] = &kernels[i];
    }
    *count = COUNT;
    return exported;
}
