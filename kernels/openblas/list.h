/* The kernels of OpenBLAS's module: op and name. A new one is its file and one line here; its
 * descriptor is the variable assay_<op>_<name>. */
#ifndef KERNELS_OPENBLAS_LIST_H
#define KERNELS_OPENBLAS_LIST_H

#include "kernels/library/module.h"

#define OPENBLAS_KERNEL_LIST(X)                                                                    \
    X(linear, openblas)                                                                            \
    X(sae_encode, openblas)                                                                        \
    X(adapter, openblas)

OPENBLAS_KERNEL_LIST(LIBRARY_KERNEL_EXTERN)

#endif
