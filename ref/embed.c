/* embed: y[n,:] = table[id[n],:], or soft[s,:] where soft_at[s] = n.
 *
 * Error model: the value is rounded once, to the output type, so
 *   bound = u_out |y| + half a least subnormal (the least normal when flushing), or 0 where the
 *   value is one of the output type and is not flushed;  sigma = 0.
 * Source: assay/embed.h (torch.nn.functional.embedding). */
#include "ref/operands.h"
#include "ref/rounding.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_embed_params *params, const assay_embed_io *io,
                                 assay_error *error)
{
    assay_status status = ref_expect_matrix("embed", "table", &params->table, REF_REAL, REF_ANY,
                                            REF_ANY, error);
    if (status == ASSAY_OK) {
        status = ref_expect_vector("embed", "id", &io->id, REF_INTEGER, REF_ANY, error);
    }
    if (status != ASSAY_OK || !assay_present(&io->soft)) {
        return status;
    }
    status = ref_expect_matrix("embed", "soft", &io->soft, REF_REAL, REF_ANY,
                               params->table.shape[1], error);
    if (status == ASSAY_OK) {
        status = ref_expect_vector("embed", "soft_at", &io->soft_at, REF_INTEGER,
                                   io->soft.shape[0], error);
    }
    return status;
}

assay_status assay_ref_embed_check(const assay_embed_params *params, const assay_embed_io *io,
                                   assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("embed", "y", &io->y, REF_REAL, io->id.shape[0],
                                                  params->table.shape[1], error);
}

assay_cost assay_ref_embed_cost(const assay_embed_params *params, const assay_embed_io *io)
{
    const double row = (double)params->table.shape[1];
    const double read = (double)io->id.shape[0] * row *
                        (double)assay_dtype_size(params->table.dtype);
    const assay_cost cost = {0.0, read + ref_bytes(&io->id), ref_bytes(&io->y), 1};
    return cost;
}

/* The row of table (or, from -2 down, of soft: -2 - s) that output row n takes. */
static assay_status choose_rows(const assay_embed_params *params, const assay_embed_io *io,
                                int64_t *source, assay_error *error)
{
    const int64_t count = io->id.shape[0];
    for (int64_t n = 0; n < count; n++) {
        const int64_t id = (int64_t)assay_at1(&io->id, n);
        source[n] = id < 0 ? -1 : id; /* an id is not asked of a row that is injected */
    }
    const int64_t injected = assay_present(&io->soft) ? io->soft.shape[0] : 0;
    for (int64_t s = 0; s < injected; s++) {
        const int64_t n = (int64_t)assay_at1(&io->soft_at, s);
        if (n < 0 || n >= count) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "embed: soft_at[%lld] is row %lld, y has %lld rows", (long long)s,
                              (long long)n, (long long)count);
        }
        source[n] = -2 - s;
    }
    for (int64_t n = 0; n < count; n++) {
        if (source[n] == -1 || source[n] >= params->table.shape[0]) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "embed: id[%lld] is %lld, the table has %lld rows", (long long)n,
                              (long long)source[n], (long long)params->table.shape[0]);
        }
    }
    return ASSAY_OK;
}

static void copy_row(const ref_plan *plan, int64_t i, const assay_tensor *from, int64_t row,
                     const assay_embed_io *io, const ref_rounding *rounding,
                     const assay_error_model *model)
{
    for (int64_t j = 0; j < plan->columns; j++) {
        const double y = assay_at2(from, row, ref_plan_column(plan, j));
        assay_put2(&io->y, i, j, y);
        if (model == NULL) {
            continue;
        }
        const bool exact = ref_round(rounding->output, y) == y &&
                           (y == 0.0 || fabs(y) >= rounding->output_floor);
        if (exact) {
            ref_model_put_raw(model, i, j, y, 0.0, 0.0);
        } else {
            ref_model_put(model, rounding, i, j, y, 0.0, 0.0);
        }
    }
}

assay_status assay_ref_embed(const assay_embed_params *params, const assay_embed_io *io,
                             const assay_subset *subset, const assay_precision *contract,
                             const assay_error_model *model, assay_error *error)
{
    int64_t *source = NULL;
    ref_plan plan;
    ref_rounding rounding;
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("embed", io->id.shape[0], params->table.shape[1], subset, &io->y,
                               model, &plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    source = malloc(((size_t)io->id.shape[0] + 1) * sizeof *source);
    if (source == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "embed: no memory for %lld row numbers",
                          (long long)io->id.shape[0]);
    }
    status = choose_rows(params, io, source, error);
    for (int64_t i = 0; status == ASSAY_OK && i < plan.rows; i++) {
        const int64_t from = source[ref_plan_row(&plan, i)];
        copy_row(&plan, i, from >= 0 ? &params->table : &io->soft, from >= 0 ? from : -2 - from,
                 io, &rounding, wanted ? model : NULL);
    }
    free(source);
    return status;
}
