/* An explanation asked in other ways for what its case has a truth of: more rows, rows that are
 * stopped, and sampling with the case's tokens forced. */
#ifndef VERIFY_EXPLAIN_AGAIN_H
#define VERIFY_EXPLAIN_AGAIN_H

#include "verify/explain_judge.h"

/* The subject is prepared, and is left prepared in another way. */
assay_status assay_explain_again(assay_explain_judge *judge, const assay_judged *judged,
                                 const assay_table *table, const assay_kernel *fused,
                                 const assay_subject *subject, const assay_budget *budget);

#endif
