/* A Llama as its published checkpoint states it. Views own nothing.
 *
 * All linear weights are [out, in] row-major in the type they are stored in. The rotary layout is
 * Hugging Face's rotate-half: pairs are (i, i + head_dim/2). */
#ifndef ASSAY_MODEL_H
#define ASSAY_MODEL_H

#include "assay/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_layer {
    assay_tensor input_norm;     /* [d_model] */
    assay_tensor post_norm;      /* [d_model], post_attention_layernorm */
    assay_tensor q;              /* [heads*head_dim, d_model] */
    assay_tensor k;              /* [kv_heads*head_dim, d_model] */
    assay_tensor v;              /* [kv_heads*head_dim, d_model] */
    assay_tensor o;              /* [d_model, heads*head_dim] */
    assay_tensor gate, up;       /* [d_ff, d_model] */
    assay_tensor down;           /* [d_model, d_ff] */
} assay_layer;

typedef struct assay_model {
    int64_t layers, d_model, d_ff;
    int64_t heads, kv_heads, head_dim;
    int64_t vocab;
    double rms_eps;
    const double *inverse_frequency; /* [head_dim/2], after rope scaling, in float64 */
    assay_tensor embed;              /* [vocab, d_model] */
    assay_tensor final_norm;         /* [d_model] */
    assay_tensor lm_head;            /* [vocab, d_model]; the same memory as embed when tied */
    const assay_layer *layer;        /* [layers] */
} assay_model;

/* A place in the forward pass (GOLDEN.md's names in quotes). */
typedef enum assay_hook_kind {
    ASSAY_HOOK_EMBED,    /* "embed": the input of layer 0 */
    ASSAY_HOOK_INPUT,    /* "layers.I.input": the residual stream before layer I */
    ASSAY_HOOK_OUTPUT,   /* "layers.I.output": the residual stream after layer I */
    ASSAY_HOOK_ATTN_OUT, /* "layers.I.attn_out": the attention's output before the residual add */
    ASSAY_HOOK_MLP_IN,   /* "layers.I.mlp_in": the normed MLP input, weight applied */
    ASSAY_HOOK_MLP_OUT,  /* "layers.I.mlp_out": the MLP's output before the residual add */
    ASSAY_HOOK_FINAL_NORM /* "final_norm": what lm_head reads */
} assay_hook_kind;

typedef struct assay_hook {
    assay_hook_kind kind;
    int64_t layer; /* 0 for embed and final_norm */
} assay_hook;

#ifdef __cplusplus
}
#endif
#endif
