/* The kernels of oneDNN's module: op and name. A new one is its file and one line here; its
 * descriptor is the variable assay_<op>_<name>. */
#ifndef KERNELS_ONEDNN_LIST_H
#define KERNELS_ONEDNN_LIST_H

#include "kernels/library/module.h"

#define ONEDNN_KERNEL_LIST(X)                                                                      \
    X(linear, onednn)                                                                              \
    X(linear, onednn_bf16)                                                                         \
    X(sae_encode, onednn)                                                                          \
    X(sae_encode, onednn_bf16)                                                                     \
    X(adapter, onednn)

ONEDNN_KERNEL_LIST(LIBRARY_KERNEL_EXTERN)

#endif
