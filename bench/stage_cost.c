#include "bench/stage_cost.h"

#include <string.h>

typedef struct layer_cost {
    double matrices;   /* multiply-adds a token */
    double per_past;   /* multiply-adds a token and position attended to */
    double cache;      /* bytes a position keeps */
} layer_cost;

static layer_cost cost_of(const assay_model *model)
{
    const double d = (double)model->d_model;
    const double wide = (double)(model->heads * model->head_dim);
    const double narrow = (double)(model->kv_heads * model->head_dim);
    return (layer_cost){.matrices = d * (2.0 * wide + 2.0 * narrow + 3.0 * (double)model->d_ff),
                        .per_past = 2.0 * wide,
                        .cache = 2.0 * narrow * 2.0};
}

/* Layers that run before the hook's rows are there. */
static double layers_run(const assay_model *model, const assay_stage_size *size)
{
    if (size->op != ASSAY_OP_capture || size->hook.kind == ASSAY_HOOK_FINAL_NORM) {
        return (double)model->layers;
    }
    return size->hook.kind == ASSAY_HOOK_EMBED   ? 0.0
           : size->hook.kind == ASSAY_HOOK_INPUT ? (double)size->hook.layer
                                                 : (double)size->hook.layer + 1.0;
}

void assay_stage_work(const assay_model *model, const assay_stage_size *size,
                      assay_bench_work *work)
{
    const layer_cost layer = cost_of(model);
    const double layers = layers_run(model, size);
    const double batch = (double)size->batch;
    const double tokens = (double)size->tokens;
    const double mean_length = tokens / batch;
    const double head = (double)model->d_model * (double)model->vocab;
    const double steps = (double)size->new_tokens;
    memset(work, 0, sizeof *work);
    work->rows = tokens;
    work->tokens = tokens + batch * steps;
    work->explanations = size->op == ASSAY_OP_explain ? batch : 0.0;
    work->flops = 2.0 * (tokens - (double)size->shared) * layers *
                  (layer.matrices + layer.per_past * mean_length / 2.0);
    work->bytes_read = 2.0 * layers * layer.matrices;
    if (size->op == ASSAY_OP_capture) {
        work->bytes_written = tokens * (double)model->d_model * 2.0;
    } else {
        /* The last token's logits come from the prompt; every further one takes a decode step. */
        const double context = mean_length + steps / 2.0;
        work->flops += 2.0 * batch * steps * head +
                       2.0 * batch * (steps - 1.0) * layers *
                           (layer.matrices + layer.per_past * context);
        work->bytes_read += 2.0 * steps * head + (steps - 1.0) * 2.0 * layers * layer.matrices +
                            (steps - 1.0) * batch * layers * layer.cache * context;
        work->bytes_written = batch * steps * 8.0;
    }
    work->declared_bytes_read = work->bytes_read;
}
