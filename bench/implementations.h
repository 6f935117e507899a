/* The implementations a run times: built-in tables, or what a plug-in exports. */
#ifndef BENCH_IMPLEMENTATIONS_H
#define BENCH_IMPLEMENTATIONS_H

#include "verify/isolation/session.h"

typedef struct assay_implementations {
    assay_table *table;
    size_t count;
    assay_session *session; /* where they are judged before they are timed */
} assay_implementations;

/* device: its number, of kernels on devices. impl: a glob over the built-in ones and the plug-in's;
 * NULL: all of the plug-in's, or all built-in ones without one. */
assay_status assay_implementations_find(const char *plugin, int32_t device, const char *impl,
                                        int32_t threads, assay_implementations *found,
                                        assay_error *error);
/* Of the session's plug-in, or built in. */
assay_status assay_implementation_named(assay_session *session, const char *name,
                                        assay_table *table, assay_error *error);
void assay_implementations_close(assay_implementations *found);

/* The kernel whose contract a timing of op states: the step's, of stages the table's linear; NULL
 * when the table cannot do the op. */
const assay_kernel *assay_implementation_kernel(const assay_table *table, assay_op op);

/* Whether any kernel's operands lie on a device. */
bool assay_implementations_on_device(const assay_implementations *found);

#endif
