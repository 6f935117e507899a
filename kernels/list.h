/* The one list of built-in kernels: op and name. A new kernel is its file and one line here; its
 * descriptor is the variable assay_<op>_<name>. */
#ifndef KERNELS_LIST_H
#define KERNELS_LIST_H

#include "assay/kernel.h"

#define ASSAY_KERNEL_LIST(X)                                                                       \
    X(embed, scalar)                                                                               \
    X(add, scalar)                                                                                 \
    X(rmsnorm, scalar)                                                                             \
    X(linear, scalar)                                                                              \
    X(rope, scalar)                                                                                \
    X(attention, scalar)                                                                           \
    X(swiglu, scalar)                                                                              \
    X(sae_encode, scalar)                                                                          \
    X(sae_decode, scalar)                                                                          \
    X(sae_steer, scalar)                                                                           \
    X(adapter, scalar)                                                                             \
    X(sample, scalar)                                                                              \
    X(embed, scalar_bf16)                                                                          \
    X(add, scalar_bf16)                                                                            \
    X(rmsnorm, scalar_bf16)                                                                        \
    X(linear, scalar_bf16)                                                                         \
    X(rope, scalar_bf16)                                                                           \
    X(attention, scalar_bf16)                                                                      \
    X(swiglu, scalar_bf16)                                                                         \
    X(sae_encode, scalar_bf16)                                                                     \
    X(sae_decode, scalar_bf16)                                                                     \
    X(sae_steer, scalar_bf16)                                                                      \
    X(adapter, scalar_bf16)                                                                        \
    X(sample, scalar_bf16)

#define ASSAY_KERNEL_EXTERN(op, name) extern const assay_kernel assay_##op##_##name;
ASSAY_KERNEL_LIST(ASSAY_KERNEL_EXTERN)
#undef ASSAY_KERNEL_EXTERN

#endif
