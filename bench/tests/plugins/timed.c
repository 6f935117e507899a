/* Kernels that add rightly while they are judged, and do one wrong thing each when they are timed:
 * a judgement calls a few times, a timing for ever. */
#include <stdlib.h>

#include "verify/tests/plugins/add.h"

enum { SOON = 60 };

#define DEED(name, ...)                                                                            \
    static assay_status run_##name(const assay_exec *exec, const assay_add_params *params,         \
                                   const void *state, const assay_add_io *io)                      \
    {                                                                                              \
        static int calls;                                                                          \
        (void)exec;                                                                                \
        (void)params;                                                                              \
        (void)state;                                                                               \
        calls++;                                                                                   \
        __VA_ARGS__                                                                                \
        return ASSAY_OK;                                                                           \
    }

/* Does nothing when it is called with the inputs it had before, by as many threads: two of them are
 * remembered. A judgement repeats a call in another place, or by other threads. */
static void add_unless_seen(const assay_exec *exec, const assay_add_io *io)
{
    static float seen[2];
    static const void *where;
    static int32_t threads;
    const float *const a = io->a.data;
    const int64_t last = io->a.shape[0] * io->a.shape[1] - 1;
    if (where == io->a.data && threads == exec->threads && seen[0] == a[0] && seen[1] == a[last]) {
        return;
    }
    where = io->a.data;
    threads = exec->threads;
    seen[0] = a[0];
    seen[1] = a[last];
    add_all(io);
}

DEED(right, add_all(io);)
DEED(wrong_later, add_all(io); if (calls > SOON) { ((float *)io->y.data)[0] += 1.0f; })
DEED(hangs_later, add_all(io); for (volatile int i = 0; calls > SOON && i >= 0; i = 0) {})
DEED(dies_later, add_all(io); if (calls > SOON) { abort(); })
DEED(fails_later, add_all(io); if (calls > SOON) { return ASSAY_IO; })
DEED(skips, add_unless_seen(exec, io);)

/* Reads, it says, more than any memory gives in the time it takes. */
static uint64_t a_lot(const assay_add_params *params, const void *state, const assay_add_io *io)
{
    (void)params;
    (void)state;
    (void)io;
    return (uint64_t)1 << 40;
}

#define KERNEL(its_name, ...)                                                                      \
    static const assay_kernel its_name = {                                                         \
        .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_add, .name = #its_name,     \
        .backend = "timed", .summary = "adds, for a while",                                        \
        .precision = ADD_PRECISION, .run.add = {__VA_ARGS__}}

KERNEL(right, .run = run_right);
KERNEL(wrong_later, .run = run_wrong_later);
KERNEL(hangs_later, .run = run_hangs_later);
KERNEL(dies_later, .run = run_dies_later);
KERNEL(fails_later, .run = run_fails_later);
KERNEL(skips, .run = run_skips);
KERNEL(impossible, .run = run_right, .bytes_read = a_lot);

assay_plugin_kernels_fn assay_plugin_kernels;
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const assay_kernel *const all[] = {&right, &wrong_later, &hangs_later, &dies_later,
                                              &fails_later, &skips, &impossible};
    *count = sizeof all / sizeof *all;
    return all;
}
