/* sae_encode, f32, by 512-bit vectors. */
#include "kernels/list.h"
#include "kernels/simd/emit_avx512.h"
#include "kernels/simd/products_avx512.h"

static assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params,
                            void **state)
{
    return encode_prepare(exec, params, panel_kind_of(&params->sae.encoder), state);
}

static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    const panel_kind kind = panel_kind_of(&params->sae.encoder);
    return encode_workspace(&avx512_products[kind], kind, params, io);
}

static assay_status run(const assay_exec *exec, const assay_sae_encode_params *params,
                        const void *state, const assay_sae_encode_io *io)
{
    const encode_state *const s = state;
    return encode_run(&avx512_products[s->panels.kind], ASSAY_F32, exec, params, state, io,
                      emit_avx512);
}

const assay_kernel assay_sae_encode_avx512 = {
    SIMD_KERNEL(sae_encode, "avx512", SIMD_NEED_AVX512,
                "product, bias, threshold and compaction in one pass over packed weights"),
    .precision = SIMD_CONTRACT_F32,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = encode_bytes_read},
    .release = encode_release,
};
