#include "verify/chain_inputs.h"

assay_status assay_repeat(assay_arena *arena, const assay_tensor *source, int64_t replicas,
                          assay_tensor *repeated, assay_error *error)
{
    memset(repeated, 0, sizeof *repeated);
    if (!assay_present(source)) {
        return ASSAY_OK;
    }
    int64_t shape[ASSAY_RANK_MAX];
    memcpy(shape, source->shape, sizeof shape);
    shape[0] *= replicas;
    if (!assay_is_dense(source)) {
        return assay_fail(error, ASSAY_INTERNAL, "a chain's input is not dense");
    }
    const size_t size = (size_t)assay_count(source) * assay_dtype_size(source->dtype);
    const assay_status status = assay_buffer_make(arena, source->dtype, source->rank, shape,
                                                  repeated, error);
    for (int64_t r = 0; status == ASSAY_OK && r < replicas; r++) {
        memcpy((char *)repeated->data + (size_t)r * size, source->data, size);
    }
    return status;
}

assay_status assay_repeat_pairs(assay_arena *arena, const assay_tensor *source, int64_t batch,
                                int64_t replicas, assay_tensor *repeated, assay_error *error)
{
    memset(repeated, 0, sizeof *repeated);
    if (!assay_present(source)) {
        return ASSAY_OK;
    }
    const int64_t pairs = source->shape[0];
    const int64_t shape[2] = {pairs * replicas, 2};
    const assay_status status = assay_buffer_make(arena, ASSAY_I64, 2, shape, repeated, error);
    for (int64_t i = 0; status == ASSAY_OK && i < pairs * replicas; i++) {
        int64_t *const pair = (int64_t *)repeated->data + 2 * i;
        pair[0] = (int64_t)assay_at2(source, i % pairs, 0) + i / pairs * batch;
        pair[1] = (int64_t)assay_at2(source, i % pairs, 1);
    }
    return status;
}

double assay_activation_bytes(const assay_model *model, int64_t rows, int64_t cached,
                              int64_t logits)
{
    const double kv = 2.0 * (double)(model->kv_heads * model->head_dim);
    const double row = 4.0 * (double)model->d_model + 2.0 * (double)model->d_ff + kv +
                       (double)(model->heads * model->head_dim);
    const double caches = cached > 0 ? (double)(cached * model->layers) : (double)rows;
    return 8.0 * (row * (double)rows + kv * caches + (double)model->vocab * (double)logits);
}
