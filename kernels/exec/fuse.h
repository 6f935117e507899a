/* Fusions of a table, called as its kernels are.
 *
 * For every fusion X, assay_fuse_X asks whether the table brings it and it serves these operands,
 * grows the runner's workspace and runs: false where it does not, and its ops are to be called one
 * after another; else *status is what came of it. Operands lie where the kernels want them: nothing
 * is copied to a device or from it. */
#ifndef KERNELS_EXEC_FUSE_H
#define KERNELS_EXEC_FUSE_H

#include "assay/fusion.h"
#include "kernels/exec/bind.h"

/* The table's, or NULL where one of its kernels of a layer, of the head and what samples from it, is
 * not what they stand for. */
const assay_fusions *assay_fusions_of_layers(const assay_table *table);
const assay_fusions *assay_fusions_of_head(const assay_table *table);

#define ASSAY_FUSE_DECLARE(fusion)                                                                 \
    bool assay_fuse_##fusion(assay_runner *runner, const assay_fusions *fusions,                   \
                             const assay_##fusion##_steps *steps, const assay_##fusion##_io *io,   \
                             assay_status *status);
ASSAY_FUSIONS(ASSAY_FUSE_DECLARE)

#endif
