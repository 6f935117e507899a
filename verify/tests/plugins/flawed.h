/* A plug-in of one kernel, of which the including file spoils one field. */
#include <assay/assay.h>

static assay_status run_add(const assay_exec *exec, const assay_add_params *params,
                            const void *state, const assay_add_io *io)
{
    (void)exec;
    (void)params;
    (void)state;
    (void)io;
    return ASSAY_OK;
}

#define WHOLE_KERNEL                                                                               \
    .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_add, .name = "mine",            \
    .backend = "mine", .summary = "a kernel", .run.add = {.run = run_add}

assay_plugin_kernels_fn assay_plugin_kernels;
#define EXPORT(...)                                                                                \
    const assay_kernel *const *assay_plugin_kernels(size_t *count)                                 \
    {                                                                                              \
        static const assay_kernel *const all[] = {__VA_ARGS__};                                    \
        *count = sizeof all / sizeof *all;                                                         \
        return all;                                                                                \
    }
