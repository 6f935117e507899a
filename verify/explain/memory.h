/* What a generation needs, estimated before it is begun. */
#ifndef VERIFY_EXPLAIN_MEMORY_H
#define VERIFY_EXPLAIN_MEMORY_H

#include "verify/explain/session.h"

/* How many rows to generate at once: as many as half the free memory holds, at most rows and a
 * batch's limit. Fails when one row alone does not fit. kept_bytes is what the caller keeps besides
 * for each of all `rows`. */
assay_status assay_explain_batch(const assay_explain_session *session, const assay_model *model,
                                 size_t prompt_tokens, size_t rows, double kept_bytes,
                                 size_t *batch, assay_error *error);

#endif
