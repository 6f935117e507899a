/* sae_decode: xhat_i = sum_j f_j scale_j W_d[i,j] + bias_i over the listed latents, and with layer
 * norm xhat_i std + mean of the row that was encoded. Latents with scale 0 never take part.
 *
 * Under a contract the sum is of the operands that it promises to multiply: f_j scale_j rounded to
 * the multiply type, the weight to its storage and multiply types, or dequantised.
 *
 * Error model: the dot product's over the listed latents, the bias one more term (sums.h); the
 * multiply type's step where f_j scale_j, itself rounded, is that near to the edge of another
 * value; D, computed, of the operands that the contract leaves free (flushed; q * scale rounded);
 * the decode scale's own roundings (float64 to the working type, one or two products, wherever the
 * kernel applies it) are independent, 3 u sqrt(sum t_j^2). With layer norm: the relative error of
 * std, u for the product and u for the sum, the error of the mean:
 *   bound = (bound_sum + |D| + |round(bias) - bias|) std + |xhat| std (rho_std + u) + mean_err
 *           + u |y| + u_int |xhat| + u_out |y| + underflow
 *   sigma = std hypot(sigma_sum, 3 u sqrt(sum t^2)), and rho_std's and the mean's
 * An element that is infinite may be NaN where a subnormal is flushed that meets an infinity.
 * Source: assay/sae.h, assay/sae_decode.h. */
#include "ref/autoencoder.h"
#include "ref/quantise.h"
#include "ref/reach.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_codes(const assay_sae *sae, const assay_csr *codes, assay_error *error)
{
    assay_status status = ref_expect_vector("sae_decode", "row_offsets", &codes->row_offsets,
                                            REF_INTEGER, REF_ANY, error);
    if (status == ASSAY_OK) {
        status = ref_expect_vector("sae_decode", "latent", &codes->latent, REF_INTEGER, REF_ANY,
                                   error);
    }
    if (status == ASSAY_OK) {
        status = ref_expect_vector("sae_decode", "value", &codes->value, REF_REAL, REF_ANY, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = codes->row_offsets.shape[0] - 1;
    double last = 0.0;
    for (int64_t i = 0; i <= rows; i++) {
        const double offset = assay_at1(&codes->row_offsets, i);
        if (offset < last || (i == 0 && offset != 0.0) ||
            offset > (double)codes->latent.shape[0] || offset > (double)codes->value.shape[0]) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "sae_decode: row_offsets[%lld] is %.0f; expected 0, then ascending "
                              "up to the %lld entries given", (long long)i, offset,
                              (long long)codes->latent.shape[0]);
        }
        last = offset;
    }
    for (int64_t e = 0; e < (int64_t)last; e++) {
        const double j = assay_at1(&codes->latent, e);
        if (j < 0 || j >= (double)sae->d_sae) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "sae_decode: latent[%lld] is %.0f, the SAE has %lld latents",
                              (long long)e, j, (long long)sae->d_sae);
        }
    }
    return rows >= 0 ? ASSAY_OK
                     : assay_fail(error, ASSAY_BAD_ARGUMENT,
                                  "sae_decode: row_offsets is empty; expected rows + 1 elements");
}

static assay_status check_inputs(const assay_sae_decode_params *params,
                                 const assay_sae_decode_io *io, assay_error *error)
{
    assay_status status = ref_expect_decoder("sae_decode", &params->sae, error);
    if (status == ASSAY_OK) {
        status = check_codes(&params->sae, &io->codes, error);
    }
    if (status == ASSAY_OK && params->sae.layer_norm) {
        status = ref_expect_matrix("sae_decode", "x (layer norm needs the encoded rows)", &io->x,
                                   REF_REAL, io->codes.row_offsets.shape[0] - 1, params->sae.d_in,
                                   error);
    }
    return status;
}

assay_status assay_ref_sae_decode_check(const assay_sae_decode_params *params,
                                        const assay_sae_decode_io *io, assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("sae_decode", "y", &io->y, REF_REAL,
                                                  io->codes.row_offsets.shape[0] - 1,
                                                  params->sae.d_out, error);
}

assay_cost assay_ref_sae_decode_cost(const assay_sae_decode_params *params,
                                     const assay_sae_decode_io *io)
{
    const assay_sae *sae = &params->sae;
    const int64_t rows = io->codes.row_offsets.shape[0] - 1;
    const double entries = assay_at1(&io->codes.row_offsets, rows);
    double longest = 1.0;
    for (int64_t i = 0; i < rows; i++) {
        longest = fmax(longest, assay_at1(&io->codes.row_offsets, i + 1) -
                                    assay_at1(&io->codes.row_offsets, i));
    }
    const double column = (double)sae->d_out * (double)assay_dtype_size(sae->decoder.dtype);
    const assay_cost cost = {2.0 * entries * (double)sae->d_out,
                             entries * column + ref_bytes(&io->codes.row_offsets) +
                                 ref_bytes(&io->codes.latent) + ref_bytes(&io->codes.value) +
                                 ref_bytes(&sae->decode_bias),
                             ref_bytes(&io->y), (int64_t)longest};
    return cost;
}

typedef struct decode_job {
    const assay_sae *sae;
    const assay_sae_decode_io *io;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *model;  /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    bool varies;     /* other operands are as right */
    bool open;       /* a coefficient or the norm may leave the working type's range */
    bool narrow;     /* coefficients are rounded twice, to a multiply type narrower than f32 */
    int64_t longest; /* most entries of a row */
    int64_t count;   /* this row's entries with a scale that is not 0 */
    int64_t *latent; /* [longest] */
    double *factor;  /* [longest] f_j scale_j as multiplied */
    double *doubt;   /* [longest] what a kernel's may differ by: its f_j scale_j is rounded */
    double *scratch; /* threads x stretch */
    double *scales;  /* [longest, groups] of this row's latents; NULL: weights are not quantised */
    int64_t groups;  /* of a column of the decoder */
    ref_norm norm;
} decode_job;

static void load_row(decode_job *job, int64_t row)
{
    const assay_csr *codes = &job->io->codes;
    const int64_t end = (int64_t)assay_at1(&codes->row_offsets, row + 1);
    job->count = 0;
    job->open = job->sae->layer_norm && job->norm.open;
    for (int64_t e = (int64_t)assay_at1(&codes->row_offsets, row); e < end; e++) {
        const int64_t j = (int64_t)assay_at1(&codes->latent, e);
        const double scale = ref_latent_value(&job->sae->decode_scale, j, 1.0);
        if (scale != 0.0) {
            const double factor = assay_at1(&codes->value, e) * scale;
            job->open = job->open || (isfinite(factor) &&
                                      ref_reach_near(&job->rounding, fabs(factor), 1));
            job->latent[job->count] = j;
            job->factor[job->count] = ref_operand(&job->rounding, false, factor);
            job->doubt[job->count] = job->narrow
                ? ref_operand_doubt(&job->rounding, factor,
                                    3.0 * job->rounding.u_work * fabs(factor)) : 0.0;
            job->count++;
        }
    }
    for (int64_t e = 0; job->scales != NULL && e < job->count; e++) {
        const assay_tensor *decoder = &job->sae->decoder;
        ref_quantised_scales(job->contract, decoder, job->latent[e] * decoder->stride[1],
                             decoder->stride[0], job->sae->d_out, job->scales + e * job->groups);
    }
}

/* Whether the order of its sum decides an element (reach.h). */
static bool may_leave(const decode_job *job, const double *weight, double bias, double y,
                      double magnitude)
{
    const bool normed = job->sae->layer_norm;
    const ref_sum sum = {job->factor, weight, job->count, magnitude, bias,
                         normed ? job->norm.std : 1.0, normed ? job->norm.mean : 0.0};
    return (job->open && !isnan(y)) || ref_sum_leaves(&job->rounding, &sum, y) ||
           (ref_quantises(job->contract) &&
            ref_sum_quantised_leaves(&job->rounding, job->factor, job->count, y));
}

static void model_element(const decode_job *job, int64_t i, int64_t c, const double *weight,
                          double bias, double xhat, double y, double *terms)
{
    const ref_rounding *r = &job->rounding;
    const double *const with = assay_present(&job->sae->decode_bias) ? &bias : NULL;
    const ref_spread sum = ref_dot_spread(job->factor, weight, job->count, with, r, terms);
    double bound = sum.bound + ref_round_error(r->work, bias);
    double sigma = sum.sigma;
    double shift = 0.0;
    bool vanishes = false;
    for (int64_t e = 0; (job->narrow || job->varies) && e < job->count; e++) {
        bound += job->narrow ? job->doubt[e] * fabs(weight[e]) : 0.0;
        vanishes = vanishes || ref_product_may_vanish(r, job->factor[e], weight[e]);
        shift += ref_operand_else(r, false, job->factor[e]) * ref_operand_else(r, true, weight[e]) -
                 job->factor[e] * weight[e];
    }
    bound += job->varies ? ref_difference(shift, 0.0) : 0.0;
    if (assay_present(&job->sae->decode_scale)) {
        ref_independent(r, 3.0 * r->u_work * sum.norm, job->count, &bound, &sigma);
    }
    if (ref_quantises(job->contract)) {
        ref_quantised_error(r, xhat - bias, sum.norm, job->count, &bound, &sigma);
    }
    const bool kept = job->sae->layer_norm && !isnan(y) &&
                      ref_kept_leaves(r, fabs(xhat) + bound + REF_LAMBDA * sigma);
    if (job->sae->layer_norm) {
        const ref_norm *n = &job->norm;
        bound = (bound + r->u_intermediate * fabs(xhat)) * n->std +
                fabs(xhat) * n->std * (n->std_bound + r->u_work) + n->mean_bound +
                r->u_work * fabs(y);
        sigma = hypot(sigma * n->std, hypot(fabs(xhat) * n->std * n->std_sigma, n->mean_sigma));
    }
    if (kept || may_leave(job, weight, bias, y, sum.magnitude)) {
        ref_model_open(job->model, i, c);
    } else if (isinf(y) && vanishes) {
        ref_model_nan_too(job->model, i, c);
    } else {
        ref_model_put(job->model, r, i, c, y, bound, sigma);
    }
}

static void decode_row(const decode_job *job, int64_t i)
{
    const assay_sae *sae = job->sae;
    const int64_t stretch = 2 * job->longest + 1;
    const bool many =
        ref_worth_threads(4 * job->plan.columns * (job->count + 1), job->model != NULL);
#pragma omp parallel for schedule(static) if (many)
    for (int64_t c = 0; c < job->plan.columns; c++) {
        const int64_t column = ref_plan_column(&job->plan, c);
        double *weight = ref_own(job->scratch, stretch);
        for (int64_t e = 0; e < job->count; e++) {
            weight[e] = assay_at2(&sae->decoder, column, job->latent[e]);
        }
        if (job->scales != NULL) {
            ref_dequantise_column(job->contract, job->scales, job->groups, column, weight,
                                  job->count);
        }
        ref_operands(&job->rounding, true, sae->decoder.dtype, job->count, weight);
        const double bias = ref_latent_value(&sae->decode_bias, column, 0.0);
        const double xhat = ref_dot(job->factor, weight, job->count) + bias;
        const double y = sae->layer_norm ? xhat * job->norm.std + job->norm.mean : xhat;
        assay_put2(&job->io->y, i, c, y);
        if (job->model != NULL) {
            model_element(job, i, c, weight, bias, xhat, y, weight + job->longest);
        }
    }
}

static assay_status run_rows(decode_job *job, assay_error *error)
{
    const int64_t width = job->sae->d_in;
    double *row = ref_alloc(2 * width, error);
    assay_status status = row != NULL ? ASSAY_OK : ASSAY_NO_MEMORY;
    for (int64_t i = 0; status == ASSAY_OK && i < job->plan.rows; i++) {
        const int64_t n = ref_plan_row(&job->plan, i);
        if (job->sae->layer_norm) {
            ref_load_row(&job->io->x, n, row);
            job->norm = ref_norm_measure(row, width, job->model != NULL ? &job->rounding : NULL,
                                         row + width);
        }
        load_row(job, n);
        decode_row(job, i);
    }
    free(row);
    return status;
}

assay_status assay_ref_sae_decode(const assay_sae_decode_params *params,
                                  const assay_sae_decode_io *io, const assay_subset *subset,
                                  const assay_precision *contract, const assay_error_model *model,
                                  assay_error *error)
{
    decode_job job = {.sae = &params->sae, .io = io, .contract = contract, .longest = 1};
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->codes.row_offsets.shape[0] - 1;
    status = ref_plan_make("sae_decode", rows, params->sae.d_out, subset, &io->y, model, &job.plan,
                           error);
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status == ASSAY_OK) {
        status = ref_scales_refuse("sae_decode", &job.rounding, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    job.varies = wanted && (ref_operand_varies(&job.rounding, false) ||
                            ref_operand_varies(&job.rounding, true));
    for (int64_t i = 0; i < rows; i++) {
        const int64_t count = (int64_t)(assay_at1(&io->codes.row_offsets, i + 1) -
                                        assay_at1(&io->codes.row_offsets, i));
        job.longest = count > job.longest ? count : job.longest;
    }
    job.latent = malloc((size_t)job.longest * sizeof *job.latent);
    job.factor = ref_alloc(2 * job.longest, error);
    job.scratch = ref_alloc_threads(2 * job.longest + 1, error);
    const bool quantises = ref_quantises(contract);
    job.groups = ref_quantised_groups(contract, params->sae.d_out);
    job.scales = quantises ? ref_alloc(job.longest * job.groups, error) : NULL;
    if (job.latent == NULL || job.factor == NULL || job.scratch == NULL ||
        (quantises && job.scales == NULL)) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "sae_decode: no memory for %lld entries",
                            (long long)job.longest);
    } else {
        job.doubt = job.factor + job.longest;
        job.narrow = wanted && assay_present(&params->sae.decode_scale) &&
                     !ref_fits(job.rounding.work, job.rounding.multiply);
        status = run_rows(&job, error);
    }
    free(job.latent);
    free(job.factor);
    free(job.scales);
    free(job.scratch);
    return status;
}
