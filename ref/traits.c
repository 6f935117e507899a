/* What `assay list ops` says of each op, and how its outputs are compared. */
#include "ref/oracle.h"

static const assay_traits traits[ASSAY_OP_COUNT] = {
    [ASSAY_OP_embed] = {ASSAY_OP_embed, ASSAY_COMPARE_ELEMENTS,
                        "y[n] = table[id[n]], or soft[s] where soft_at[s] = n"},
    [ASSAY_OP_add] = {ASSAY_OP_add, ASSAY_COMPARE_ELEMENTS, "y = a + b"},
    [ASSAY_OP_rmsnorm] = {ASSAY_OP_rmsnorm, ASSAY_COMPARE_ELEMENTS,
                          "y = x / sqrt(mean(x^2) + eps) * weight"},
    [ASSAY_OP_linear] = {ASSAY_OP_linear, ASSAY_COMPARE_ELEMENTS, "y = x weight^T + bias"},
    [ASSAY_OP_rope] = {ASSAY_OP_rope, ASSAY_COMPARE_ELEMENTS,
                       "pairs (i, i + head_dim/2) rotated by position * inverse_frequency[i]"},
    [ASSAY_OP_attention] = {ASSAY_OP_attention, ASSAY_COMPARE_ELEMENTS,
                            "y = softmax(q k^T / sqrt(head_dim)) v, causal, grouped-query, cached"},
    [ASSAY_OP_swiglu] = {ASSAY_OP_swiglu, ASSAY_COMPARE_ELEMENTS,
                         "y = gate / (1 + exp(-gate)) * up"},
    [ASSAY_OP_sae_encode] = {ASSAY_OP_sae_encode, ASSAY_COMPARE_CODES,
                             "f = act(scale (W_e (z - pre_bias)) + bias): relu, jumprelu or topk"},
    [ASSAY_OP_sae_decode] = {ASSAY_OP_sae_decode, ASSAY_COMPARE_ELEMENTS,
                             "xhat = W_d (scale f) + bias, times std plus mean with layer norm"},
    [ASSAY_OP_sae_steer] = {ASSAY_OP_sae_steer, ASSAY_COMPARE_ELEMENTS,
                            "y = x + (f' - f) scale W_d[:,latent]"},
    [ASSAY_OP_adapter] = {ASSAY_OP_adapter, ASSAY_COMPARE_ELEMENTS,
                          "y = e^log_scale v + (v U) V^T or v W^T, + bias; v = x / (|x| + 1e-8)"},
    [ASSAY_OP_sample] = {ASSAY_OP_sample, ASSAY_COMPARE_TOKENS,
                         "argmax, or a draw from softmax(logits / T) after top_k and top_p"},
    [ASSAY_OP_capture] = {ASSAY_OP_capture, ASSAY_COMPARE_STAGE,
                          "residual = the model up to a hook point"},
    [ASSAY_OP_generate] = {ASSAY_OP_generate, ASSAY_COMPARE_TOKENS,
                           "tokens after a prompt with soft tokens, steered or not"},
    [ASSAY_OP_explain] = {ASSAY_OP_explain, ASSAY_COMPARE_STAGE,
                          "generate(explainer, prompt with adapter(vector) at its placeholders)"},
};

const assay_traits *assay_ref_traits(assay_op op)
{
    return (unsigned)op < ASSAY_OP_COUNT ? &traits[op] : NULL;
}
