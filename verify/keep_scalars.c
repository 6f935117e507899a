#include <stdio.h>

#include "fixtures/io/adapter_file.h"
#include "verify/keep.h"
#include "verify/operands.h"
#include "verify/result_json.h"

/* JSON's numbers are float64: not every 64-bit word is one. */
static void add_word(cJSON *object, const char *key, uint64_t word)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)word);
    (void)cJSON_AddStringToObject(object, key, text);
}

static void add_int(cJSON *object, const char *key, int64_t value)
{
    (void)cJSON_AddNumberToObject(object, key, (double)value);
}

static void add_sae(cJSON *object, const assay_sae *sae)
{
    static const char *const activations[] = {"relu", "jumprelu", "topk"};
    add_int(object, "d_in", sae->d_in);
    add_int(object, "d_out", sae->d_out);
    add_int(object, "d_sae", sae->d_sae);
    (void)cJSON_AddStringToObject(object, "activation", activations[sae->activation]);
    if (sae->activation == ASSAY_TOPK) {
        add_int(object, "k", sae->k);
    }
    (void)cJSON_AddBoolToObject(object, "layer_norm", sae->layer_norm);
}

static void add_steer(cJSON *object, const assay_sae_steer_params *steer)
{
    static const char *const modes[] = {"add", "set", "scale", "ablate"};
    add_sae(object, &steer->sae);
    add_int(object, "latent", steer->latent);
    (void)cJSON_AddStringToObject(object, "mode", modes[steer->mode]);
    assay_json_add_number(object, "amount", steer->amount);
}

static void add_sample(cJSON *object, const assay_sample_params *params, const assay_sample_io *io)
{
    assay_json_add_number(object, "temperature", params->temperature);
    add_int(object, "top_k", params->top_k);
    assay_json_add_number(object, "top_p", params->top_p);
    add_word(object, "seed", params->seed);
    add_int(object, "step", io->step);
}

static void add_attention(cJSON *object, const assay_attention_params *params,
                          const assay_attention_io *io)
{
    add_int(object, "heads", params->heads);
    add_int(object, "kv_heads", params->kv_heads);
    add_int(object, "head_dim", params->head_dim);
    add_int(object, "max_position", io->max_position);
}

cJSON *assay_kept_scalars(assay_op op, const void *given_params, const void *given_io)
{
    cJSON *const object = cJSON_CreateObject();
    const assay_op_params *const params = given_params;
    const assay_any_io *const io = given_io;
    switch (op) {
    case ASSAY_OP_rmsnorm: assay_json_add_number(object, "eps", params->rmsnorm.eps); break;
    case ASSAY_OP_rope: add_int(object, "head_dim", params->rope.head_dim); break;
    case ASSAY_OP_attention: add_attention(object, &params->attention, &io->attention); break;
    case ASSAY_OP_swiglu: add_int(object, "d", params->swiglu.d); break;
    case ASSAY_OP_sae_encode: add_sae(object, &params->sae_encode.sae); break;
    case ASSAY_OP_sae_decode: add_sae(object, &params->sae_decode.sae); break;
    case ASSAY_OP_sae_steer: add_steer(object, &params->sae_steer); break;
    case ASSAY_OP_adapter:
        (void)cJSON_AddStringToObject(object, "type",
                                      assay_adapter_type_name(params->adapter.type));
        (void)cJSON_AddBoolToObject(object, "normalize_input", params->adapter.normalize_input);
        break;
    case ASSAY_OP_sample: add_sample(object, &params->sample, &io->sample); break;
    default: break;
    }
    return object;
}
