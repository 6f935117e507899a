/* capture, and logits of every row: prompts up to a hook, then the rows that are wanted. */
#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/memory.h"
#include "kernels/exec/prefill.h"
#include "kernels/exec/stage.h"

/* The layers, and the head where rows pass the final norm. */
struct assay_capture_stage {
    assay_bound_capture fused; /* kernel NULL: composed */
    assay_forward forward;
    assay_head head;
    bool normed;
};

static assay_hook last_output(const assay_model *model)
{
    return (assay_hook){.kind = ASSAY_HOOK_OUTPUT, .layer = model->layers - 1};
}

assay_status assay_capture_stage_open(const assay_table *table, const assay_exec *exec,
                                      const assay_capture_params *params,
                                      assay_capture_stage **stage)
{
    assay_status status = ASSAY_OK;
    assay_capture_stage *made = calloc(1, sizeof *made);
    *stage = NULL;
    if (made == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a capture");
    }
    if (table->kernel[ASSAY_OP_capture] != NULL) {
        assay_runner_open(&made->forward.runner, exec, table);
        status = assay_bind_capture(&made->forward.runner, table, params, &made->fused);
    } else {
        made->normed = params->hook.kind == ASSAY_HOOK_FINAL_NORM;
        const assay_hook stop = made->normed ? last_output(&params->model) : params->hook;
        status = assay_forward_open(&made->forward, table, exec, &params->model, stop, NULL, false);
        if (status == ASSAY_OK && made->normed) {
            status = assay_head_open(&made->head, &made->forward, false);
        }
    }
    *stage = made;
    if (status != ASSAY_OK) {
        assay_capture_stage_close(stage);
    }
    return status;
}

/* The rows that are wanted: those at positions, or all. */
static assay_status take_rows(assay_forward *forward, const assay_prompts *prompts,
                              const assay_tensor *positions, const assay_tensor *from,
                              const assay_tensor *to)
{
    const assay_exec *const exec = &forward->runner.exec;
    void *memory = NULL;
    const int64_t count = to->shape[0];
    assay_status status = assay_memory_take(exec, (uint64_t)count * sizeof(int64_t), "row numbers",
                                            &memory);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_tensor row = assay_vector(memory, ASSAY_I64, count);
    if (assay_present(positions)) {
        status = assay_prompts_rows(prompts, positions, memory, exec->error);
    } else {
        for (int64_t n = 0; n < count; n++) {
            ((int64_t *)memory)[n] = n;
        }
    }
    if (status == ASSAY_OK) {
        status = assay_forward_gather(forward, from, &row, to);
    }
    assay_memory_return(exec, &memory);
    return status;
}

assay_status assay_capture_stage_run(assay_capture_stage *stage, const assay_capture_io *io)
{
    assay_forward *const forward = &stage->forward;
    assay_error *const error = forward->runner.exec.error;
    if (stage->fused.kernel != NULL) {
        return assay_call_capture(&forward->runner, &stage->fused, io);
    }
    assay_prompts prompts = {.tokens = io->tokens, .lengths = io->lengths};
    const bool some = assay_present(&io->positions);
    assay_tensor rows;
    assay_status status = assay_prompts_check(&prompts, &forward->model, error);
    if (status == ASSAY_OK && some) {
        status = assay_check_pairs("positions", &io->positions, &io->lengths, error);
    }
    if (status == ASSAY_OK) {
        status = assay_check_matrix("residual", &io->residual, forward->type,
                                    some ? io->positions.shape[0] : prompts.rows,
                                    forward->model.d_model, error);
    }
    if (status == ASSAY_OK) {
        status = assay_forward_reserve(forward, prompts.rows, io->lengths.shape[0],
                                       prompts.longest);
    }
    if (status == ASSAY_OK) {
        status = assay_prefill(forward, &prompts, &rows);
    }
    if (status == ASSAY_OK) {
        status = take_rows(forward, &prompts, &io->positions, &rows, &io->residual);
    }
    if (status == ASSAY_OK && stage->normed) {
        const assay_rmsnorm_io norm = {.x = io->residual, .y = io->residual};
        status = assay_call_rmsnorm(&forward->runner, &stage->head.norm, &norm);
    }
    return status;
}

void assay_capture_stage_close(assay_capture_stage **stage)
{
    if (*stage == NULL) {
        return;
    }
    assay_unbind_capture(&(*stage)->forward.runner, &(*stage)->fused);
    assay_head_close(&(*stage)->head, &(*stage)->forward);
    assay_forward_close(&(*stage)->forward);
    free(*stage);
    *stage = NULL;
}

struct assay_logits_stage {
    assay_forward forward;
    assay_head head;
};

assay_status assay_logits_stage_open(const assay_table *table, const assay_exec *exec,
                                     const assay_model *model, assay_logits_stage **stage)
{
    assay_logits_stage *made = calloc(1, sizeof *made);
    *stage = NULL;
    if (made == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for logits");
    }
    assay_status status = assay_forward_open(&made->forward, table, exec, model,
                                             last_output(model), NULL, false);
    if (status == ASSAY_OK) {
        status = assay_head_open(&made->head, &made->forward, true);
    }
    *stage = made;
    if (status != ASSAY_OK) {
        assay_logits_stage_close(stage);
    }
    return status;
}

assay_status assay_logits_stage_run(assay_logits_stage *stage, const assay_logits_io *io)
{
    assay_forward *const forward = &stage->forward;
    assay_error *const error = forward->runner.exec.error;
    assay_prompts prompts = {.tokens = io->tokens, .lengths = io->lengths};
    assay_tensor rows;
    assay_status status = assay_prompts_check(&prompts, &forward->model, error);
    if (status == ASSAY_OK) {
        status = assay_check_matrix("logits", &io->logits, forward->type, prompts.rows,
                                    forward->model.vocab, error);
    }
    if (status == ASSAY_OK) {
        status = assay_forward_reserve(forward, prompts.rows, io->lengths.shape[0],
                                       prompts.longest);
    }
    if (status == ASSAY_OK) {
        status = assay_prefill(forward, &prompts, &rows);
    }
    if (status == ASSAY_OK) {
        const assay_rmsnorm_io norm = {.x = rows, .y = rows};
        status = assay_call_rmsnorm(&forward->runner, &stage->head.norm, &norm);
    }
    if (status == ASSAY_OK) {
        const assay_linear_io linear = {.x = rows, .y = io->logits};
        status = assay_call_linear(&forward->runner, &stage->head.lm_head, &linear);
    }
    return status;
}

void assay_logits_stage_close(assay_logits_stage **stage)
{
    if (*stage == NULL) {
        return;
    }
    assay_head_close(&(*stage)->head, &(*stage)->forward);
    assay_forward_close(&(*stage)->forward);
    free(*stage);
    *stage = NULL;
}
