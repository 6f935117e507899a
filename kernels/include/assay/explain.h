/* explain: the whole pipeline. A vector of the subject model becomes text of the explainer.
 *
 * The vectors x [n,d] to explain are either given by the caller as `vectors` (the decoder columns
 * of the chosen latents, after the recipe: sae.h), or captured: residual rows of the subject at
 * `positions` of `tokens` (capture.h); exactly one of the two.
 *   soft = adapter(x)                               [n, d_model of the explainer]
 *   new_tokens = generate(explainer, the prompt n times, soft[i] at every placeholder of prompt i)
 * prompt [T] i64 is the tokenized template; placeholder [S] i64 the positions that are replaced. A
 * token outside the vocabulary is refused, as in generate.h, but where it is replaced.
 * soft [n,d] and new_tokens [n,max_new] i64 are outputs; logits [n,max_new,V] and forced
 * [n,max_new] as in generate.h. The text itself (template, label cut, stop strings) is the
 * host's. */
#ifndef ASSAY_EXPLAIN_H
#define ASSAY_EXPLAIN_H

#include "assay/ops.h"
#include "assay/adapter.h"
#include "assay/capture.h"
#include "assay/generate.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_explain_params {
    assay_capture_params capture; /* read only when rows are captured */
    assay_adapter_params adapter;
    assay_generate_params generate; /* its model is the explainer */
} assay_explain_params;

typedef struct assay_explain_io {
    assay_tensor vectors;
    assay_tensor tokens, lengths, positions;
    assay_tensor prompt, placeholder;
    assay_tensor forced;
    assay_stop_fn *stop;
    void *stop_context;
    assay_tensor soft;
    assay_tensor new_tokens;
    assay_tensor logits;
} assay_explain_io;

ASSAY_OP_FUNCTIONS(explain);

#ifdef __cplusplus
}
#endif
#endif
