/* The mutants as a plug-in: every mutant and every twin is a table of its own.
 *
 * A stage's table holds its fused kernel and, under the same name, the ordinary steps: they state
 * the contracts that the chain's budget is derived from. */
#include "kernels/registry.h"
#include "verify/mutants/list.h"

enum { EXPORTS_MAX = 2048 };

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
assay_plugin_kernels_fn assay_plugin_kernels;

typedef struct exports {
    const assay_kernel *kernel[EXPORTS_MAX];
    assay_kernel step[EXPORTS_MAX]; /* copies of ordinary steps under another name */
    size_t count, steps;
} exports;

static void export_kernel(exports *all, const assay_kernel *kernel)
{
    if (all->count < EXPORTS_MAX) {
        all->kernel[all->count++] = kernel;
    }
}

static void export_steps(exports *all, const assay_kernel *stage)
{
    const assay_table table = mutant_table(stage->precision.output);
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        if (table.kernel[op] != NULL && all->steps < EXPORTS_MAX) {
            assay_kernel *const step = &all->step[all->steps++];
            *step = *table.kernel[op];
            step->name = stage->name;
            step->backend = stage->backend;
            export_kernel(all, step);
        }
    }
}

const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static exports all;
    const mutant_kernels steps[] = {
        mutant_embed_kernels(),      mutant_add_kernels(),        mutant_rmsnorm_kernels(),
        mutant_linear_kernels(),     mutant_rope_kernels(),       mutant_attention_kernels(),
        mutant_swiglu_kernels(),     mutant_sae_encode_kernels(), mutant_sae_decode_kernels(),
        mutant_sae_steer_kernels(),  mutant_adapter_kernels(),    mutant_sample_kernels(),
        mutant_systems_kernels()};
    const mutant_kernels stages[] = {mutant_capture_kernels(), mutant_generate_kernels(),
                                     mutant_explain_kernels()};
    const bool made = all.count > 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !made; i++) {
        for (size_t k = 0; k < steps[i].count; k++) {
            export_kernel(&all, &steps[i].kernel[k]);
        }
    }
    for (size_t i = 0; i < sizeof stages / sizeof *stages && !made; i++) {
        for (size_t k = 0; k < stages[i].count; k++) {
            export_kernel(&all, &stages[i].kernel[k]);
            export_steps(&all, &stages[i].kernel[k]);
        }
    }
    *count = all.count;
    return all.kernel;
}
