/* What a CPU library's module exports: its own kernels, and for the ops that are no products the
 * kernels of a built-in backend, under the module's name; together they run the stages. */
#ifndef KERNELS_LIBRARY_MODULE_H
#define KERNELS_LIBRARY_MODULE_H

#include "assay/plugin.h"
#include "kernels/registry.h"

#define LIBRARY_KERNEL_EXTERN(op, name) extern const assay_kernel assay_##op##_##name;
#define LIBRARY_KERNEL_ADDRESS(op, name) &assay_##op##_##name,

enum { LIBRARY_STEPS = ASSAY_OP_capture /* ops that are no stages */ };

/* One name of a module, and whose kernels fill it. */
typedef struct library_backend {
    const char *name, *base;
} library_backend;

/* all and made: [backends * LIBRARY_STEPS]. Returns how many there are. */
static inline size_t library_fill(const library_backend *backend, size_t backends,
                                  const assay_kernel *const *own, size_t owned,
                                  assay_kernel *made, const assay_kernel **all)
{
    size_t count = 0;
    for (size_t b = 0; b < backends; b++) {
        for (int op = 0; op < LIBRARY_STEPS; op++) {
            const assay_kernel *found = NULL;
            for (size_t i = 0; i < owned && found == NULL; i++) {
                const bool is = (int)own[i]->op == op && strcmp(own[i]->name, backend[b].name) == 0;
                found = is ? own[i] : NULL;
            }
            if (found == NULL) {
                made[count] = *assay_kernel_find((assay_op)op, backend[b].base);
                made[count].name = backend[b].name;
                found = &made[count];
            }
            all[count++] = found;
        }
    }
    return count;
}

/* Once in a module: its names, its own kernels. */
#define LIBRARY_MODULE(backends_, own_)                                                            \
    ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);            \
    const assay_kernel *const *assay_plugin_kernels(size_t *count)                                 \
    {                                                                                              \
        enum { NAMES = sizeof(backends_) / sizeof(backends_)[0] };                                 \
        static assay_kernel made[NAMES * LIBRARY_STEPS];                                           \
        static const assay_kernel *all[NAMES * LIBRARY_STEPS];                                     \
        *count = library_fill(backends_, NAMES, own_, sizeof(own_) / sizeof(own_)[0], made, all);  \
        return all;                                                                                \
    }

#endif
