/* What sae_encode's two bf16 kernels share but for their product. */
#ifndef KERNELS_SIMD_ENCODE_BF16_H
#define KERNELS_SIMD_ENCODE_BF16_H

#include "kernels/simd/emit_avx512.h"

/* The functions of a kernel with the product `product_` of panels of kind_. */
#define ENCODE_BF16_FUNCTIONS(product_, kind_)                                                     \
    static assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params,     \
                                void **state)                                                      \
    {                                                                                              \
        return encode_prepare(exec, params, kind_, state);                                         \
    }                                                                                              \
    static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)  \
    {                                                                                              \
        return encode_workspace(&(product_), kind_, params, io);                                   \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_sae_encode_params *params,         \
                            const void *state, const assay_sae_encode_io *io)                      \
    {                                                                                              \
        return encode_run(&(product_), ASSAY_BF16, exec, params, state, io, emit_avx512);          \
    }

#endif
