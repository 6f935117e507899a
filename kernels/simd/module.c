/* What the module of x86's vector instructions exports: its kernels, whole backends of those that
 * replace one op of another, and fusions. */
#include "assay/plugin.h"
#include "kernels/simd/list.h"

/* Backends that are another one's kernels but for those of their own name in the list. */
static const struct {
    const char *name, *other;
} completed[] = {{"avx512bf16_int8_weights", "avx512bf16"}};

enum {
#define KERNEL_ONE(op, name) +1
    LISTED = SIMD_KERNEL_LIST(KERNEL_ONE),
#undef KERNEL_ONE
    COMPLETED = (int)(sizeof completed / sizeof completed[0]),
    MOST = LISTED + COMPLETED * ASSAY_OP_COUNT
};

#define KERNEL_ADDRESS(op, name) &assay_##op##_##name,
static const assay_kernel *const listed[LISTED] = {SIMD_KERNEL_LIST(KERNEL_ADDRESS)};
#undef KERNEL_ADDRESS

static const assay_kernel *find(assay_op op, const char *name)
{
    for (int i = 0; i < LISTED; i++) {
        if (listed[i]->op == op && strcmp(listed[i]->name, name) == 0) {
            return listed[i];
        }
    }
    return NULL;
}

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static assay_kernel lent[COMPLETED * ASSAY_OP_COUNT];
    static const assay_kernel *kernels[MOST];
    size_t lends = 0;
    *count = LISTED;
    memcpy(kernels, listed, sizeof listed);
    for (int i = 0; i < COMPLETED; i++) {
        for (int op = 0; op < ASSAY_OP_COUNT; op++) {
            const assay_kernel *const other = find((assay_op)op, completed[i].other);
            if (other != NULL && find((assay_op)op, completed[i].name) == NULL) {
                assay_kernel *const made = &lent[lends++];
                *made = *other;
                made->name = completed[i].name;
                kernels[(*count)++] = made;
            }
        }
    }
    return kernels;
}

ASSAY_PLUGIN_EXPORT const assay_fusions *const *assay_plugin_fusions(size_t *count);
const assay_fusions *const *assay_plugin_fusions(size_t *count)
{
    static assay_fusions fusions[] = {
#define FUSIONS_ONE(name_)                                                                         \
    {.abi = ASSAY_FUSIONS_ABI, .size = sizeof(assay_fusions), .name = #name_},
        SIMD_LINEAR_SAMPLE_LIST(FUSIONS_ONE)
#undef FUSIONS_ONE
    };
    enum { COUNT = sizeof fusions / sizeof fusions[0] };
    static const assay_fusions *all[COUNT];
#define FUSIONS_FUNCTIONS(name) &assay_linear_sample_##name,
    static const assay_linear_sample_functions *const functions[COUNT] = {
        SIMD_LINEAR_SAMPLE_LIST(FUSIONS_FUNCTIONS)};
#undef FUSIONS_FUNCTIONS
    for (int i = 0; i < COUNT; i++) {
        fusions[i].linear_sample = *functions[i];
        all[i] = &fusions[i];
    }
    *count = COUNT;
    return all;
}
