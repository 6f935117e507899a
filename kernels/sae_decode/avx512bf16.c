/* sae_decode, bf16, by 512-bit vectors: the listed latents' rows, columns in registers. */
#include "kernels/list.h"
#include "kernels/simd/sae_decode.h"

static assay_status prepare(const assay_exec *exec, const assay_sae_decode_params *params,
                            void **state)
{
    return simd_decode_prepare(exec, ASSAY_BF16, params, state);
}

static assay_status run(const assay_exec *exec, const assay_sae_decode_params *params,
                        const void *state, const assay_sae_decode_io *io)
{
    return simd_sae_decode(ASSAY_BF16, exec, params, state, io);
}

const assay_kernel assay_sae_decode_avx512bf16 = {
    SIMD_KERNEL(sae_decode, "avx512bf16", SIMD_NEED_AVX512BF16,
                "rows of the listed latents, packed and asked for ahead, sums in registers"),
    .precision = VEC_CONTRACT(ASSAY_BF16, ASSAY_BF16, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.sae_decode = {.prepare = prepare,
                       .run = run,
                       .bytes_read = simd_decode_bytes_read},
    .release = simd_decode_release,
};
