/* sae_steer, f32, by 512-bit vectors: the edited latent alone, its column packed. */
#include "kernels/list.h"
#include "kernels/simd/sae_steer.h"

static assay_status run(const assay_exec *exec, const assay_sae_steer_params *params,
                        const void *state, const assay_sae_steer_io *io)
{
    return simd_sae_steer(ASSAY_F32, exec, params, state, io);
}

const assay_kernel assay_sae_steer_avx512 = {
    SIMD_KERNEL(sae_steer, "avx512", SIMD_NEED_AVX512,
                "the edited latent alone (topk: all of them), its column packed"),
    .precision = VEC_CONTRACT(ASSAY_NONE, ASSAY_F32, ASSAY_ORDER_LANES, ASSAY_NONE),
    .run.sae_steer = {.workspace = scalar_steer_workspace,
                      .prepare = simd_steer_prepare,
                      .run = run},
    .release = simd_steer_release,
};
