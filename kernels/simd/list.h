/* The kernels of the module for x86's vector instructions: op and name. A new one is its file and one
 * line here; its descriptor is the variable assay_<op>_<name>. */
#ifndef KERNELS_SIMD_LIST_H
#define KERNELS_SIMD_LIST_H

#include "assay/fusion.h"
#include "assay/kernel.h"

#define SIMD_KERNEL_LIST(X)                                                                        \
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
    X(sample, amx)                                                                                 \
    X(linear, avx512bf16_int8_weights)                                                             \
    X(sae_encode, avx512vnni_screened)                                                             \
    X(sae_encode, amx_screened)

/* Implementations whose head and greedy sample are one call. */
#define SIMD_LINEAR_SAMPLE_LIST(X) X(avx512) X(avx512bf16) X(avx512bf16_int8_weights) X(amx)

#define SIMD_KERNEL_EXTERN(op, name) extern const assay_kernel assay_##op##_##name;
SIMD_KERNEL_LIST(SIMD_KERNEL_EXTERN)
#undef SIMD_KERNEL_EXTERN

#define SIMD_LINEAR_SAMPLE_EXTERN(name)                                                            \
    extern const assay_linear_sample_functions assay_linear_sample_##name;
SIMD_LINEAR_SAMPLE_LIST(SIMD_LINEAR_SAMPLE_EXTERN)
#undef SIMD_LINEAR_SAMPLE_EXTERN

#endif
