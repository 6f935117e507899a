/* Steps whose weights are a checkpoint's: sparse autoencoders and adapters. */
#include "verify/step_case.h"

static assay_status require_width(const assay_case_context *context, const char *role,
                                  const assay_tensor *tensor, int64_t width, assay_error *error)
{
    if (tensor->shape[1] == width) {
        return ASSAY_OK;
    }
    return assay_case_fail(context, error,
                           "tensor '%s' has %lld columns, the checkpoint wants %lld", role,
                           (long long)tensor->shape[1], (long long)width);
}

static assay_status golden_codes(const assay_case_context *context, bool input, assay_csr *codes,
                                 int64_t *rows, assay_error *error)
{
    assay_status (*const read)(const assay_case_context *, const char *, bool, assay_tensor *,
                               assay_error *) = input ? assay_case_in : assay_case_out;
    assay_status status = read(context, "row_offsets", true, &codes->row_offsets, error);
    if (status == ASSAY_OK) {
        status = read(context, "latent", true, &codes->latent, error);
    }
    if (status == ASSAY_OK) {
        status = read(context, "value", true, &codes->value, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    *rows = codes->row_offsets.shape[0] - 1;
    if (codes->row_offsets.rank != 1 || codes->latent.rank != 1 || codes->value.rank != 1 ||
        *rows < 0 || codes->latent.shape[0] != codes->value.shape[0] ||
        (int64_t)assay_at1(&codes->row_offsets, *rows) != codes->latent.shape[0]) {
        return assay_case_fail(context, error, "row_offsets, latent and value do not fit together");
    }
    return ASSAY_OK;
}

/* Offsets from 0 and monotone, latents in range and ascending (csr.h): a decode reads by them. */
static assay_status check_codes(const assay_case_context *context, const assay_csr *codes,
                                int64_t rows, int64_t d_sae, assay_error *error)
{
    const int64_t *const offset = codes->row_offsets.data;
    const int64_t *const latent = codes->latent.data;
    if (offset[0] != 0) {
        return assay_case_fail(context, error, "row_offsets[0] is %lld, expected 0",
                               (long long)offset[0]);
    }
    for (int64_t row = 0; row < rows; row++) {
        if (offset[row + 1] < offset[row] || offset[row + 1] > codes->latent.shape[0]) {
            return assay_case_fail(context, error, "row_offsets[%lld] = %lld: not monotone",
                                   (long long)row + 1, (long long)offset[row + 1]);
        }
        for (int64_t i = offset[row]; i < offset[row + 1]; i++) {
            if (latent[i] < 0 || latent[i] >= d_sae) {
                return assay_case_fail(context, error, "latent[%lld] = %lld, but d_sae is %lld",
                                       (long long)i, (long long)latent[i], (long long)d_sae);
            }
            if (i > offset[row] && latent[i] <= latent[i - 1]) {
                return assay_case_fail(context, error,
                                       "latent[%lld] = %lld after %lld: expected ascending "
                                       "latents in a row",
                                       (long long)i, (long long)latent[i],
                                       (long long)latent[i - 1]);
            }
        }
    }
    return ASSAY_OK;
}

static assay_status build_encode(const assay_case_context *context, assay_step_case *b,
                                 assay_error *error)
{
    const assay_sae_file *sae = NULL;
    assay_sae_encode_io *const io = &b->io.sae_encode;
    int64_t rows = 0;
    assay_status status = assay_checkpoints_sae(context->checkpoints, context->c, &sae, error);
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "x", true, ASSAY_NONE, 2, &io->x, error);
    }
    if (status == ASSAY_OK) {
        b->params.sae_encode.sae = sae->sae;
        status = require_width(context, "x", &io->x, sae->sae.d_in, error);
    }
    if (status == ASSAY_OK) {
        status = golden_codes(context, false, &b->codes, &rows, error);
    }
    if (status == ASSAY_OK && rows != io->x.shape[0]) {
        status = assay_case_fail(context, error, "row_offsets is of %lld rows, x of %lld",
                                 (long long)rows, (long long)io->x.shape[0]);
    }
    if (status == ASSAY_OK) {
        status = check_codes(context, &b->codes, rows, sae->sae.d_sae, error);
    }
    if (status == ASSAY_OK) {
        io->codes.row_offsets = assay_vector(NULL, ASSAY_I64, rows + 1);
        io->codes.latent = assay_vector(NULL, ASSAY_I32, rows * sae->sae.d_sae);
        io->codes.value = assay_vector(NULL, ASSAY_F32, rows * sae->sae.d_sae);
        io->dense = assay_matrix(NULL, ASSAY_F32, rows, sae->sae.d_sae);
    }
    return status;
}

static assay_status build_decode(const assay_case_context *context, assay_step_case *b,
                                 assay_error *error)
{
    const assay_sae_file *sae = NULL;
    assay_sae_decode_io *const io = &b->io.sae_decode;
    assay_csr codes;
    int64_t rows = 0;
    assay_status status = assay_checkpoints_sae(context->checkpoints, context->c, &sae, error);
    if (status == ASSAY_OK) {
        status = golden_codes(context, true, &codes, &rows, error);
    }
    if (status == ASSAY_OK) {
        status = check_codes(context, &codes, rows, sae->sae.d_sae, error);
    }
    if (status == ASSAY_OK) {
        b->params.sae_decode.sae = sae->sae;
        io->codes.row_offsets = codes.row_offsets;
        io->codes.value = codes.value;
        status = assay_buffer_convert(b->arena, &codes.latent, ASSAY_I32, &io->codes.latent, error);
    }
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "x", sae->sae.layer_norm, ASSAY_NONE, 2, &io->x,
                                      error);
    }
    if (status == ASSAY_OK && assay_present(&io->x)) {
        status = require_width(context, "x", &io->x, sae->sae.d_in, error);
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, rows, sae->sae.d_out);
        status = assay_case_out(context, "reconstruction", true, &b->expected, error);
    }
    return status;
}

static assay_status build_steer(const assay_case_context *context, assay_step_case *b,
                                assay_error *error)
{
    assay_sae_steer_io *const io = &b->io.sae_steer;
    assay_status status = assay_case_steer(context, &b->params.sae_steer, error);
    if (status == ASSAY_OK) {
        status = assay_step_case_take(context, b, "x", true, ASSAY_NONE, 2, &io->x, error);
    }
    if (status == ASSAY_OK) {
        status = require_width(context, "x", &io->x, b->params.sae_steer.sae.d_in, error);
    }
    if (status == ASSAY_OK && b->params.sae_steer.sae.d_in != b->params.sae_steer.sae.d_out) {
        status = assay_case_fail(context, error, "steering needs an SAE with d_in = d_out");
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, io->x.shape[0], io->x.shape[1]);
        status = assay_case_out(context, "x_steered", true, &b->expected, error);
    }
    return status;
}

static assay_status build_adapter(const assay_case_context *context, assay_step_case *b,
                                  assay_error *error)
{
    const assay_adapter_file *adapter = NULL;
    assay_adapter_io *const io = &b->io.adapter;
    assay_status status =
        assay_checkpoints_adapter(context->checkpoints, context->c, &adapter, error);
    if (status == ASSAY_OK) {
        b->params.adapter = adapter->params;
        status = assay_step_case_take(context, b, "x", true, ASSAY_NONE, 2, &io->x, error);
    }
    if (status == ASSAY_OK && adapter->d_model != 0) {
        status = require_width(context, "x", &io->x, adapter->d_model, error);
    }
    if (status == ASSAY_OK) {
        io->y = assay_matrix(NULL, ASSAY_F32, io->x.shape[0], io->x.shape[1]);
        status = assay_case_out(context, "soft", true, &b->expected, error);
    }
    return status;
}

assay_status assay_step_case_sae(const assay_case_context *context, assay_op op, assay_step_case *b,
                                 assay_error *error)
{
    switch (op) {
    case ASSAY_OP_sae_encode: return build_encode(context, b, error);
    case ASSAY_OP_sae_decode: return build_decode(context, b, error);
    case ASSAY_OP_sae_steer: return build_steer(context, b, error);
    default: return build_adapter(context, b, error);
    }
}
