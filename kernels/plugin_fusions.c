#include "kernels/plugin_fusions.h"

#include <dlfcn.h>

static bool has_kernel(const assay_plugin *plugin, assay_op op, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < plugin->count; i++) {
        const assay_kernel *const kernel = plugin->kernels[i];
        found = found || (kernel->op == op && strcmp(kernel->name, name) == 0);
    }
    return found;
}

/* The first op that `own` stands for and that has no kernel of its name; ASSAY_OP_COUNT: none. */
static assay_op lacking(const assay_plugin *plugin, const assay_fusions *own)
{
    const struct {
        bool there;
        assay_op op[3];
        int count;
    } fusion[] = {
        {ASSAY_FUSIONS_HAVE(own, add_rmsnorm), {ASSAY_OP_add, ASSAY_OP_rmsnorm}, 2},
        {ASSAY_FUSIONS_HAVE(own, linears), {ASSAY_OP_linear}, 1},
        {ASSAY_FUSIONS_HAVE(own, gate_up_swiglu), {ASSAY_OP_linear, ASSAY_OP_swiglu}, 2},
        {ASSAY_FUSIONS_HAVE(own, rope_attention), {ASSAY_OP_rope, ASSAY_OP_attention}, 2},
        {ASSAY_FUSIONS_HAVE(own, linear_sample), {ASSAY_OP_linear, ASSAY_OP_sample}, 2},
    };
    for (size_t f = 0; f < sizeof fusion / sizeof *fusion; f++) {
        for (int i = 0; fusion[f].there && i < fusion[f].count; i++) {
            if (!has_kernel(plugin, fusion[f].op[i], own->name)) {
                return fusion[f].op[i];
            }
        }
    }
    return ASSAY_OP_COUNT;
}

static assay_status check_one(const assay_plugin *plugin, size_t i, assay_error *error)
{
    const assay_fusions *const own = plugin->fusions[i];
    if (own == NULL || own->abi != ASSAY_FUSIONS_ABI || own->size < ASSAY_FUSIONS_LEAST) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: fusions %zu have ABI %u and %u bytes, this assay's have %d "
                          "and at least %u; build the plug-in against this assay's headers",
                          plugin->path, i, own == NULL ? 0U : (unsigned)own->abi,
                          own == NULL ? 0U : (unsigned)own->size, (int)ASSAY_FUSIONS_ABI,
                          (unsigned)ASSAY_FUSIONS_LEAST);
    }
    if (own->name == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: fusions %zu have no name; give them that of the kernels "
                          "they stand for", plugin->path, i);
    }
    const assay_op op = lacking(plugin, own);
    if (op != ASSAY_OP_COUNT) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: the fusions named '%s' stand for a kernel %s/%s, which is "
                          "not there; export it, or leave the fusion out",
                          plugin->path, own->name, assay_op_name(op), own->name);
    }
    for (size_t before = 0; before < i; before++) {
        if (strcmp(plugin->fusions[before]->name, own->name) == 0) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "plug-in %s: fusions %zu and %zu are both named '%s'; make them one",
                              plugin->path, before, i, own->name);
        }
    }
    return ASSAY_OK;
}

/* ISO C has no conversion from an object pointer to a function pointer; POSIX gives it one. */
assay_status assay_plugin_find_fusions(assay_plugin *plugin, assay_error *error)
{
    void *const symbol = dlsym(plugin->handle, ASSAY_FUSIONS_SYMBOL);
    assay_plugin_fusions_fn *fusions = NULL;
    assay_status status = ASSAY_OK;
    memcpy(&fusions, &symbol, sizeof fusions);
    plugin->fusions = fusions != NULL ? fusions(&plugin->fusion_count) : NULL;
    if (plugin->fusions == NULL) {
        plugin->fusion_count = 0;
    }
    if (plugin->fusion_count > ASSAY_PLUGIN_KERNELS_MAX) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "plug-in %s: " ASSAY_FUSIONS_SYMBOL " gave %zu; expected at most %d",
                            plugin->path, plugin->fusion_count, (int)ASSAY_PLUGIN_KERNELS_MAX);
    }
    for (size_t i = 0; status == ASSAY_OK && i < plugin->fusion_count; i++) {
        status = check_one(plugin, i, error);
    }
    return status;
}

const assay_fusions *assay_plugin_fusions_of(const assay_plugin *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->fusion_count; i++) {
        if (strcmp(plugin->fusions[i]->name, name) == 0) {
            return plugin->fusions[i];
        }
    }
    return NULL;
}
