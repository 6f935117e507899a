/* What an op's header asks of the values of its indices and sizes: one that breaks it is no case,
 * and no kernel's fault. Shapes and types have been checked before. */
#include "verify/step_case.h"

static assay_status check_embed(const assay_case_context *context, assay_step_case *b,
                                assay_error *error)
{
    const assay_embed_io *const io = &b->io.embed;
    const int64_t rows = io->id.shape[0];
    const int64_t injected = assay_present(&io->soft) ? io->soft.shape[0] : 0;
    const int64_t table = b->params.embed.table.shape[0];
    uint8_t *const taken = assay_arena_take(b->arena, (size_t)rows + 1); /* zeros */
    if (taken == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld rows", (long long)rows);
    }
    for (int64_t s = 0; s < injected; s++) {
        const int64_t row = ((const int64_t *)io->soft_at.data)[s];
        if (row < 0 || row >= rows || taken[row] != 0) {
            return assay_case_fail(context, error,
                                   "soft_at[%lld] is %lld: expected distinct rows below %lld",
                                   (long long)s, (long long)row, (long long)rows);
        }
        taken[row] = 1;
    }
    for (int64_t n = 0; n < rows; n++) {
        const int64_t id = ((const int64_t *)io->id.data)[n];
        if (taken[n] == 0 && (id < 0 || id >= table)) {
            return assay_case_fail(context, error, "id[%lld] is %lld, the table has %lld rows",
                                   (long long)n, (long long)id, (long long)table);
        }
    }
    return ASSAY_OK;
}

static assay_status check_rope(const assay_case_context *context, const assay_step_case *b,
                               assay_error *error)
{
    const assay_rope_io *const io = &b->io.rope;
    for (int64_t n = 0; n < io->position.shape[0]; n++) {
        const int32_t position = ((const int32_t *)io->position.data)[n];
        if (position < 0) {
            return assay_case_fail(context, error, "position[%lld] is %d: expected 0 or more",
                                   (long long)n, (int)position);
        }
    }
    return ASSAY_OK;
}

/* Rows of one sequence stand together, at consecutive positions. */
static assay_status check_attention(const assay_case_context *context, assay_step_case *b,
                                    assay_error *error)
{
    const assay_attention_io *const io = &b->io.attention;
    const int32_t *const sequence = io->sequence.data;
    const int32_t *const position = io->position.data;
    uint8_t *const seen = assay_arena_take(b->arena, (size_t)io->k_cache.shape[0] + 1);
    if (seen == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld sequences",
                          (long long)io->k_cache.shape[0]);
    }
    for (int64_t n = 0; n < io->q.shape[0]; n++) {
        const bool same = n > 0 && sequence[n] == sequence[n - 1];
        if (same ? position[n] != position[n - 1] + 1 : seen[sequence[n]] != 0) {
            return assay_case_fail(context, error,
                                   "row %lld, position %d of sequence %d: expected the rows of a "
                                   "sequence together, at consecutive positions",
                                   (long long)n, (int)position[n], (int)sequence[n]);
        }
        seen[sequence[n]] = 1;
    }
    return ASSAY_OK;
}

assay_status assay_step_case_check(const assay_case_context *context, assay_op op,
                                   assay_step_case *b, assay_error *error)
{
    switch (op) {
    case ASSAY_OP_embed: return check_embed(context, b, error);
    case ASSAY_OP_rope: return check_rope(context, b, error);
    case ASSAY_OP_attention: return check_attention(context, b, error);
    case ASSAY_OP_rmsnorm:
        return b->params.rmsnorm.eps >= 0.0
                   ? ASSAY_OK
                   : assay_case_fail(context, error, "params: 'eps' is %g: expected 0 or more",
                                     b->params.rmsnorm.eps);
    default: return ASSAY_OK;
    }
}
