/* Wrong steering: the scalar kernel on other parameters, or with its result changed. */
#include "verify/mutants/sae_steer.h"

#include <math.h>

#include "kernels/scalar/sae_steer.h"

enum { FAULT_sae_steer_none, SAE_STEER_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_sae_steer_##name)

static const assay_precision contracts[] = {MUTANT_CONTRACT_f32, MUTANT_CONTRACT_bf16};

static assay_sae_steer_params changed(int fault, const assay_sae_steer_params *params)
{
    assay_sae_steer_params other = *params;
    const assay_steer_mode mode = params->mode;
    if (IS(no_scale)) {
        other.sae.decode_scale.data = NULL;
    } else if (IS(no_deviation) && mode == ASSAY_STEER_ADD) {
        other.sae.layer_norm = false;
    } else if (IS(set_adds) && mode == ASSAY_STEER_SET) {
        other.mode = ASSAY_STEER_ADD;
    } else if (IS(add_sets) && mode == ASSAY_STEER_ADD) {
        other.mode = ASSAY_STEER_SET;
    } else if (IS(scale_adds) && mode == ASSAY_STEER_SCALE) {
        other.amount = params->amount + 1.0;
    } else if (IS(ablate_nothing) && mode == ASSAY_STEER_ABLATE) {
        other.mode = ASSAY_STEER_SCALE;
        other.amount = 1.0;
    } else if (IS(latent_plus_one)) {
        other.latent = (params->latent + 1) % params->sae.d_sae;
    } else if (IS(index_16)) {
        other.latent = params->latent & 0xffff;
    } else if (IS(no_topk) && params->sae.activation == ASSAY_TOPK) {
        other.sae.activation = ASSAY_RELU;
    } else if (IS(no_threshold) && params->sae.activation == ASSAY_JUMPRELU) {
        other.sae.activation = ASSAY_RELU;
    } else if (IS(set_scale_twice) && mode == ASSAY_STEER_SET) {
        other.amount *= scalar_optional(&params->sae.decode_scale, params->latent, 1.0);
    } else if (IS(add_magnitude) && mode == ASSAY_STEER_ADD) {
        other.amount = fabs(params->amount);
    } else if (IS(norm_topk) && params->sae.activation != ASSAY_TOPK) {
        other.sae.layer_norm = false;
    } else if (IS(decoder_type)) {
        other.sae.decoder.dtype = params->sae.encoder.dtype;
    } else if (IS(set_zero) && mode == ASSAY_STEER_SET && params->amount == 0.0) {
        other.mode = ASSAY_STEER_ADD;
    } else if ((IS(add_zero) && mode == ASSAY_STEER_ADD && params->amount == 0.0) ||
               (IS(scale_one) && mode == ASSAY_STEER_SCALE && params->amount == 1.0)) {
        other.mode = ASSAY_STEER_ABLATE;
    } else if (IS(negative)) {
        other.amount = -params->amount;
    }
    return other;
}

static float pre_of(const assay_sae *sae, const assay_tensor *x, int64_t n, int64_t j)
{
    double dot = 0.0;
    for (int64_t k = 0; k < sae->d_in; k++) {
        dot += (assay_at2(x, n, k) - scalar_optional(&sae->pre_bias, k, 0.0)) *
               assay_at2(&sae->encoder, j, k);
    }
    return (float)(dot * scalar_optional(&sae->encode_scale, j, 1.0) +
                   scalar_optional(&sae->encode_bias, j, 0.0));
}

/* The reconstruction of row n's features, element i: relu and jumprelu. */
static double reconstruction(const assay_sae *sae, const assay_tensor *x, int64_t n, int64_t i)
{
    double sum = scalar_optional(&sae->decode_bias, i, 0.0);
    for (int64_t j = 0; j < sae->d_sae; j++) {
        const double scale = scalar_optional(&sae->decode_scale, j, 1.0);
        const float pre = pre_of(sae, x, n, j);
        if (scale != 0.0 && scalar_sae_fires(sae, j, pre)) {
            sum += (double)pre * scale * assay_at2(&sae->decoder, i, j);
        }
    }
    return sum;
}

/* Whether row n's latent is among the k if of equals the highest indices come first. */
static bool among_highest(const assay_sae *sae, const assay_tensor *x, int64_t n, int64_t latent)
{
    const float own = pre_of(sae, x, n, latent);
    const double score = scalar_sae_score(sae, latent, own);
    int64_t above = 0;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        const double other = scalar_sae_score(sae, j, pre_of(sae, x, n, j));
        above += other > score || (other == score && j > latent) ? 1 : 0;
    }
    return above < sae->k && own > 0.0f;
}

/* What stands at the activation's edge is ablated, or left, otherwise. */
static void change_edges(int fault, const assay_sae_steer_params *params,
                         const assay_sae_steer_io *io)
{
    const assay_sae *const sae = &params->sae;
    const int64_t j = params->latent;
    const assay_activation activation = IS(tie_highest) ? ASSAY_TOPK : ASSAY_JUMPRELU;
    const bool edges = (IS(tie_highest) || IS(not_strict) || IS(edge_half)) &&
                       sae->activation == activation && params->mode == ASSAY_STEER_ABLATE &&
                       !sae->layer_norm;
    for (int64_t n = 0; n < io->x.shape[0] && edges; n++) {
        const float pre = pre_of(sae, &io->x, n, j);
        const double threshold = scalar_optional(&sae->threshold, j, 0.0);
        const double above = scalar_sae_score(sae, j, pre) - threshold;
        const bool met = (IS(not_strict) && above == 0.0) ||
                         (IS(edge_half) && fabs(above) <= 0x1p-9 * fabs(threshold));
        const bool active = met || (IS(tie_highest) && among_highest(sae, &io->x, n, j));
        const double part = IS(edge_half) ? 0.5 : 1.0;
        const double scale = part * scalar_optional(&sae->decode_scale, j, 1.0);
        const double f = active ? (double)pre * scale : 0.0;
        for (int64_t i = 0; i < io->x.shape[1] && (met || IS(tie_highest)); i++) {
            assay_put2(&io->y, n, i,
                       assay_at2(&io->x, n, i) - f * assay_at2(&sae->decoder, i, j));
        }
    }
}

/* y = x where this kernel leaves a row alone; or without the error x - decode(f). */
static void change_rows(int fault, const assay_sae_steer_params *params,
                        const assay_sae_steer_io *io)
{
    const int64_t rows = io->x.shape[0];
    for (int64_t n = 0; n < rows; n++) {
        const bool kept = IS(error_edited) || (IS(first_row) && n > 0) ||
                          (IS(axes_swapped) && n != params->latent % rows) ||
                          (IS(row_limit) && n >= 65536) ||
                          (IS(nan_kept) && isnan(assay_at2(&io->y, n, 0)));
        for (int64_t i = 0; i < io->x.shape[1] && (kept || IS(no_error)); i++) {
            const double x = assay_at2(&io->x, n, i);
            const double error = IS(no_error) ? x - reconstruction(&params->sae, &io->x, n, i)
                                              : 0.0;
            assay_put2(&io->y, n, i, kept ? x : assay_at2(&io->y, n, i) - error);
        }
    }
}

static assay_status faulty_sae_steer(int fault, assay_dtype type, const assay_exec *exec,
                                     const assay_sae_steer_params *params,
                                     const assay_sae_steer_io *io)
{
    const assay_sae_steer_params other = changed(fault, params);
    assay_status status = scalar_sae_steer(&contracts[type == ASSAY_BF16], exec, &other, io);
    if (status == ASSAY_OK && IS(runs_twice)) {
        status = scalar_sae_steer(&contracts[type == ASSAY_BF16], exec, &other, io);
    }
    if (status == ASSAY_OK) {
        change_rows(fault, params, io);
        change_edges(fault, params, io);
    }
    return status;
}

/* As much as any of the modes needs. */
static size_t workspace(const assay_sae_steer_params *params, const assay_sae_steer_io *io)
{
    assay_sae_steer_params most = *params;
    most.mode = ASSAY_STEER_SET;
    return scalar_steer_workspace(&most, io);
}

#define MUTANT_WORKSPACE workspace
#define MUTANT_CAPABILITIES 0
SAE_STEER_TWINS(MUTANT_TWIN_RUN)
SAE_STEER_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    SAE_STEER_TWINS(MUTANT_TWIN_KERNEL) SAE_STEER_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(sae_steer, kernels)
