#include "kernels/exec/prefill.h"

#include <stdlib.h>

#include "kernels/exec/check.h"
#include "kernels/exec/memory.h"

static int compare_rows(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

assay_status assay_prompts_rows(const assay_prompts *prompts, const assay_tensor *pairs,
                                int64_t *row, assay_error *error)
{
    const int64_t batch = prompts->lengths.shape[0];
    int64_t *const start = malloc((size_t)batch * sizeof *start);
    if (start == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for %lld prompts", (long long)batch);
    }
    int64_t at = 0;
    for (int64_t b = 0; b < batch; b++) {
        start[b] = at;
        at += assay_int1(&prompts->lengths, b);
    }
    for (int64_t p = 0; p < pairs->shape[0]; p++) {
        row[p] = start[assay_int2(pairs, p, 0)] + assay_int2(pairs, p, 1);
    }
    free(start);
    return ASSAY_OK;
}

/* The rows of all soft tokens, allocated. */
static assay_status soft_rows(const assay_prompts *prompts, int64_t **rows, assay_error *error)
{
    const int64_t count = prompts->soft_at.shape[0];
    *rows = malloc((size_t)(count + 1) * sizeof **rows);
    if (*rows == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for %lld soft tokens",
                          (long long)count);
    }
    return assay_prompts_rows(prompts, &prompts->soft_at, *rows, error);
}

static assay_status check_distinct(const assay_prompts *prompts, assay_error *error)
{
    int64_t *rows = NULL;
    assay_status status = soft_rows(prompts, &rows, error);
    const int64_t count = status == ASSAY_OK ? prompts->soft_at.shape[0] : 0;
    if (count > 1) {
        qsort(rows, (size_t)count, sizeof *rows, compare_rows);
    }
    for (int64_t s = 1; s < count && status == ASSAY_OK; s++) {
        if (rows[s] == rows[s - 1]) {
            status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                                "soft_at: one position is named twice; name each once");
        }
    }
    free(rows);
    return status;
}

assay_status assay_prompts_check(assay_prompts *prompts, const assay_model *model,
                                 assay_error *error)
{
    assay_status status = assay_check_prompts(&prompts->tokens, &prompts->lengths, model->vocab,
                                              &prompts->rows, &prompts->longest, error);
    const bool any = assay_present(&prompts->soft_at) && prompts->soft_at.shape[0] > 0;
    if (status != ASSAY_OK || !any) {
        return status;
    }
    status = assay_check_pairs("soft_at", &prompts->soft_at, &prompts->lengths, error);
    if (status == ASSAY_OK) {
        status = assay_check_matrix("soft", &prompts->soft, ASSAY_NONE, prompts->soft_at.shape[0],
                                    model->d_model, error);
    }
    return status != ASSAY_OK ? status : check_distinct(prompts, error);
}

assay_status assay_prefill(assay_forward *forward, const assay_prompts *prompts,
                           assay_tensor *result)
{
    assay_batch batch = {.rows = prompts->rows,
                         .max_position = prompts->longest - 1,
                         .steer = true};
    int64_t *soft_row = NULL;
    int64_t row = 0;
    for (int64_t b = 0; b < prompts->lengths.shape[0]; b++) {
        const int64_t length = assay_int1(&prompts->lengths, b);
        for (int64_t t = 0; t < length; t++) {
            assay_forward_set(forward, row++, assay_int2(&prompts->tokens, b, t), b, t);
        }
    }
    assay_status status = ASSAY_OK;
    if (assay_present(&prompts->soft_at) && prompts->soft_at.shape[0] > 0) {
        status = soft_rows(prompts, &soft_row, forward->runner.exec.error);
        batch.soft = prompts->soft;
        batch.soft_at = assay_vector(soft_row, ASSAY_I64, prompts->soft_at.shape[0]);
    }
    if (status == ASSAY_OK) {
        status = assay_forward_run(forward, &batch, result);
    }
    free(soft_row);
    return status;
}
