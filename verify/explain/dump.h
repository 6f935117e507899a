/* What the parts of --dump share. */
#ifndef VERIFY_EXPLAIN_DUMP_H
#define VERIFY_EXPLAIN_DUMP_H

#include "verify/explain/dump_links.h"
#include "verify/explain/dump_record.h"

typedef struct assay_dump {
    const assay_explain_session *session;
    const assay_targets *targets;
    const assay_explanations *explanations;
    assay_record record;
    assay_dump_names names;
    const char *precision; /* of the table's activations */
    assay_error *error;
} assay_dump;

/* Names tensor in the case's "in" or "out" and records it as dtype (NONE: its own). */
assay_status assay_dump_put(assay_dump *d, cJSON *c, const char *side, const char *role,
                            const assay_tensor *tensor, assay_dtype dtype);
/* max_new_tokens, temperature, eos. */
void assay_dump_add_generation(const assay_dump *d, cJSON *params, const int64_t *eos,
                               int64_t count);
assay_status assay_dump_generate(assay_dump *d);

#endif
