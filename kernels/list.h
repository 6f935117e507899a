/* The one list of built-in kernels: op and name. A new kernel is its file and one line here; its
 * descriptor is the variable assay_<op>_<name>. */
#ifndef KERNELS_LIST_H
#define KERNELS_LIST_H

#include "assay/kernel.h"

/* Kernels of instruction sets; CMakeLists.txt has the table of their flags. */
#if defined(__x86_64__)
#define ASSAY_KERNEL_LIST_X86(X)                                                                   \
    X(embed, avx2)                                                                                 \
    X(add, avx2)                                                                                   \
    X(rmsnorm, avx2)                                                                               \
    X(linear, avx2)                                                                                \
    X(rope, avx2)                                                                                  \
    X(attention, avx2)                                                                             \
    X(swiglu, avx2)                                                                                \
    X(sae_encode, avx2)                                                                            \
    X(sae_decode, avx2)                                                                            \
    X(sae_steer, avx2)                                                                             \
    X(adapter, avx2)                                                                               \
    X(sample, avx2)                                                                                \
    X(embed, avx512)                                                                               \
    X(add, avx512)                                                                                 \
    X(rmsnorm, avx512)                                                                             \
    X(linear, avx512)                                                                              \
    X(rope, avx512)                                                                                \
    X(attention, avx512)                                                                           \
    X(swiglu, avx512)                                                                              \
    X(sae_encode, avx512)                                                                          \
    X(sae_decode, avx512)                                                                          \
    X(sae_steer, avx512)                                                                           \
    X(adapter, avx512)                                                                             \
    X(sample, avx512)                                                                              \
    X(embed, avx512bf16)                                                                           \
    X(add, avx512bf16)                                                                             \
    X(rmsnorm, avx512bf16)                                                                         \
    X(linear, avx512bf16)                                                                          \
    X(rope, avx512bf16)                                                                            \
    X(attention, avx512bf16)                                                                       \
    X(swiglu, avx512bf16)                                                                          \
    X(sae_encode, avx512bf16)                                                                      \
    X(sae_decode, avx512bf16)                                                                      \
    X(sae_steer, avx512bf16)                                                                       \
    X(adapter, avx512bf16)                                                                         \
    X(sample, avx512bf16)                                                                          \
    X(embed, amx)                                                                                  \
    X(add, amx)                                                                                    \
    X(rmsnorm, amx)                                                                                \
    X(linear, amx)                                                                                 \
    X(rope, amx)                                                                                   \
    X(attention, amx)                                                                              \
    X(swiglu, amx)                                                                                 \
    X(sae_encode, amx)                                                                             \
    X(sae_decode, amx)                                                                             \
    X(sae_steer, amx)                                                                              \
    X(adapter, amx)                                                                                \
    X(sample, amx)
#else
#define ASSAY_KERNEL_LIST_X86(X)
#endif

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
    X(sample, scalar_bf16)                                                                         \
    ASSAY_KERNEL_LIST_X86(X)

#define ASSAY_KERNEL_EXTERN(op, name) extern const assay_kernel assay_##op##_##name;
ASSAY_KERNEL_LIST(ASSAY_KERNEL_EXTERN)
#undef ASSAY_KERNEL_EXTERN

#endif
