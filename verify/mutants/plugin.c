/* The mutants as a plug-in: every mutant and every twin is a table of its own, with one kernel. A
 * stage's is fused, and states the contract that its whole chain is judged by. Tables of all ops
 * with one wrong are world.h's. */
#include "verify/mutants/list.h"
#include "verify/mutants/world.h"

enum { EXPORTS_MAX = 1024 };

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
assay_plugin_kernels_fn assay_plugin_kernels;

const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const assay_kernel *exported[EXPORTS_MAX];
    const mutant_kernels ops[] = {
        mutant_embed_kernels(),     mutant_add_kernels(),        mutant_rmsnorm_kernels(),
        mutant_linear_kernels(),    mutant_rope_kernels(),       mutant_attention_kernels(),
        mutant_swiglu_kernels(),    mutant_sae_encode_kernels(), mutant_sae_decode_kernels(),
        mutant_sae_steer_kernels(), mutant_adapter_kernels(),    mutant_sample_kernels(),
        mutant_systems_kernels(),   mutant_ambient_kernels(),    mutant_lasting_kernels(),
        mutant_leaving_kernels(),   mutant_calls_kernels(),      mutant_among_kernels(),
        mutant_capture_kernels(),   mutant_generate_kernels(),   mutant_explain_kernels(),
        mutant_world_kernels()};
    size_t used = 0;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        for (size_t k = 0; k < ops[i].count && used < EXPORTS_MAX; k++) {
            exported[used++] = &ops[i].kernel[k];
        }
    }
    *count = used;
    return exported;
}
