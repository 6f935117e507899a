/* A `generate` or `steered_generate` case of a bundle, read into the stage's operands. */
#ifndef VERIFY_GENERATE_CASE_H
#define VERIFY_GENERATE_CASE_H

#include "verify/cases.h"

enum { ASSAY_GENERATE_EOS_MAX = 64 };

typedef struct assay_generate_case {
    assay_generate_params params;
    assay_generate_io io; /* inputs; forced is the expected tokens */
    int64_t batch, steps, vocab;
    int64_t eos[ASSAY_GENERATE_EOS_MAX];
} assay_generate_case;

/* logits: the expected ones, absent where the case has none. */
assay_status assay_generate_case_read(const assay_case_context *context, bool steered,
                                      assay_generate_case *read, assay_tensor *logits,
                                      assay_error *error);

#endif
