/* The implementations a run times: built-in tables, or what a plug-in exports. */
#ifndef BENCH_IMPLEMENTATIONS_H
#define BENCH_IMPLEMENTATIONS_H

#include "kernels/plugin.h"
#include "verify/isolation/session.h"

typedef struct assay_implementation {
    assay_table table;
    const char *plugin;     /* the shared object that holds it; NULL: built in */
    assay_session *session; /* where it is judged before it is timed */
} assay_implementation;

typedef struct assay_implementations {
    assay_implementation *item;
    size_t count;
    assay_session *built_in, *exported[ASSAY_PLUGINS_MAX];
    const char *const *plugin; /* [plugin_count], the caller's */
    size_t plugin_count;
} assay_implementations;

/* found->plugin is given, all else is filled. device: its number, of kernels on devices. impl: a
 * glob over the built-in ones and the plug-ins'; NULL: all of the plug-ins', or all built-in ones
 * without any. ASSAY_BAD_ARGUMENT: none matches, or two plug-ins export one of the same name. */
assay_status assay_implementations_find(assay_implementations *found, int32_t device,
                                        const char *impl, int32_t threads, assay_error *error);
/* Any of the plug-ins', or built in, chosen or not. */
assay_status assay_implementation_named(const assay_implementations *found, const char *name,
                                        assay_implementation *implementation, assay_error *error);
void assay_implementations_close(assay_implementations *found);

/* The kernel whose contract a timing of op states: the step's, of stages the table's linear; NULL
 * when the table cannot do the op. */
const assay_kernel *assay_implementation_kernel(const assay_table *table, assay_op op);

/* The first plug-in with kernels whose operands lie on a device; NULL: none. */
const char *assay_implementations_on_device(const assay_implementations *found);

#endif
