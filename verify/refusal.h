/* What a stage must refuse. */
#ifndef VERIFY_REFUSAL_H
#define VERIFY_REFUSAL_H

#include "verify/buffer.h"
#include "verify/judged.h"

/* Runs a prepared generation with a prompt's last token past the vocabulary and with its first one
 * below it (generate.h): accepting either is a FAIL, and what a worker dies of is what it is. */
assay_status assay_refusal_judge(const assay_judged *judged, const assay_generate_params *params,
                                 const assay_generate_io *io, assay_arena *arena);
/* The same of an explanation's prompt, of tokens that no soft token replaces. */
assay_status assay_refusal_explain(const assay_judged *judged, const assay_explain_params *params,
                                   const assay_explain_io *io, assay_arena *arena);

#endif
