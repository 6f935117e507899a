/* A kernel under judgement in its session: what a call did goes into the result. */
#ifndef VERIFY_JUDGED_H
#define VERIFY_JUDGED_H

#include "verify/isolation/session.h"

typedef struct assay_judged {
    assay_session *session;
    assay_result *result; /* PASS as long as every call returned well */
    assay_error *error;
} assay_judged;

/* Each returns the harness's own trouble; the kernel's is in the result. release keeps an earlier
 * verdict. */
assay_status assay_judged_prepare(const assay_judged *judged, const assay_subject *subject);
assay_status assay_judged_run(const assay_judged *judged, const void *io,
                              assay_placement placement);
assay_status assay_judged_release(const assay_judged *judged);

#endif
