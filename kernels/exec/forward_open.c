/* Binding a model's layers up to a hook, and the buffers that they run in. */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/forward.h"
#include "kernels/exec/memory.h"
#include "kernels/exec/stage.h"

static assay_status bind_norm(assay_forward *forward, const assay_tensor *weight,
                              assay_bound_rmsnorm *bound)
{
    const assay_rmsnorm_params params = {.weight = *weight, .eps = forward->model.rms_eps};
    return assay_bind_rmsnorm(&forward->runner, &forward->table, &params, bound);
}

static assay_status bind_linear(assay_forward *forward, const assay_tensor *weight,
                                assay_bound_linear *bound)
{
    const assay_linear_params params = {.weight = *weight};
    return assay_bind_linear(&forward->runner, &forward->table, &params, bound);
}

/* Binds what the stop needs of layer i and nothing more. */
static assay_status bind_layer(assay_forward *forward, int64_t i)
{
    const assay_layer *const layer = &forward->model.layer[i];
    assay_bound_layer *const bound = &forward->layer[i];
    const assay_layer_part part = assay_part_needed(forward->stop, i);
    assay_status status = bind_norm(forward, &layer->input_norm, &bound->input_norm);
    status = status != ASSAY_OK ? status : bind_linear(forward, &layer->q, &bound->q);
    status = status != ASSAY_OK ? status : bind_linear(forward, &layer->k, &bound->k);
    status = status != ASSAY_OK ? status : bind_linear(forward, &layer->v, &bound->v);
    status = status != ASSAY_OK ? status : bind_linear(forward, &layer->o, &bound->o);
    if (status == ASSAY_OK && part >= ASSAY_PART_MLP_IN) {
        status = bind_norm(forward, &layer->post_norm, &bound->post_norm);
    }
    if (status == ASSAY_OK && part >= ASSAY_PART_WHOLE) {
        status = bind_linear(forward, &layer->gate, &bound->gate);
        status = status != ASSAY_OK ? status : bind_linear(forward, &layer->up, &bound->up);
        status = status != ASSAY_OK ? status : bind_linear(forward, &layer->down, &bound->down);
    }
    return status;
}

static assay_status bind_shared(assay_forward *forward)
{
    const assay_model *const model = &forward->model;
    const assay_runner *const runner = &forward->runner;
    const assay_table *const table = &forward->table;
    const assay_embed_params embed = {.table = model->embed};
    const assay_add_params add = {.d = model->d_model};
    const assay_rope_params rope = {.head_dim = model->head_dim,
                                    .inverse_frequency = model->inverse_frequency};
    const assay_attention_params attention = {.heads = model->heads,
                                              .kv_heads = model->kv_heads,
                                              .head_dim = model->head_dim};
    const assay_swiglu_params swiglu = {.d = model->d_ff};
    assay_status status = assay_bind_embed(runner, table, &embed, &forward->embed);
    status = status != ASSAY_OK ? status : assay_bind_add(runner, table, &add, &forward->add);
    status = status != ASSAY_OK ? status : assay_bind_rope(runner, table, &rope, &forward->rope);
    status = status != ASSAY_OK
                 ? status
                 : assay_bind_attention(runner, table, &attention, &forward->attention);
    status = status != ASSAY_OK ? status
                                : assay_bind_swiglu(runner, table, &swiglu, &forward->swiglu);
    if (status == ASSAY_OK && forward->steering.on) {
        status = assay_bind_sae_steer(runner, table, &forward->steering.steer, &forward->steer);
    }
    return status;
}

assay_status assay_forward_open(assay_forward *forward, const assay_table *table,
                                const assay_exec *exec, const assay_model *model, assay_hook stop,
                                const assay_steering *steering, bool keeps_caches)
{
    memset(forward, 0, sizeof *forward);
    assay_runner_open(&forward->runner, exec, table);
    forward->table = *table;
    forward->fusions = assay_fusions_of_layers(table);
    forward->model = *model;
    forward->stop = stop;
    forward->keeps_caches = keeps_caches;
    forward->type = assay_table_activation(table);
    if (steering != NULL) {
        forward->steering = *steering;
    }
    assay_status status = assay_check_model(model, stop, exec->error);
    if (status == ASSAY_OK && forward->steering.on) {
        status = assay_check_steering(&forward->steering, model, exec->error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t layers = assay_layers_needed(stop);
    forward->layer = calloc((size_t)layers + 1, sizeof *forward->layer);
    if (forward->layer == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory to bind %lld layers",
                          (long long)layers);
    }
    forward->layer_count = layers;
    status = bind_shared(forward);
    for (int64_t i = 0; status == ASSAY_OK && i < layers; i++) {
        status = bind_layer(forward, i);
    }
    return status;
}

static void unbind_layer(const assay_runner *runner, assay_bound_layer *layer)
{
    assay_unbind_rmsnorm(runner, &layer->input_norm);
    assay_unbind_rmsnorm(runner, &layer->post_norm);
    assay_unbind_linear(runner, &layer->q);
    assay_unbind_linear(runner, &layer->k);
    assay_unbind_linear(runner, &layer->v);
    assay_unbind_linear(runner, &layer->o);
    assay_unbind_linear(runner, &layer->gate);
    assay_unbind_linear(runner, &layer->up);
    assay_unbind_linear(runner, &layer->down);
}

void assay_forward_close(assay_forward *forward)
{
    const assay_runner *const runner = &forward->runner;
    for (int64_t i = 0; i < forward->layer_count; i++) {
        unbind_layer(runner, &forward->layer[i]);
    }
    free(forward->layer);
    assay_unbind_embed(runner, &forward->embed);
    assay_unbind_add(runner, &forward->add);
    assay_unbind_rope(runner, &forward->rope);
    assay_unbind_attention(runner, &forward->attention);
    assay_unbind_swiglu(runner, &forward->swiglu);
    assay_unbind_sae_steer(runner, &forward->steer);
    assay_space_return(runner, &forward->block);
    assay_space_return(runner, &forward->cache_block);
    assay_memory_return(&runner->exec, &forward->set_block);
    assay_runner_close(&forward->runner);
    memset(forward, 0, sizeof *forward);
}

/* Where the caller sets the rows of a call: kernels' memory, unless that is a device's. */
static assay_status reserve_set(assay_forward *forward, int64_t rows)
{
    assay_tensor *const set[] = {&forward->set_id, &forward->set_sequence, &forward->set_position};
    const assay_tensor *const read[] = {&forward->id, &forward->sequence, &forward->position};
    enum { COUNT = sizeof set / sizeof set[0] };
    assay_layout layout = {0};
    assay_memory_return(&forward->runner.exec, &forward->set_block);
    if (forward->runner.accelerator == NULL) {
        for (size_t i = 0; i < COUNT; i++) {
            *set[i] = *read[i];
        }
        forward->row_capacity = rows;
        return ASSAY_OK;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assay_layout_place(&layout, set[i], read[i]->dtype, rows, 1);
    }
    const assay_status status = assay_memory_take(&forward->runner.exec, layout.bytes,
                                                  "rows of a call", &forward->set_block);
    for (size_t i = 0; i < COUNT && status == ASSAY_OK; i++) {
        assay_layout_settle(forward->set_block, set[i]);
    }
    forward->set_bytes = (int64_t)layout.bytes;
    forward->row_capacity = status == ASSAY_OK ? rows : 0;
    return status;
}

static assay_status reserve_rows(assay_forward *forward, int64_t rows)
{
    const assay_model *const model = &forward->model;
    const int64_t q_width = model->heads * model->head_dim;
    const int64_t kv_width = model->kv_heads * model->head_dim;
    const assay_dtype type = forward->type;
    assay_tensor *const all[] = {&forward->id,  &forward->sequence, &forward->position,
                                 &forward->hidden, &forward->normed, &forward->q,
                                 &forward->k,   &forward->v,        &forward->out,
                                 &forward->gate, &forward->up};
    const assay_dtype types[] = {ASSAY_I64, ASSAY_I32, ASSAY_I32, type, type, type,
                                 type,      type,      type,      type, type};
    const int64_t widths[] = {1,        1,        1,              model->d_model, model->d_model,
                              q_width,  kv_width, kv_width,       model->d_model, model->d_ff,
                              model->d_ff};
    enum { COUNT = sizeof all / sizeof all[0] };
    assay_layout layout = {0};
    forward->row_capacity = 0;
    assay_space_return(&forward->runner, &forward->block);
    for (size_t i = 0; i < COUNT; i++) {
        assay_layout_place(&layout, all[i], types[i], rows, widths[i]);
    }
    const assay_status status = assay_space_take(&forward->runner, layout.bytes, "activations",
                                                 &forward->block);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assay_layout_settle(forward->block, all[i]);
        assay_space_mark(&forward->runner, all[i]);
    }
    return reserve_set(forward, rows);
}

static assay_status reserve_caches(assay_forward *forward, int64_t slots, int64_t capacity)
{
    const int64_t layers = forward->keeps_caches ? forward->layer_count : 1;
    const int64_t width = forward->model.kv_heads * forward->model.head_dim;
    const uint64_t positions = assay_size_times((uint64_t)slots, (uint64_t)capacity);
    const uint64_t elements = assay_size_times(positions, (uint64_t)width);
    assay_layout layout = {0};
    forward->slots = 0;
    forward->capacity = 0;
    assay_space_return(&forward->runner, &forward->cache_block);
    if (elements > (uint64_t)INT64_MAX / 16) {
        return assay_fail(forward->runner.exec.error, ASSAY_NO_MEMORY,
                          "key/value caches of %lld sequences of %lld positions are too large; use "
                          "fewer or shorter rows",
                          (long long)slots, (long long)capacity);
    }
    assay_layout_place(&layout, &forward->cache, forward->type, 2 * layers, (int64_t)elements);
    const assay_status status = assay_space_take(&forward->runner, layout.bytes,
                                                 "key/value caches", &forward->cache_block);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_layout_settle(forward->cache_block, &forward->cache);
    assay_space_mark(&forward->runner, &forward->cache);
    forward->slots = slots;
    forward->capacity = capacity;
    return ASSAY_OK;
}

assay_status assay_forward_reserve(assay_forward *forward, int64_t rows, int64_t slots,
                                   int64_t capacity)
{
    assay_status status = ASSAY_OK;
    if (rows > forward->row_capacity) {
        status = reserve_rows(forward, rows);
    }
    const bool cached = forward->layer_count > 0;
    if (status == ASSAY_OK && cached &&
        (slots > forward->slots || capacity > forward->capacity)) {
        status = reserve_caches(forward, slots, capacity);
    }
    return status;
}

assay_status assay_head_open(assay_head *head, const assay_forward *forward, bool with_lm_head)
{
    const assay_model *const model = &forward->model;
    const assay_rmsnorm_params norm = {.weight = model->final_norm, .eps = model->rms_eps};
    const assay_linear_params lm_head = {.weight = model->lm_head};
    memset(head, 0, sizeof *head);
    assay_status status = assay_check_head(model, with_lm_head, forward->runner.exec.error);
    if (status == ASSAY_OK) {
        status = assay_bind_rmsnorm(&forward->runner, &forward->table, &norm, &head->norm);
    }
    if (status == ASSAY_OK && with_lm_head) {
        status = assay_bind_linear(&forward->runner, &forward->table, &lm_head, &head->lm_head);
    }
    return status;
}

void assay_head_close(assay_head *head, const assay_forward *forward)
{
    assay_unbind_rmsnorm(&forward->runner, &head->norm);
    assay_unbind_linear(&forward->runner, &head->lm_head);
}
