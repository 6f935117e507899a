/* sae_steer: y = x + (f' - f) scale_j W_d[:,j] (times std with layer norm), which is
 * decode(f') + (x - decode(f)). f is latent j's encoded value, f' by mode: add f + amount,
 * set amount, scale f amount, ablate 0. A latent with decode scale 0 leaves x as it is.
 *
 * Error model. f has the error of its pre-activation, or of |pre| more where it is undecided
 * whether the latent is active (feature.h); the verifier then takes the model once more with the
 * latent active for certain, and once inactive, and holds a row to either. With change = f' - f:
 *   change_err = |d change/d f| f_err + u (|f'| + |change|) + |round(amount) - amount| (|f| to
 *   scale)
 *   factor_err = |scale_j| change_err + (3 u + u_int) |factor|, factor = change scale_j; where it
 *                may be rounded to a narrower multiply type the larger of that, and of
 *                |round(factor) - factor| and the type's step when the error may take it to the
 *                next value
 *   bound      = |round(W) std| factor_err + |round(W) - W| |factor std| + |term| (3 u + rho_std)
 *                + u |y| + half an ulp of y + underflow,   term = factor W_ij std
 *   sigma      = |round(W) std| |scale_j| |d change/d f| f_sigma, and rho_std's
 * Source: assay/sae_steer.h. */
#include "ref/feature.h"
#include "ref/quantise.h"
#include "ref/reach.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_sae_steer_params *params, const assay_sae_steer_io *io,
                                 assay_error *error)
{
    const assay_sae *sae = &params->sae;
    assay_status status = ref_expect_encoder("sae_steer", sae, error);
    if (status == ASSAY_OK) {
        status = ref_expect_decoder("sae_steer", sae, error);
    }
    if (status == ASSAY_OK && sae->d_in != sae->d_out) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "sae_steer: the SAE reads %lld and writes %lld elements; a transcoder "
                            "cannot steer its own input", (long long)sae->d_in,
                            (long long)sae->d_out);
    }
    if (status == ASSAY_OK && (params->latent < 0 || params->latent >= sae->d_sae)) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "sae_steer: latent %lld, the SAE has %lld latents",
                            (long long)params->latent, (long long)sae->d_sae);
    }
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("sae_steer", "x", &io->x, REF_REAL, REF_ANY,
                                                  sae->d_in, error);
}

assay_status assay_ref_sae_steer_check(const assay_sae_steer_params *params,
                                       const assay_sae_steer_io *io, assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("sae_steer", "y", &io->y, REF_REAL,
                                                  io->x.shape[0], params->sae.d_out, error);
}

/* Latents whose encoder rows are read: none to add, all to rank, else the one. */
static double latents_encoded(const assay_sae_steer_params *params)
{
    if (params->mode == ASSAY_STEER_ADD) {
        return 0.0;
    }
    return params->sae.activation == ASSAY_TOPK ? (double)params->sae.d_sae : 1.0;
}

assay_cost assay_ref_sae_steer_cost(const assay_sae_steer_params *params,
                                    const assay_sae_steer_io *io)
{
    const assay_sae *sae = &params->sae;
    const double encoded = latents_encoded(params);
    const double rows = (double)io->x.shape[0];
    const assay_cost cost = {
        2.0 * rows * ((double)sae->d_in * encoded + (double)sae->d_out),
        ref_bytes(&io->x) +
            encoded * (double)sae->d_in * (double)assay_dtype_size(sae->encoder.dtype) +
            (double)sae->d_out * (double)assay_dtype_size(sae->decoder.dtype),
        ref_bytes(&io->y), sae->d_in};
    return cost;
}

typedef struct steer_job {
    const assay_sae_steer_params *params;
    const assay_sae_steer_io *io;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *model;  /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    double *x, *scratch; /* [d_in] each */
    double *column;      /* [d_out] W_d[:,j] as the contract has it */
} steer_job;

/* change = f' - f into value, with its error. */
static ref_feature edit(const steer_job *job, const ref_feature *f)
{
    const double amount = job->params->amount;
    double after = 0.0;
    double slope = -1.0; /* of change in f */
    double amount_weight = 1.0;
    switch (job->params->mode) {
    case ASSAY_STEER_ADD:
        after = f->value + amount;
        slope = 0.0;
        break;
    case ASSAY_STEER_SET: after = amount; break;
    case ASSAY_STEER_SCALE:
        after = f->value * amount;
        slope = amount - 1.0;
        amount_weight = fabs(f->value);
        break;
    case ASSAY_STEER_ABLATE: amount_weight = 0.0; break;
    }
    /* adding needs no encoding: the change is the amount itself, whatever f is */
    const bool adds = job->params->mode == ASSAY_STEER_ADD;
    ref_feature change = {adds ? amount : after - f->value, 0.0, 0.0};
    const double u = job->rounding.u_work;
    change.bound = fabs(slope) * f->bound + u * (fabs(after) + fabs(change.value)) +
                   ref_round_error(job->rounding.work, amount) * amount_weight;
    change.sigma = fabs(slope) * f->sigma;
    return change;
}

/* change scale_j as it is multiplied, and what a kernel's may differ by from change scale_j: its
 * rounding to the multiply type, which the errors before it may take to the next value. */
static ref_feature factor_of(const steer_job *job, const ref_feature *change, double scale)
{
    const ref_rounding *r = &job->rounding;
    ref_feature factor = {change->value * scale, 0.0, 0.0};
    const double kept = (r->u_intermediate + 3.0 * r->u_work) * fabs(factor.value);
    const double bound = fabs(scale) * change->bound + kept;
    const double sigma = fabs(scale) * change->sigma;
    if (job->model != NULL && !ref_fits(r->work, r->multiply)) {
        const double operand = ref_operand(r, false, factor.value);
        const double own = bound + REF_LAMBDA * sigma; /* all of it where nothing is rounded */
        factor.bound = fmax(ref_difference(operand, factor.value),
                            ref_difference(ref_operand_else(r, false, operand), factor.value)) +
                       ref_operand_doubt(r, factor.value, own);
        factor.bound = fmax(factor.bound, own);
    } else {
        factor.bound = bound;
        factor.sigma = sigma;
    }
    return factor;
}

static void model_element(const steer_job *job, int64_t i, int64_t c, const ref_feature *factor,
                          double weight, const ref_norm *norm, double term, double y)
{
    const ref_rounding *r = &job->rounding;
    /* x + term may be finite where a step on the way is not */
    const double most =
        fmax(fabs(term), fmax(fabs(factor->value), fabs(factor->value * norm->std)));
    const bool leaves = isfinite(most) && ref_reach_near(r, most, 4) && !isnan(y) &&
                        !(isfinite(y) && fabs(y) >= r->work_limit);
    const double kept = fabs(factor->value) + factor->bound + REF_LAMBDA * factor->sigma;
    const bool open = leaves || ref_kept_leaves(r, kept) || norm->open;
    if ((open && !isnan(y)) || (r->saturates && !isfinite(term))) {
        ref_model_open(job->model, i, c);
        return;
    }
    const double dequantised = ref_quantises(job->contract) ? r->u_work : 0.0;
    const double relative = dequantised + 3.0 * r->u_work + norm->std_bound;
    const double operand = ref_operand(r, true, weight);
    const double other = ref_operand_else(r, true, operand);
    const double rounded = fabs(other - weight) > fabs(operand - weight) ? other : operand;
    const double reach = fmax(fabs(norm->std * operand), fabs(norm->std * weight));
    const double bound = reach * factor->bound + fabs(term) * relative +
                         ref_difference(rounded, weight) * fabs(factor->value * norm->std) +
                         2.0 * r->product_floor +
                         (r->u_work < r->u_output ? r->u_work * fabs(y) : 0.0);
    const double sigma = hypot(reach * factor->sigma, fabs(term) * norm->std_sigma);
    ref_model_put(job->model, r, i, c, y, bound, sigma);
}

static void write_row(const steer_job *job, int64_t i, const ref_feature *change,
                      const ref_norm *norm)
{
    const assay_sae *sae = &job->params->sae;
    const double scale = ref_latent_value(&sae->decode_scale, job->params->latent, 1.0);
    const ref_feature factor = factor_of(job, change, scale);
    for (int64_t c = 0; c < job->plan.columns; c++) {
        const int64_t column = ref_plan_column(&job->plan, c);
        const double weight = scale != 0.0 ? job->column[column] : 0.0;
        const double term = scale != 0.0 ? change->value * (scale * weight * norm->std) : 0.0;
        const double y = job->x[column] + term;
        assay_put2(&job->io->y, i, c, y);
        if (job->model != NULL) {
            model_element(job, i, c, &factor, weight, norm, term, y);
        }
    }
}

static assay_status steer_rows(const steer_job *job, assay_error *error)
{
    const assay_sae *sae = &job->params->sae;
    const double scale = ref_latent_value(&sae->decode_scale, job->params->latent, 1.0);
    assay_status status = ASSAY_OK;
    for (int64_t i = 0; status == ASSAY_OK && i < job->plan.rows; i++) {
        const int64_t row = ref_plan_row(&job->plan, i);
        ref_feature f = {0};
        ref_norm norm = {.std = 1.0};
        ref_load_row(&job->io->x, row, job->x); /* y may be x */
        if (sae->layer_norm) {
            norm = ref_norm_measure(job->x, sae->d_in, job->model != NULL ? &job->rounding : NULL,
                                    job->scratch);
        }
        if (job->params->mode != ASSAY_STEER_ADD && scale != 0.0) {
            status = ref_feature_encode(sae, &job->io->x, row, job->params->latent,
                                        job->contract, job->model, &f, error);
        }
        if (status == ASSAY_OK) {
            const ref_feature change = edit(job, &f);
            write_row(job, i, &change, &norm);
        }
    }
    return status;
}

assay_status assay_ref_sae_steer(const assay_sae_steer_params *params, const assay_sae_steer_io *io,
                                 const assay_subset *subset, const assay_precision *contract,
                                 const assay_error_model *model, assay_error *error)
{
    steer_job job = {.params = params, .io = io};
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("sae_steer", io->x.shape[0], params->sae.d_out, subset, &io->y,
                               model, &job.plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status == ASSAY_OK) {
        status = ref_scales_refuse("sae_steer", &job.rounding, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    job.contract = contract;
    job.x = ref_alloc(2 * params->sae.d_in + params->sae.d_out, error);
    if (job.x == NULL) {
        return ASSAY_NO_MEMORY;
    }
    job.scratch = job.x + params->sae.d_in;
    job.column = job.scratch + params->sae.d_in;
    const assay_tensor *decoder = &params->sae.decoder;
    ref_quantised_load(contract, decoder, params->latent * decoder->stride[1], decoder->stride[0],
                       params->sae.d_out, job.column);
    status = steer_rows(&job, error);
    free(job.x);
    return status;
}
