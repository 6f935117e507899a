/* sae_decode, f32, by 512-bit vectors: the listed latents' rows, columns in registers. */
#include "kernels/list.h"
#include "kernels/simd/sae_decode.h"

static assay_status prepare(const assay_exec *exec, const assay_sae_decode_params *params,
                            void **state)
{
    return simd_decode_prepare(exec, ASSAY_NONE, params, state);
}

static assay_status run(const assay_exec *exec, const assay_sae_decode_params *params,
                        const void *state, const assay_sae_decode_io *io)
{
    return simd_sae_decode(ASSAY_F32, exec, params, state, io);
}

const assay_kernel assay_sae_decode_avx512 = {
    SIMD_KERNEL(sae_decode, "avx512", SIMD_NEED_AVX512,
                "rows of the listed latents, packed and asked for ahead, sums in registers"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_SEQUENTIAL, ASSAY_NONE),
    .run.sae_decode = {.prepare = prepare,
                       .run = run,
                       .bytes_read = simd_decode_bytes_read},
    .release = simd_decode_release,
};
