/* sae_steer: only the edited latent is encoded; topk needs its whole row, to know whether it is
 * among the k. The update is taken in f64 and rounded once. */
#ifndef KERNELS_SCALAR_SAE_STEER_H
#define KERNELS_SCALAR_SAE_STEER_H

#include "kernels/scalar/sae.h"

static inline bool scalar_steer_encodes(const assay_sae_steer_params *params)
{
    return params->mode != ASSAY_STEER_ADD;
}

static inline bool scalar_steer_ranks(const assay_sae_steer_params *params)
{
    return scalar_steer_encodes(params) && params->sae.activation == ASSAY_TOPK;
}

static inline size_t scalar_steer_workspace(const assay_sae_steer_params *params,
                                            const assay_sae_steer_io *io)
{
    if (!scalar_steer_encodes(params)) {
        return 0;
    }
    const int64_t latents = scalar_steer_ranks(params) ? params->sae.d_sae : 1;
    return (size_t)(scalar_min(SCALAR_BLOCK, io->x.shape[0]) * (params->sae.d_in + latents)) *
           sizeof(float);
}

/* topk: a latent is chosen when fewer than k stand above it. */
static inline bool scalar_steer_chosen(const assay_sae *sae, const float *pre, int64_t latent)
{
    int64_t above = 0;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        above += j != latent && scalar_sae_below(sae, pre, latent, j) ? 1 : 0;
    }
    return above < sae->k && (isnan(pre[latent]) || pre[latent] > 0.0f);
}

/* f_j of a block of rows. */
static inline void scalar_steer_encode(const assay_precision *contract, const assay_exec *exec,
                                       const assay_sae_steer_params *params,
                                       const assay_sae_steer_io *io, int64_t first, int64_t rows,
                                       float *feature)
{
    const assay_sae *const sae = &params->sae;
    float *const z = exec->workspace;
    float *const pre = z + rows * sae->d_in;
    scalar_sae_input(sae, &io->x, first, rows, z);
    if (scalar_steer_ranks(params)) {
        scalar_sae_block(exec, sae, contract->output, z, rows, pre);
        for (int64_t r = 0; r < rows; r++) {
            const float *const row = pre + r * sae->d_sae;
            const bool chosen = scalar_steer_chosen(sae, row, params->latent);
            feature[r] = chosen ? row[params->latent] : 0.0f;
        }
        return;
    }
    scalar_sae_latent(sae, contract->output, params->latent, z, rows, pre, 1);
    for (int64_t r = 0; r < rows; r++) {
        feature[r] = scalar_sae_fires(sae, params->latent, pre[r]) ? pre[r] : 0.0f;
    }
}

/* f' - f */
static inline double scalar_steer_change(const assay_sae_steer_params *params, double feature)
{
    switch (params->mode) {
    case ASSAY_STEER_ADD: return params->amount;
    case ASSAY_STEER_SET: return params->amount - feature;
    case ASSAY_STEER_SCALE: return feature * params->amount - feature;
    case ASSAY_STEER_ABLATE: break;
    }
    return 0.0 - feature;
}

static inline void scalar_steer_row(const assay_sae_steer_params *params,
                                    const assay_sae_steer_io *io, int64_t row, double feature)
{
    const assay_sae *const sae = &params->sae;
    const double scale = scalar_optional(&sae->decode_scale, params->latent, 1.0);
    double change = scalar_steer_change(params, feature) * scale;
    if (sae->layer_norm && scale != 0.0) {
        change *= scalar_row_moments(&io->x, row).deviation;
    }
    for (int64_t i = 0; i < sae->d_out; i++) {
        const double x = assay_at2(&io->x, row, i);
        const double step = scale == 0.0 ? 0.0 : change * assay_at2(&sae->decoder, i,
                                                                    params->latent);
        assay_put2(&io->y, row, i, scale == 0.0 ? x : x + step);
    }
}

static inline assay_status scalar_sae_steer(const assay_precision *contract,
                                            const assay_exec *exec,
                                            const assay_sae_steer_params *params,
                                            const assay_sae_steer_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, scalar_steer_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t total = io->x.shape[0];
    for (int64_t first = 0; first < total; first += SCALAR_BLOCK) {
        const int64_t rows = scalar_min(SCALAR_BLOCK, total - first);
        float feature[SCALAR_BLOCK] = {0};
        if (scalar_steer_encodes(params)) {
            scalar_steer_encode(contract, exec, params, io, first, rows, feature);
        }
        for (int64_t r = 0; r < rows; r++) {
            scalar_steer_row(params, io, first + r, (double)feature[r]);
        }
    }
    return ASSAY_OK;
}

#endif
