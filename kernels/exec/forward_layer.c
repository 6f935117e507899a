/* A layer's ops, fused where the table brings fusions and nothing happens in between. */
#include "kernels/exec/forward_layer.h"

static assay_status project(assay_forward *forward, const assay_bound_linear *linear,
                            const assay_tensor *x, const assay_tensor *y)
{
    const assay_linear_io io = {.x = *x, .y = *y};
    return assay_call_linear(&forward->runner, linear, &io);
}

static assay_prepared_linear prepared(const assay_bound_linear *bound)
{
    return (assay_prepared_linear){&bound->params, bound->state};
}

/* hidden += out, the residual add. */
static assay_status add_out(assay_pass *pass)
{
    assay_forward *const forward = pass->forward;
    const assay_tensor hidden = assay_rows_of(&forward->hidden, pass->batch->rows);
    const assay_tensor out = assay_rows_of(&forward->out, pass->batch->rows);
    const assay_add_io io = {.a = hidden, .b = out, .y = hidden};
    return assay_call_add(&forward->runner, &forward->add, &io);
}

/* hidden -> normed. */
static assay_status norm_hidden(assay_pass *pass, const assay_bound_rmsnorm *norm)
{
    assay_forward *const forward = pass->forward;
    const assay_rmsnorm_io io = {.x = assay_rows_of(&forward->hidden, pass->batch->rows),
                                 .y = assay_rows_of(&forward->normed, pass->batch->rows)};
    return assay_call_rmsnorm(&forward->runner, norm, &io);
}

/* Both, fused; false where that is not to be had. */
static bool add_and_norm(assay_pass *pass, const assay_bound_rmsnorm *norm, assay_status *status)
{
    assay_forward *const forward = pass->forward;
    const assay_tensor hidden = assay_rows_of(&forward->hidden, pass->batch->rows);
    const assay_add_rmsnorm_steps steps = {
        .add = {&forward->add.params, forward->add.state}, .norm = {&norm->params, norm->state}};
    const assay_add_rmsnorm_io io = {.a = hidden,
                                     .b = assay_rows_of(&forward->out, pass->batch->rows),
                                     .sum = hidden,
                                     .y = assay_rows_of(&forward->normed, pass->batch->rows)};
    return assay_fuse_add_rmsnorm(&forward->runner, forward->fusions, &steps, &io, status);
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

static assay_status rotate_and_attend(assay_forward *forward, const assay_attention_io *io)
{
    const assay_rope_io rotate_q = {.x = io->q, .position = io->position, .y = io->q};
    const assay_rope_io rotate_k = {.x = io->k, .position = io->position, .y = io->k};
    const assay_rope_attention_steps steps = {
        .rope = {&forward->rope.params, forward->rope.state},
        .attention = {&forward->attention.params, forward->attention.state}};
    assay_status status = ASSAY_OK;
    if (assay_fuse_rope_attention(&forward->runner, forward->fusions, &steps, io, &status)) {
        return status;
    }
    status = assay_call_rope(&forward->runner, &forward->rope, &rotate_q);
    if (status == ASSAY_OK) {
        status = assay_call_rope(&forward->runner, &forward->rope, &rotate_k);
    }
    if (status == ASSAY_OK) {
        status = assay_call_attention(&forward->runner, &forward->attention, io);
    }
    return status;
}

static assay_status project_qkv(assay_forward *forward, const assay_bound_layer *bound,
                                const assay_tensor *normed, const assay_attention_io *io)
{
    const assay_linears_steps steps = {
        .count = 3, .linear = {prepared(&bound->q), prepared(&bound->k), prepared(&bound->v)}};
    const assay_linears_io all = {.x = *normed, .y = {io->q, io->k, io->v}};
    assay_status status = ASSAY_OK;
    if (assay_fuse_linears(&forward->runner, forward->fusions, &steps, &all, &status)) {
        return status;
    }
    status = project(forward, &bound->q, normed, &io->q);
    if (status == ASSAY_OK) {
        status = project(forward, &bound->k, normed, &io->k);
    }
    return status != ASSAY_OK ? status : project(forward, &bound->v, normed, &io->v);
}

/* hidden -> out: the attention's output before the residual add. */
static assay_status attention_part(assay_pass *pass, int64_t layer)
{
    assay_forward *const forward = pass->forward;
    const int64_t rows = pass->batch->rows;
    const assay_bound_layer *const bound = &forward->layer[layer];
    const assay_tensor normed = assay_rows_of(&forward->normed, rows);
    const assay_tensor out = assay_rows_of(&forward->out, rows);
    const assay_tensor q = assay_rows_of(&forward->q, rows);
    const assay_attention_io attend = {.q = q,
                                       .k = assay_rows_of(&forward->k, rows),
                                       .v = assay_rows_of(&forward->v, rows),
                                       .sequence = assay_column_of(&forward->sequence, rows),
                                       .position = assay_column_of(&forward->position, rows),
                                       .k_cache = cache_of(forward, layer, 0),
                                       .v_cache = cache_of(forward, layer, 1),
                                       .max_position = pass->batch->max_position,
                                       .y = q};
    assay_status status = ASSAY_OK;
    if (!pass->normed) {
        status = norm_hidden(pass, &bound->input_norm);
    }
    pass->normed = false;
    if (status == ASSAY_OK) {
        status = project_qkv(forward, bound, &normed, &attend);
    }
    if (status == ASSAY_OK) {
        status = rotate_and_attend(forward, &attend);
    }
    return status != ASSAY_OK ? status : project(forward, &bound->o, &q, &out);
}

static assay_status gate_and_up(assay_forward *forward, const assay_bound_layer *bound,
                                const assay_tensor *normed, const assay_swiglu_io *io)
{
    const assay_gate_up_swiglu_steps steps = {
        .gate = prepared(&bound->gate),
        .up = prepared(&bound->up),
        .swiglu = {&forward->swiglu.params, forward->swiglu.state}};
    const assay_gate_up_swiglu_io all = {.x = *normed, .y = io->y};
    assay_status status = ASSAY_OK;
    if (assay_fuse_gate_up_swiglu(&forward->runner, forward->fusions, &steps, &all, &status)) {
        return status;
    }
    status = project(forward, &bound->gate, normed, &io->gate);
    if (status == ASSAY_OK) {
        status = project(forward, &bound->up, normed, &io->up);
    }
    return status != ASSAY_OK ? status : assay_call_swiglu(&forward->runner, &forward->swiglu, io);
}

/* normed -> out: the MLP's output before the residual add. */
static assay_status mlp_part(assay_pass *pass, int64_t layer)
{
    assay_forward *const forward = pass->forward;
    const int64_t rows = pass->batch->rows;
    const assay_bound_layer *const bound = &forward->layer[layer];
    const assay_tensor normed = assay_rows_of(&forward->normed, rows);
    const assay_tensor gate = assay_rows_of(&forward->gate, rows);
    const assay_tensor out = assay_rows_of(&forward->out, rows);
    const assay_swiglu_io io = {.gate = gate, .up = assay_rows_of(&forward->up, rows), .y = gate};
    const assay_status status = gate_and_up(forward, bound, &normed, &io);
    return status != ASSAY_OK ? status : project(forward, &bound->down, &gate, &out);
}

static assay_status to_mlp(assay_pass *pass, int64_t i)
{
    const assay_bound_rmsnorm *const norm = &pass->forward->layer[i].post_norm;
    assay_status status = ASSAY_OK;
    if (add_and_norm(pass, norm, &status)) {
        return status;
    }
    status = add_out(pass);
    return status != ASSAY_OK ? status : norm_hidden(pass, norm);
}

/* The residual add at the end of layer i, with the next layer's norm where nothing lies between and
 * both are one call. */
static assay_status to_next(assay_pass *pass, int64_t i)
{
    assay_status status = ASSAY_OK;
    pass->normed = assay_pass_goes_on(pass, ASSAY_HOOK_OUTPUT, i) &&
                   assay_pass_goes_on(pass, ASSAY_HOOK_INPUT, i + 1) &&
                   add_and_norm(pass, &pass->forward->layer[i + 1].input_norm, &status);
    return pass->normed ? status : add_out(pass);
}

assay_status assay_pass_layer(assay_pass *pass, int64_t i)
{
    assay_forward *const forward = pass->forward;
    const assay_tensor hidden = assay_rows_of(&forward->hidden, pass->batch->rows);
    const assay_tensor normed = assay_rows_of(&forward->normed, pass->batch->rows);
    const assay_tensor out = assay_rows_of(&forward->out, pass->batch->rows);
    assay_status status = attention_part(pass, i);
    if (status == ASSAY_OK) {
        status = assay_pass_reach(pass, ASSAY_HOOK_ATTN_OUT, i, &out);
    }
    if (status != ASSAY_OK || pass->done) {
        return status;
    }
    status = to_mlp(pass, i);
    if (status == ASSAY_OK) {
        status = assay_pass_reach(pass, ASSAY_HOOK_MLP_IN, i, &normed);
    }
    if (status != ASSAY_OK || pass->done) {
        return status;
    }
    status = mlp_part(pass, i);
    if (status == ASSAY_OK) {
        status = assay_pass_reach(pass, ASSAY_HOOK_MLP_OUT, i, &out);
    }
    if (status != ASSAY_OK || pass->done) {
        return status;
    }
    status = to_next(pass, i);
    return status != ASSAY_OK ? status : assay_pass_reach(pass, ASSAY_HOOK_OUTPUT, i, &hidden);
}
