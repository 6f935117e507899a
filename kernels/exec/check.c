#include "kernels/exec/check.h"

#include <limits.h>

bool assay_is_int(const assay_tensor *tensor)
{
    return tensor->dtype == ASSAY_I64 || tensor->dtype == ASSAY_I32;
}

bool assay_is_real(const assay_tensor *tensor)
{
    return tensor->dtype == ASSAY_F64 || tensor->dtype == ASSAY_F32 ||
           tensor->dtype == ASSAY_BF16 || tensor->dtype == ASSAY_F16;
}

static int64_t element(const assay_tensor *tensor, int64_t at)
{
    return tensor->dtype == ASSAY_I32 ? (int64_t)((const int32_t *)tensor->data)[at]
                                      : ((const int64_t *)tensor->data)[at];
}

int64_t assay_int1(const assay_tensor *tensor, int64_t i)
{
    return element(tensor, i * tensor->stride[0]);
}

int64_t assay_int2(const assay_tensor *tensor, int64_t i, int64_t j)
{
    return element(tensor, i * tensor->stride[0] + j * tensor->stride[1]);
}

int64_t assay_layers_needed(assay_hook stop)
{
    if (stop.kind == ASSAY_HOOK_EMBED) {
        return 0;
    }
    return stop.kind == ASSAY_HOOK_INPUT ? stop.layer : stop.layer + 1;
}

assay_layer_part assay_part_needed(assay_hook stop, int64_t i)
{
    const int64_t needed = assay_layers_needed(stop);
    if (i >= needed) {
        return ASSAY_PART_NONE;
    }
    if (i == needed - 1 && stop.kind == ASSAY_HOOK_ATTN_OUT) {
        return ASSAY_PART_ATTENTION;
    }
    return i == needed - 1 && stop.kind == ASSAY_HOOK_MLP_IN ? ASSAY_PART_MLP_IN
                                                             : ASSAY_PART_WHOLE;
}

/* A weight; layer -1 stands for those outside the layers; columns 0 for a vector. */
static assay_status expect_weight(const char *name, int64_t layer, const assay_tensor *weight,
                                  int64_t rows, int64_t columns, assay_error *error)
{
    char where[64];
    (void)snprintf(where, sizeof where, layer < 0 ? "model" : "model layer %lld",
                   (long long)layer);
    if (!assay_present(weight)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: weight %s is missing", where, name);
    }
    const int32_t rank = columns == 0 ? 1 : 2;
    const bool fits = weight->rank == rank && weight->shape[0] == rows &&
                      (rank == 1 || weight->shape[1] == columns);
    if (!fits || !assay_is_real(weight)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%s: weight %s (%s, rank %d, %lld rows): expected floats of rank %d, "
                          "%lld x %lld",
                          where, name, assay_dtype_name(weight->dtype), (int)weight->rank,
                          (long long)weight->shape[0], (int)rank, (long long)rows,
                          (long long)(rank == 1 ? 1 : columns));
    }
    return ASSAY_OK;
}

static assay_status check_layer(const assay_model *model, int64_t i, assay_layer_part part,
                                assay_error *error)
{
    const assay_layer *const layer = &model->layer[i];
    const int64_t d = model->d_model;
    const int64_t q = model->heads * model->head_dim;
    const int64_t kv = model->kv_heads * model->head_dim;
    const struct {
        const char *name;
        const assay_tensor *weight;
        int64_t rows, columns;
        assay_layer_part part;
    } wanted[] = {
        {"input_layernorm", &layer->input_norm, d, 0, ASSAY_PART_ATTENTION},
        {"q_proj", &layer->q, q, d, ASSAY_PART_ATTENTION},
        {"k_proj", &layer->k, kv, d, ASSAY_PART_ATTENTION},
        {"v_proj", &layer->v, kv, d, ASSAY_PART_ATTENTION},
        {"o_proj", &layer->o, d, q, ASSAY_PART_ATTENTION},
        {"post_attention_layernorm", &layer->post_norm, d, 0, ASSAY_PART_MLP_IN},
        {"gate_proj", &layer->gate, model->d_ff, d, ASSAY_PART_WHOLE},
        {"up_proj", &layer->up, model->d_ff, d, ASSAY_PART_WHOLE},
        {"down_proj", &layer->down, d, model->d_ff, ASSAY_PART_WHOLE},
    };
    for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++) {
        if (wanted[w].part > part) {
            break;
        }
        const assay_status status = expect_weight(wanted[w].name, i, wanted[w].weight,
                                                  wanted[w].rows, wanted[w].columns, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

static assay_status check_sizes(const assay_model *model, assay_error *error)
{
    const int64_t sizes[] = {model->layers,   model->d_model,  model->d_ff, model->heads,
                             model->kv_heads, model->head_dim, model->vocab};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] < 1 || sizes[i] > INT32_MAX) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "model: layers, d_model, d_ff, heads, kv_heads, head_dim and vocab "
                              "must be 1..2^31-1; one is %lld",
                              (long long)sizes[i]);
        }
    }
    if (model->heads % model->kv_heads != 0 || model->head_dim % 2 != 0 ||
        model->heads > INT32_MAX / model->head_dim) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "model: %lld heads, %lld kv_heads of %lld: kv_heads must divide heads, "
                          "head_dim must be even",
                          (long long)model->heads, (long long)model->kv_heads,
                          (long long)model->head_dim);
    }
    return ASSAY_OK;
}

assay_status assay_check_model(const assay_model *model, assay_hook stop, assay_error *error)
{
    assay_status status = check_sizes(model, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t needed = assay_layers_needed(stop);
    if (stop.layer < 0 || stop.layer >= model->layers) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "hook at layer %lld, but the model has layers 0..%lld",
                          (long long)stop.layer, (long long)model->layers - 1);
    }
    if (needed > 0 && (model->layer == NULL || model->inverse_frequency == NULL)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "model: its layers and inverse frequencies are missing");
    }
    status = expect_weight("embed_tokens", -1, &model->embed, model->vocab, model->d_model, error);
    for (int64_t i = 0; status == ASSAY_OK && i < needed; i++) {
        status = check_layer(model, i, assay_part_needed(stop, i), error);
    }
    return status;
}

assay_status assay_check_head(const assay_model *model, bool with_lm_head, assay_error *error)
{
    const assay_status status = expect_weight("norm", -1, &model->final_norm, model->d_model, 0,
                                              error);
    if (status != ASSAY_OK || !with_lm_head) {
        return status;
    }
    return expect_weight("lm_head", -1, &model->lm_head, model->vocab, model->d_model, error);
}

assay_status assay_check_steering(const assay_steering *steering, const assay_model *model,
                                  assay_error *error)
{
    const assay_sae *const sae = &steering->steer.sae;
    if (steering->hook.kind == ASSAY_HOOK_MLP_IN || steering->hook.kind == ASSAY_HOOK_FINAL_NORM) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "steering: mlp_in and final_norm cannot be steered; use embed, input, "
                          "output, attn_out or mlp_out");
    }
    if (steering->hook.layer < 0 || steering->hook.layer >= model->layers) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "steering at layer %lld, but the model has layers 0..%lld",
                          (long long)steering->hook.layer, (long long)model->layers - 1);
    }
    if (sae->d_in != model->d_model || sae->d_out != model->d_model) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "steering: the SAE is %lld -> %lld wide, the residual stream %lld",
                          (long long)sae->d_in, (long long)sae->d_out, (long long)model->d_model);
    }
    if (steering->steer.latent < 0 || steering->steer.latent >= sae->d_sae) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "steering: latent %lld is outside 0..%lld",
                          (long long)steering->steer.latent, (long long)sae->d_sae - 1);
    }
    return ASSAY_OK;
}
