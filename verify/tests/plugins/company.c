/* A plug-in of additions that are right where it is easy, and wrong over an input, at another
 * number of threads, or in what they leave of the processor's modes. */
#include <fenv.h>
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

assay_plugin_kernels_fn assay_plugin_kernels;
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const assay_kernel *const all[] = {
        &kernel_right,         &kernel_over_a,        &kernel_over_b,  &kernel_one_thread,
        &kernel_two_threads,   &kernel_three_threads, &kernel_eight_threads,
        &kernel_rounds,        &kernel_flushes,       &kernel_flushes_beside,
        &kernel_refuses};
    *count = sizeof all / sizeof *all;
    return all;
}
