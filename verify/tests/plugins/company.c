/* A plug-in of additions that are right where it is easy, and wrong over an input, at another
 * number of threads, or in what they leave of the processor's modes; and of products that are taken
 * in one order or another. */
#include <fenv.h>
#include <math.h>
#include <omp.h>

#include "verify/tests/plugins/add.h"

static bool flush_in(bool main_too)
{
#if defined(__x86_64__)
#pragma omp parallel num_threads(2)
    if (main_too || omp_get_thread_num() == 1) {
        __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u);
    }
    return true;
#else
    return !main_too && main_too;
#endif
}

/* WRONG is true where the first element is to be wrong; it may do other things first. */
#define COMPANY(its_name, wrong)                                                                   \
    static assay_status run_##its_name(const assay_exec *exec, const assay_add_params *params,     \
                                       const void *state, const assay_add_io *io)                  \
    {                                                                                              \
        (void)exec;                                                                                \
        (void)params;                                                                              \
        (void)state;                                                                               \
        const bool is_wrong = (wrong);                                                             \
        add_all(io);                                                                               \
        if (is_wrong) {                                                                            \
            ((float *)io->y.data)[0] += 1024.0f;                                                   \
        }                                                                                          \
        return ASSAY_OK;                                                                           \
    }                                                                                              \
    static const assay_kernel kernel_##its_name = {                                                \
        .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_add, .name = #its_name,     \
        .backend = "company", .summary = #its_name, .space = ASSAY_HOST,                           \
        .precision = ADD_PRECISION,                                                                \
        .run.add = {.run = run_##its_name}};

COMPANY(right, false)
COMPANY(over_a, io->y.data == io->a.data)
COMPANY(over_b, io->y.data == io->b.data)
COMPANY(one_thread, exec->threads == 1)
COMPANY(two_threads, exec->threads == 2)
COMPANY(three_threads, exec->threads == 3)
COMPANY(eight_threads, exec->threads == 8)
COMPANY(rounds, fesetround(FE_DOWNWARD) != 0)
COMPANY(flushes, !flush_in(true))
COMPANY(flushes_beside, !flush_in(false))

/* Says that it cannot be called in place. */
static assay_status picky(const assay_device *device, const assay_add_params *params,
                          const assay_add_io *io, assay_error *error)
{
    (void)device;
    (void)params;
    return io->y.data == io->a.data || io->y.data == io->b.data
               ? assay_fail(error, ASSAY_UNSUPPORTED, "not in place")
               : ASSAY_OK;
}

static const assay_kernel kernel_refuses = {
    .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_add, .name = "refuses",
    .backend = "company", .summary = "refuses to run in place", .space = ASSAY_HOST,
    .precision = ADD_PRECISION,
    .run.add = {.supports = picky, .run = run_right}};

/* Products in f32, from the first term on or from the last one back. */
static void multiply(const assay_linear_params *params, const assay_linear_io *io, bool back)
{
    const int64_t terms = io->x.shape[1];
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t o = 0; o < io->y.shape[1]; o++) {
            float sum = 0.0f;
            for (int64_t i = 0; i < terms; i++) {
                const int64_t k = back ? terms - 1 - i : i;
                sum += (float)assay_at2(&io->x, n, k) * (float)assay_at2(&params->weight, o, k);
            }
            assay_put2(&io->y, n, o, sum);
        }
    }
}

/* Four calls of five are alike, so a second run may well be the same as the first. */
static assay_status run_wavers(const assay_exec *exec, const assay_linear_params *params,
                               const void *state, const assay_linear_io *io)
{
    static int calls;
    (void)exec;
    (void)state;
    multiply(params, io, calls++ % 5 == 4);
    return ASSAY_OK;
}

/* Always the same for the same inputs, but which way it is depends on all rows together. */
static assay_status run_minds(const assay_exec *exec, const assay_linear_params *params,
                              const void *state, const assay_linear_io *io)
{
    int exponent = 0;
    double all = 0.0;
    (void)exec;
    (void)state;
    for (int64_t n = 0; n < io->x.shape[0]; n++) {
        for (int64_t k = 0; k < io->x.shape[1]; k++) {
            all += fabs(assay_at2(&io->x, n, k));
        }
    }
    (void)frexp(all, &exponent);
    multiply(params, io, exponent % 2 == 0);
    return ASSAY_OK;
}

#define ANY_ORDER(its_name)                                                                        \
    static const assay_kernel kernel_##its_name = {                                                \
        .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_linear, .name = #its_name,  \
        .backend = "company", .summary = #its_name, .space = ASSAY_HOST,                           \
        .precision = {.multiply = ASSAY_F32, .accumulate = {24, ASSAY_NEAREST, 1},                 \
                      .intermediate = ASSAY_F32, .output = ASSAY_F32, .angle = ASSAY_F32,          \
                      .order = ASSAY_ORDER_ANY},                                                   \
        .run.linear = {.run = run_##its_name}};

ANY_ORDER(wavers)
ANY_ORDER(minds)

assay_plugin_kernels_fn assay_plugin_kernels;
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const assay_kernel *const all[] = {
        &kernel_right,         &kernel_over_a,        &kernel_over_b,  &kernel_one_thread,
        &kernel_two_threads,   &kernel_three_threads, &kernel_eight_threads,
        &kernel_rounds,        &kernel_flushes,       &kernel_flushes_beside,
        &kernel_refuses,       &kernel_wavers,        &kernel_minds};
    *count = sizeof all / sizeof *all;
    return all;
}
