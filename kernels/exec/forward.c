#include "kernels/exec/forward_layer.h"

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

static bool steers_at(const assay_pass *pass, assay_hook_kind kind, int64_t layer)
{
    const assay_steering *const steering = &pass->forward->steering;
    return steering->on && pass->batch->steer && is_at(steering->hook, kind, layer);
}

bool assay_pass_goes_on(const assay_pass *pass, assay_hook_kind kind, int64_t layer)
{
    return !steers_at(pass, kind, layer) && !is_at(pass->forward->stop, kind, layer);
}

assay_status assay_pass_reach(assay_pass *pass, assay_hook_kind kind, int64_t layer,
                              const assay_tensor *rows)
{
    assay_forward *const forward = pass->forward;
    assay_status status = ASSAY_OK;
    if (steers_at(pass, kind, layer)) {
        const assay_sae_steer_io io = {.x = *rows, .y = *rows};
        status = assay_call_sae_steer(&forward->runner, &forward->steer, &io);
    }
    if (status == ASSAY_OK && forward->visit != NULL) {
        forward->visit(forward->visit_context, (assay_hook){kind, layer}, rows);
    }
    if (is_at(forward->stop, kind, layer)) {
        pass->done = true;
        *pass->result = *rows;
    }
    return status;
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
    assay_pass pass = {.forward = forward, .batch = batch, .result = result};
    assay_status status = batch->kept ? ASSAY_OK : assay_forward_send(forward);
    if (status == ASSAY_OK) {
        status = assay_call_embed(&forward->runner, &forward->embed, &io);
    }
    if (status == ASSAY_OK) {
        status = assay_pass_reach(&pass, ASSAY_HOOK_EMBED, 0, &hidden);
    }
    for (int64_t i = 0; status == ASSAY_OK && !pass.done; i++) {
        status = assay_pass_reach(&pass, ASSAY_HOOK_INPUT, i, &hidden);
        if (status == ASSAY_OK && !pass.done) {
            status = assay_pass_layer(&pass, i);
        }
    }
    return status;
}
