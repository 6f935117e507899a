/* The kernels of this build, and tables of them. */
#ifndef KERNELS_REGISTRY_H
#define KERNELS_REGISTRY_H

#include "assay/kernel.h"

/* All built-in kernels, in the order of kernels/list.h; *count of them. */
const assay_kernel *const *assay_kernels(size_t *count);

/* op/name, or NULL. */
const assay_kernel *assay_kernel_find(assay_op op, const char *name);

/* Distinct implementation names that have at least one kernel, in list order. */
size_t assay_impl_count(void);
const char *assay_impl_name(size_t index);

/* The table of one implementation name. Unknown: ASSAY_BAD_ARGUMENT listing the known ones. */
assay_status assay_table_find(const char *name, assay_table *table, assay_error *error);

/* The features of this host's CPU and its memory. Features named in the environment variable
 * ASSAY_WITHOUT (words apart by commas) are taken to be absent. */
assay_device assay_host_device(void);

/* ASSAY_OK, or ASSAY_UNSUPPORTED naming the features that the kernel needs and the device lacks.
 * To be asked before any of the kernel's functions is called. */
assay_status assay_kernel_usable(const assay_kernel *kernel, const assay_device *device,
                                 assay_error *error);

#endif
