#include "verify/explain/memory.h"

#include "kernels/exec/stage.h"

enum { BATCH_MAX = 64, PROMPT_BUFFERS = 8 /* rows of d_model that a composed layer keeps */ };

/* Bytes for one row: its KV cache, its logits, and the prompt's activations of one layer. Doubles,
 * since hostile sizes must not wrap. */
static double row_bytes(const assay_model *model, size_t prompt_tokens, int64_t new_tokens,
                        size_t element)
{
    const double tokens = (double)prompt_tokens + (double)new_tokens;
    const double cache = tokens * 2.0 * (double)model->layers * (double)model->kv_heads *
                         (double)model->head_dim;
    const double logits = 2.0 * (double)model->vocab;
    const double prompt = (double)prompt_tokens * (PROMPT_BUFFERS * (double)model->d_model +
                                                   3.0 * (double)model->d_ff);
    return (cache + logits + prompt) * (double)element + tokens * 8.0;
}

assay_status assay_explain_batch(const assay_explain_session *session, const assay_model *model,
                                 size_t prompt_tokens, size_t rows, double kept_bytes,
                                 size_t *batch, assay_error *error)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    const size_t element = assay_dtype_size(assay_table_activation(session->table));
    const double row = row_bytes(model, prompt_tokens, session->settings.max_new_tokens, element);
    const double memory = (double)session->exec.device.memory_bytes;
    const double kept = kept_bytes * (double)rows;
    if (kept + row > memory) {
        return assay_fail(error, ASSAY_NO_MEMORY, "this needs %.1f GiB besides the weights, and "
                          "%.1f GiB are free; ask for fewer tokens or fewer vectors at once",
                          (kept + row) / gib, memory / gib);
    }
    const double fits = (memory - kept) / 2.0 / row;
    const size_t limit = rows < BATCH_MAX ? rows : BATCH_MAX;
    *batch = fits < 1.0 ? 1 : fits < (double)limit ? (size_t)fits : limit;
    return ASSAY_OK;
}
