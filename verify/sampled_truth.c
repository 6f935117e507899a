/* Truth and budgets of a subset, and the kernel's own numbers in it. */
#include "verify/sampled.h"

#include <stdlib.h>

/* The inputs the kernel saw, caches as the step gives them, and y as [rows, columns] float64. */
static assay_status subset_io(const assay_step *step, const assay_any_io *seen,
                              const assay_subset *subset, assay_arena *arena, assay_any_io *io,
                              assay_tensor **y, assay_error *error)
{
    const int64_t shape[2] = {subset->row_count, subset->column_count};
    const assay_operand *operand = assay_operands(step->op);
    assay_step_blank(step, io);
    *y = NULL;
    for (; operand->name != NULL; operand++) {
        assay_tensor *const to = assay_operand_of(io, operand);
        assay_status status = ASSAY_OK;
        if (operand->input && !operand->output) {
            *to = *assay_operand_in(seen, operand);
        } else if (operand->input) {
            status = assay_buffer_convert(arena, assay_operand_in(step->io, operand), ASSAY_F64, to,
                                          error);
        } else if (strcmp(operand->name, "y") == 0) {
            status = assay_buffer_make(arena, ASSAY_F64, 2, shape, to, error);
            *y = to;
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return *y != NULL ? ASSAY_OK
                      : assay_fail(error, ASSAY_INTERNAL, "%s is not judged by elements",
                                   assay_op_name(step->op));
}

#define SUBSET_OPS(X)                                                                              \
    X(embed) X(add) X(rmsnorm) X(linear) X(rope) X(attention) X(swiglu) X(sae_decode)              \
    X(sae_steer) X(adapter)

static assay_status reference(const assay_step *step, const void *io, const assay_subset *subset,
                              const assay_precision *contract, const assay_error_model *model,
                              assay_error *error)
{
    switch (step->op) {
#define SUBSET_CASE(name)                                                                          \
    case ASSAY_OP_##name:                                                                          \
        return assay_ref_##name(step->params, io, subset, contract, model, error);
        SUBSET_OPS(SUBSET_CASE)
#undef SUBSET_CASE
    default: return assay_fail(error, ASSAY_INTERNAL, "no elementwise reference for this op");
    }
}

/* bound += lambda sigma */
static double *settle(const assay_error_model *model, int64_t count)
{
    double *const bound = model->bound.data;
    const double *const sigma = model->sigma.data;
    const double lambda = assay_lambda();
    for (int64_t i = 0; i < count; i++) {
        bound[i] += lambda * sigma[i];
    }
    return bound;
}

assay_status assay_sampled_elements(const assay_step *step, const assay_any_io *seen,
                                    const assay_precision *contract, const assay_subset *subset,
                                    assay_arena *arena, double **truth, assay_budget *budget,
                                    assay_error *error)
{
    assay_any_io io;
    assay_tensor *y = NULL;
    assay_error_model model = {.quick = false};
    assay_status status = subset_io(step, seen, subset, arena, &io, &y, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, y->shape, &model.bound, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, y->shape, &model.sigma, error);
    }
    if (status == ASSAY_OK) {
        status = reference(step, &io, subset, contract, &model, error);
    }
    if (status == ASSAY_OK) {
        const int64_t count = subset->row_count * subset->column_count;
        *truth = y->data;
        *budget = (assay_budget){.rows = subset->row_count,
                                  .columns = subset->column_count,
                                  .value = settle(&model, count),
                                  .part = subset};
    }
    return status;
}

/* What a judge of codes reads of an autoencoder, for the subset's latents alone. */
static assay_status subset_sae(const assay_sae *sae, const assay_subset *subset, assay_arena *arena,
                               assay_sae *part, assay_error *error)
{
    *part = *sae;
    if (subset->columns == NULL) {
        return ASSAY_OK;
    }
    if (sae->activation == ASSAY_TOPK && subset->column_count != sae->d_sae) {
        return assay_fail(error, ASSAY_INTERNAL, "topk is judged by whole rows");
    }
    part->d_sae = subset->column_count;
    if (!assay_present(&sae->threshold)) {
        return ASSAY_OK;
    }
    const assay_status status = assay_buffer_make(arena, ASSAY_F64, 1, &subset->column_count,
                                                  &part->threshold, error);
    for (int64_t j = 0; status == ASSAY_OK && j < subset->column_count; j++) {
        assay_put1(&part->threshold, j, assay_at1(&sae->threshold, subset->columns[j]));
    }
    return status;
}

assay_status assay_sampled_codes(const assay_sae *sae, const assay_tensor *x,
                                 const assay_precision *contract, const assay_subset *subset,
                                 assay_arena *arena, assay_sae *part, assay_codes_truth *truth,
                                 assay_error *error)
{
    const int64_t shape[2] = {subset->row_count, subset->column_count};
    assay_tensor value[6]; /* pre, score, then bound and sigma of each */
    assay_status status = subset_sae(sae, subset, arena, part, error);
    for (int i = 0; i < 6 && status == ASSAY_OK; i++) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &value[i], error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_error_model pre_model = {.bound = value[2], .sigma = value[3]};
    const assay_error_model score_model = {.bound = value[4], .sigma = value[5]};
    status = assay_ref_sae_preactivations(sae, x, subset, contract, &value[0], &value[1],
                                          &pre_model, &score_model, error);
    if (status == ASSAY_OK) {
        const int64_t count = shape[0] * shape[1];
        *truth = (assay_codes_truth){.sae = part,
                                     .rows = shape[0],
                                     .pre = value[0].data,
                                     .score = value[1].data,
                                     .pre_budget = settle(&pre_model, count),
                                     .score_budget = settle(&score_model, count),
                                     .part = subset};
    }
    return status;
}

assay_status assay_sampled_gather(const assay_tensor *y, const assay_subset *subset,
                                  assay_arena *arena, assay_tensor *part, assay_error *error)
{
    const int64_t shape[2] = {subset->row_count, subset->column_count};
    const size_t size = assay_dtype_size(y->dtype);
    const assay_status status = assay_buffer_make(arena, y->dtype, 2, shape, part, error);
    for (int64_t i = 0; status == ASSAY_OK && i < shape[0]; i++) {
        const int64_t row = subset->rows[i] * y->stride[0];
        for (int64_t j = 0; j < shape[1]; j++) {
            const int64_t from = row + subset->columns[j] * y->stride[1];
            memcpy((char *)part->data + (size_t)(i * shape[1] + j) * size,
                   (const char *)y->data + (size_t)from * size, size);
        }
    }
    return status;
}

/* Both lists ascend, so one pass meets all that they share. Writes entries from *at on when out is
 * given; counts them in any case. */
static void shared_entries(const assay_csr *codes, int64_t row, const assay_subset *subset,
                           const assay_csr *out, int64_t *at)
{
    const int64_t end = (int64_t)assay_at1(&codes->row_offsets, row + 1);
    int64_t j = 0;
    for (int64_t e = (int64_t)assay_at1(&codes->row_offsets, row); e < end; e++) {
        const int64_t latent = (int64_t)assay_at1(&codes->latent, e);
        while (j < subset->column_count && subset->columns[j] < latent) {
            j++;
        }
        if (j < subset->column_count && subset->columns[j] == latent) {
            if (out != NULL) {
                assay_put1(&out->latent, *at, (double)j);
                assay_put1(&out->value, *at, assay_at1(&codes->value, e));
            }
            (*at)++;
        }
    }
}

assay_status assay_sampled_gather_codes(const assay_csr *codes, const assay_subset *subset,
                                        assay_arena *arena, assay_csr *part, assay_error *error)
{
    const int64_t offsets = subset->row_count + 1;
    int64_t count = 0;
    for (int64_t i = 0; i < subset->row_count; i++) {
        shared_entries(codes, subset->rows[i], subset, NULL, &count);
    }
    assay_status status =
        assay_buffer_make(arena, ASSAY_I64, 1, &offsets, &part->row_offsets, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_I32, 1, &count, &part->latent, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, codes->value.dtype, 1, &count, &part->value, error);
    }
    int64_t at = 0;
    for (int64_t i = 0; status == ASSAY_OK && i < subset->row_count; i++) {
        shared_entries(codes, subset->rows[i], subset, part, &at);
        assay_put1(&part->row_offsets, i + 1, (double)at);
    }
    return status;
}
