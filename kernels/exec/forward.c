#include "kernels/exec/forward.h"

assay_tensor assay_rows_of(const assay_tensor *matrix, int64_t rows)
{
    assay_tensor view = *matrix;
    view.shape[0] = rows;
    return view;
}

assay_tensor assay_column_of(const assay_tensor *matrix, int64_t rows)
{
    assay_tensor column = assay_vector(matrix->data, matrix->dtype, rows);
    column.space = matrix->space;
    return column;
}

void assay_forward_set(assay_forward *forward, int64_t row, int64_t token, int64_t sequence,
                       int64_t position)
{
    ((int64_t *)forward->set_id.data)[row] = token;
    ((int32_t *)forward->set_sequence.data)[row] = (int32_t)sequence;
    ((int32_t *)forward->set_position.data)[row] = (int32_t)position;
}

assay_status assay_forward_gather(assay_forward *forward, const assay_tensor *from,
                                  const assay_tensor *row, const assay_tensor *to)
{
    const assay_embed_params params = {.table = *from};
    const assay_embed_io io = {.id = *row, .y = *to};
    assay_bound_embed gather;
    assay_status status = assay_bind_embed(&forward->runner, &forward->table, &params, &gather);
    if (status == ASSAY_OK) {
        status = assay_call_embed(&forward->runner, &gather, &io);
    }
    assay_unbind_embed(&forward->runner, &gather);
    return status;
}

static bool is_at(assay_hook hook, assay_hook_kind kind, int64_t layer)
{
    return hook.kind == kind && (kind == ASSAY_HOOK_EMBED || hook.layer == layer);
}

/* A place of the forward pass is reached: `rows` is steered there if asked, shown to a visitor, and
 * is the result if the pass ends there. */
static assay_status reach(assay_forward *forward, const assay_batch *batch, assay_hook_kind kind,
                          int64_t layer, const assay_tensor *rows, bool *done, assay_tensor *result)
{
    assay_status status = ASSAY_OK;
    const assay_steering *const steering = &forward->steering;
    if (steering->on && batch->steer && is_at(steering->hook, kind, layer)) {
        const assay_sae_steer_io io = {.x = *rows, .y = *rows};
        status = assay_call_sae_steer(&forward->runner, &forward->steer, &io);
    }
    if (status == ASSAY_OK && forward->visit != NULL) {
        forward->visit(forward->visit_context, (assay_hook){kind, layer}, rows);
    }
    if (is_at(forward->stop, kind, layer)) {
        *done = true;
        *result = *rows;
    }
    return status;
}

static assay_status project(assay_forward *forward, const assay_bound_linear *linear,
                            const assay_tensor *x, const assay_tensor *y)
{
    const assay_linear_io io = {.x = *x, .y = *y};
    return assay_call_linear(&forward->runner, linear, &io);
}

/* The layer's part of the caches as [slots, capacity, kv_heads*head_dim]. */
static assay_tensor cache_of(const assay_forward *forward, int64_t layer, int64_t which)
{
    const int64_t index = 2 * (forward->keeps_caches ? layer : 0) + which;
    const int64_t width = forward->model.kv_heads * forward->model.head_dim;
    const int64_t shape[3] = {forward->slots, forward->capacity, width};
    const int64_t size = (int64_t)assay_dtype_size(forward->type);
    char *const data = forward->cache.data;
    assay_tensor cache = assay_dense(data + index * forward->cache.shape[1] * size, forward->type,
                                     3, shape);
    cache.space = forward->cache.space;
    return cache;
}

static assay_status rotate_and_attend(assay_forward *forward, const assay_batch *batch,
                                      int64_t layer, const assay_tensor *q, const assay_tensor *k,
                                      const assay_tensor *v)
{
    const assay_tensor position = assay_column_of(&forward->position, batch->rows);
    const assay_rope_io rotate_q = {.x = *q, .position = position, .y = *q};
    const assay_rope_io rotate_k = {.x = *k, .position = position, .y = *k};
    const assay_attention_io attend = {.q = *q,
                                       .k = *k,
                                       .v = *v,
                                       .sequence = assay_column_of(&forward->sequence,
                                                                   batch->rows),
                                       .position = position,
                                       .k_cache = cache_of(forward, layer, 0),
                                       .v_cache = cache_of(forward, layer, 1),
                                       .max_position = batch->max_position,
                                       .y = *q};
    assay_status status = assay_call_rope(&forward->runner, &forward->rope, &rotate_q);
    if (status == ASSAY_OK) {
        status = assay_call_rope(&forward->runner, &forward->rope, &rotate_k);
    }
    if (status == ASSAY_OK) {
        status = assay_call_attention(&forward->runner, &forward->attention, &attend);
    }
    return status;
}

/* hidden -> out: the attention's output before the residual add. */
static assay_status attention_part(assay_forward *forward, const assay_batch *batch, int64_t layer,
                                   const assay_tensor *hidden, const assay_tensor *out)
{
    const assay_bound_layer *const bound = &forward->layer[layer];
    const assay_tensor normed = assay_rows_of(&forward->normed, batch->rows);
    const assay_tensor q = assay_rows_of(&forward->q, batch->rows);
    const assay_tensor k = assay_rows_of(&forward->k, batch->rows);
    const assay_tensor v = assay_rows_of(&forward->v, batch->rows);
    const assay_rmsnorm_io norm = {.x = *hidden, .y = normed};
    assay_status status = assay_call_rmsnorm(&forward->runner, &bound->input_norm, &norm);
    if (status == ASSAY_OK) {
        status = project(forward, &bound->q, &normed, &q);
    }
    if (status == ASSAY_OK) {
        status = project(forward, &bound->k, &normed, &k);
    }
    if (status == ASSAY_OK) {
        status = project(forward, &bound->v, &normed, &v);
    }
    if (status == ASSAY_OK) {
        status = rotate_and_attend(forward, batch, layer, &q, &k, &v);
    }
    return status != ASSAY_OK ? status : project(forward, &bound->o, &q, out);
}

/* normed -> out: the MLP's output before the residual add. */
static assay_status mlp_part(assay_forward *forward, const assay_batch *batch, int64_t layer,
                             const assay_tensor *normed, const assay_tensor *out)
{
    const assay_bound_layer *const bound = &forward->layer[layer];
    const assay_tensor gate = assay_rows_of(&forward->gate, batch->rows);
    const assay_tensor up = assay_rows_of(&forward->up, batch->rows);
    const assay_swiglu_io io = {.gate = gate, .up = up, .y = gate};
    assay_status status = project(forward, &bound->gate, normed, &gate);
    if (status == ASSAY_OK) {
        status = project(forward, &bound->up, normed, &up);
    }
    if (status == ASSAY_OK) {
        status = assay_call_swiglu(&forward->runner, &forward->swiglu, &io);
    }
    return status != ASSAY_OK ? status : project(forward, &bound->down, &gate, out);
}

static assay_status run_layer(assay_forward *forward, const assay_batch *batch, int64_t i,
                              bool *done, assay_tensor *result)
{
    const assay_tensor hidden = assay_rows_of(&forward->hidden, batch->rows);
    const assay_tensor normed = assay_rows_of(&forward->normed, batch->rows);
    const assay_tensor out = assay_rows_of(&forward->out, batch->rows);
    const assay_add_io add = {.a = hidden, .b = out, .y = hidden};
    const assay_rmsnorm_io norm = {.x = hidden, .y = normed};
    assay_status status = attention_part(forward, batch, i, &hidden, &out);
    if (status == ASSAY_OK) {
        status = reach(forward, batch, ASSAY_HOOK_ATTN_OUT, i, &out, done, result);
    }
    if (status != ASSAY_OK || *done) {
        return status;
    }
    status = assay_call_add(&forward->runner, &forward->add, &add);
    if (status == ASSAY_OK) {
        status = assay_call_rmsnorm(&forward->runner, &forward->layer[i].post_norm, &norm);
    }
    if (status == ASSAY_OK) {
        status = reach(forward, batch, ASSAY_HOOK_MLP_IN, i, &normed, done, result);
    }
    if (status != ASSAY_OK || *done) {
        return status;
    }
    status = mlp_part(forward, batch, i, &normed, &out);
    if (status == ASSAY_OK) {
        status = reach(forward, batch, ASSAY_HOOK_MLP_OUT, i, &out, done, result);
    }
    if (status != ASSAY_OK || *done) {
        return status;
    }
    status = assay_call_add(&forward->runner, &forward->add, &add);
    return status != ASSAY_OK
               ? status
               : reach(forward, batch, ASSAY_HOOK_OUTPUT, i, &hidden, done, result);
}

/* In one copy: both blocks begin alike. */
assay_status assay_forward_send(const assay_forward *forward)
{
    const assay_tensor set = {.data = forward->block, .dtype = ASSAY_U8, .rank = 1,
                              .shape = {forward->set_bytes}, .stride = {1}};
    return forward->set_block == NULL
               ? ASSAY_OK
               : assay_space_write(&forward->runner, forward->set_block, &set);
}

assay_status assay_forward_run(assay_forward *forward, const assay_batch *batch,
                               assay_tensor *result)
{
    const assay_tensor hidden = assay_rows_of(&forward->hidden, batch->rows);
    const assay_embed_io io = {.id = assay_column_of(&forward->id, batch->rows),
                               .soft = batch->soft,
                               .soft_at = batch->soft_at,
                               .y = hidden};
    bool done = false;
    assay_status status = batch->kept ? ASSAY_OK : assay_forward_send(forward);
    if (status == ASSAY_OK) {
        status = assay_call_embed(&forward->runner, &forward->embed, &io);
    }
    if (status == ASSAY_OK) {
        status = reach(forward, batch, ASSAY_HOOK_EMBED, 0, &hidden, &done, result);
    }
    for (int64_t i = 0; status == ASSAY_OK && !done; i++) {
        status = reach(forward, batch, ASSAY_HOOK_INPUT, i, &hidden, &done, result);
        if (status == ASSAY_OK && !done) {
            status = run_layer(forward, batch, i, &done, result);
        }
    }
    return status;
}
