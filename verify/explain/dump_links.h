/* The checkpoints of a dump: links in the bundle's folders, so that it is complete on this machine
 * without a second copy of the weights. */
#ifndef VERIFY_EXPLAIN_DUMP_LINKS_H
#define VERIFY_EXPLAIN_DUMP_LINKS_H

#include "verify/explain/session.h"

/* What cases call the checkpoints; NULL where there is none. explainer is NULL when the model
 * itself explains. */
typedef struct assay_dump_names {
    const char *model, *explainer;
    char *sae, *adapter, *mean;
} assay_dump_names;

/* Creates the folder, before any work: fails when it cannot be, or holds something already. */
assay_status assay_dump_make_folder(const char *directory, assay_error *error);
assay_status assay_dump_link(const assay_explain_session *session, assay_dump_names *names,
                             assay_error *error);
void assay_dump_names_free(assay_dump_names *names);

#endif
