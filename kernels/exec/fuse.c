#include "kernels/exec/fuse.h"

/* The table's where its kernels of these ops are the ones that they stand for, else NULL. */
static const assay_fusions *usable(const assay_table *table, const assay_op *ops, size_t count)
{
    bool usable = table->fusions != NULL;
    for (size_t i = 0; usable && i < count; i++) {
        const assay_kernel *const kernel = table->kernel[ops[i]];
        usable = kernel != NULL && strcmp(kernel->name, table->fusions->name) == 0;
    }
    return usable ? table->fusions : NULL;
}

const assay_fusions *assay_fusions_of_layers(const assay_table *table)
{
    static const assay_op ops[] = {ASSAY_OP_add,  ASSAY_OP_rmsnorm,   ASSAY_OP_linear,
                                   ASSAY_OP_rope, ASSAY_OP_attention, ASSAY_OP_swiglu};
    return usable(table, ops, sizeof ops / sizeof *ops);
}

const assay_fusions *assay_fusions_of_head(const assay_table *table)
{
    static const assay_op ops[] = {ASSAY_OP_linear, ASSAY_OP_sample};
    return usable(table, ops, sizeof ops / sizeof *ops);
}

/* The functions are the same for every fusion but for their types. */
#define ASSAY_FUSE_DEFINE(fusion)                                                                  \
    bool assay_fuse_##fusion(assay_runner *runner, const assay_fusions *fusions,                   \
                             const assay_##fusion##_steps *steps, const assay_##fusion##_io *io,   \
                             assay_status *status)                                                 \
    {                                                                                              \
        if (fusions == NULL || !ASSAY_FUSIONS_HAVE(fusions, fusion)) {                             \
            return false;                                                                          \
        }                                                                                          \
        const assay_##fusion##_functions *const own = &fusions->fusion;                            \
        if (own->supports != NULL &&                                                               \
            own->supports(&runner->exec.device, steps, io, NULL) != ASSAY_OK) {                    \
            return false;                                                                          \
        }                                                                                          \
        *status = ASSAY_OK;                                                                        \
        if (own->workspace != NULL) {                                                              \
            *status = assay_runner_grow(runner, own->workspace(steps, io), #fusion);               \
        }                                                                                          \
        if (*status == ASSAY_OK) {                                                                 \
            *status = own->run(&runner->exec, steps, io);                                          \
        }                                                                                          \
        return true;                                                                               \
    }
ASSAY_FUSIONS(ASSAY_FUSE_DEFINE)
