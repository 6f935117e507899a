/* Pre-activations and scores of a sparse autoencoder (sae.h):
 *   pre_j = scale_j (W_e[j,:] . (z - pre_bias)) + bias_j,   score_j = gate_j pre_j
 *
 * Under a contract a = W_e[j,:] . (z - pre_bias) is of the operands that it promises to multiply:
 * the difference rounded to the multiply type, the weight to its storage and multiply types, or
 * dequantised.
 *
 * Error model:
 *   - a's dot product (sums.h) and D, computed, of the operands that the contract leaves free:
 *     pre_bias rounded to the working type, the difference to the working and intermediate types
 *     before it is rounded to the multiply type, subnormals flushed, q * scale rounded;
 *   - layer norm: mean and deviation act on the whole row, (W.z) std_err and |sum_k W| mean_err /
 *     (std + eps); its two elementwise roundings are independent, u_step sqrt(2 sum t_k^2);
 *   - an element that layer norm or pre_bias made and that is as near to an edge of the multiply
 *     type's rounding as its own error may take the next value: the step of the type times |W|;
 *   - scale, bias and gate are float64 and are rounded to the working type: exact differences, plus
 *     u for each operation. A kernel may fold the scale into its weights, whose roundings then are
 *     independent: u sqrt(sum t_k^2);
 *   - pre is kept in the intermediate type and as an f32 value (float64 under a float64 output);
 *   - the threshold, exact here, is rounded to the working type by a kernel that compares in it.
 * One whose sum may leave the accumulator's range in some order has no bound (reach.h), nor has an
 * infinite one that is NaN where a subnormal is flushed before it meets the infinity.
 * A budget of the score is that of pre times |gate|, plus the gate's own roundings.
 * More than 2^27 multiply-adds take ref_sum_spread's quick route. */
#include "ref/autoencoder.h"
#include "ref/quantise.h"
#include "ref/reach.h"
#include "ref/sae_operands.h"
#include "ref/sums.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef struct encode_job {
    const assay_sae *sae;
    const assay_tensor *x, *pre, *score;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *pre_model, *score_model; /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    bool wanted;
    ref_sae_operands x_as; /* the wanted rows, as multiplied */
} encode_job;

/* Latents that share one pass over the rows: their sums run side by side (sums.h). */
enum { TOGETHER = REF_WIDE };

typedef struct latent {
    const double *weight, *other; /* as multiplied, and as it may be instead */
    double weight_sum; /* sum_k W */
    double bias_dot;   /* W . pre_bias */
    double scale, bias, gate, threshold;
} latent;

/* Scratch of one thread: encoder rows as multiplied, as they may be instead, and interleaved; terms
 * of four sums side by side, and of one. */
typedef struct latent_scratch {
    double *weight, *other; /* [TOGETHER, d_in] */
    ref_wide *wide;         /* [d_in] */
    ref_wide *terms;        /* [d_in + 1] */
    double *term;           /* [d_in + 1] */
} latent_scratch;

static int64_t scratch_size(int64_t d)
{
    return 2 * TOGETHER * d + REF_WIDE * (2 * d + 1) + d + 1;
}

static latent_scratch scratch_parts(double *memory, int64_t d)
{
    latent_scratch s = {.weight = memory, .other = memory + TOGETHER * d};
    double *const after = s.other + TOGETHER * d;
    s.wide = (ref_wide *)after;
    s.terms = s.wide + d;
    s.term = after + REF_WIDE * (2 * d + 1);
    return s;
}

/* What layer norm adds to the error of a = W.(z - pre_bias). */
static void layer_norm_error(const encode_job *job, int64_t i, const latent *l, double a,
                             double norm, double *bound, double *sigma)
{
    const ref_norm *n = &job->x_as.norm[i];
    const double z = fabs(a + l->bias_dot); /* W . z */
    const double reach = fabs(l->weight_sum) / (n->std + REF_NORM_EPS);
    const double elementwise = sqrt(2.0) * job->rounding.u_step;
    *bound += z * n->std_bound + reach * n->mean_bound;
    *sigma = hypot(*sigma, hypot(z * n->std_sigma, reach * n->mean_sigma));
    ref_independent(&job->rounding, elementwise * norm, job->sae->d_in, bound, sigma);
}

/* Whether the order of its sum decides a pre-activation (reach.h). */
static bool may_leave(const encode_job *job, int64_t i, const latent *l, double pre,
                      double magnitude)
{
    const ref_rounding *const r = &job->rounding;
    const int64_t d = job->sae->d_in;
    const double *const value = job->x_as.value + i * d;
    const ref_sum sum = {value, l->weight, d, magnitude, 0.0, l->scale, l->bias};
    return ref_sum_leaves(r, &sum, pre) ||
           (job->sae->layer_norm && job->x_as.norm[i].open && !isnan(pre)) ||
           (ref_quantises(job->contract) && ref_sum_quantised_leaves(r, value, d, pre));
}

static void open_latent(const encode_job *job, int64_t i, int64_t c)
{
    ref_model_open(job->pre_model, i, c);
    if (job->score_model != NULL) {
        ref_model_open(job->score_model, i, c);
    }
}

static void model_latent(const encode_job *job, int64_t i, int64_t c, const latent *l, double a,
                         double pre, const ref_spread *dot)
{
    const ref_rounding *r = &job->rounding;
    const int64_t d = job->sae->d_in;
    double bound = dot->bound;
    double sigma = dot->sigma;
    const double other =
        job->x_as.other != NULL ? ref_dot(job->x_as.other + i * d, l->other, d) : a;
    bound += job->x_as.other != NULL ? ref_difference(other, a) : 0.0;
    for (int64_t k = 0; job->x_as.doubt != NULL && k < d; k++) {
        bound += job->x_as.doubt[i * d + k] * fabs(l->weight[k]);
    }
    if (job->sae->layer_norm) {
        layer_norm_error(job, i, l, a, dot->norm, &bound, &sigma);
    }
    if (ref_quantises(job->contract)) {
        ref_quantised_error(r, a, dot->norm, d, &bound, &sigma);
    }
    const double magnitude = fabs(l->scale);
    bound *= magnitude;
    sigma *= magnitude;
    if (assay_present(&job->sae->encode_scale)) {
        bound += ref_round_error(r->work, l->scale) * fabs(a) + r->u_work * magnitude * fabs(a);
        ref_independent(r, magnitude * r->u_work * dot->norm, d, &bound, &sigma);
    }
    if (assay_present(&job->sae->encode_bias)) {
        bound += ref_round_error(r->work, l->bias) + r->u_work * fabs(pre);
    }
    const double u_value = ldexp(1.0, r->output == ASSAY_F64 ? -53 : -24);
    const bool keeps = r->u_intermediate > r->u_work;
    bound += (ref_then(r->u_work, u_value) - r->u_work) * fabs(pre) + r->intermediate_floor;
    const double reach = fabs(pre) + bound + REF_LAMBDA * sigma;
    bound += keeps ? ref_half_ulp(r->intermediate, reach) : 0.0;
    const double most = fmin(r->intermediate_limit,
                             r->output == ASSAY_F64 ? DBL_MAX : (double)FLT_MAX);
    if ((isfinite(pre) && fabs(pre) + bound >= most) || (isinf(pre) && isnan(other)) ||
        may_leave(job, i, l, pre, dot->magnitude)) {
        open_latent(job, i, c);
        return;
    }
    ref_model_put_raw(job->pre_model, i, c, pre, bound, sigma);
    if (job->score_model == NULL) {
        return;
    }
    const double gate = fabs(l->gate);
    double score_bound = gate * bound + ref_round_error(r->work, l->threshold);
    if (assay_present(&job->sae->gate)) {
        score_bound += fabs(pre) * (ref_round_error(r->work, l->gate) +
                                    gate * ref_then(r->u_work, r->u_intermediate));
    }
    ref_model_put_raw(job->score_model, i, c, l->gate * pre, score_bound, gate * sigma);
}

static latent load_latent(const encode_job *job, int64_t c, double *weight, double *other)
{
    const assay_sae *sae = job->sae;
    const int64_t d = sae->d_in;
    const int64_t j = ref_plan_column(&job->plan, c);
    latent l = {.weight = weight, .other = other};
    assay_ref_weight_row(job->contract, &sae->encoder, j, weight);
    l.scale = ref_latent_value(&sae->encode_scale, j, 1.0);
    l.bias = ref_latent_value(&sae->encode_bias, j, 0.0);
    l.gate = ref_latent_value(&sae->gate, j, 1.0);
    const bool jumps = sae->activation == ASSAY_JUMPRELU;
    l.threshold = jumps ? assay_at1(&sae->threshold, j) : 0.0;
    if (isinf(l.threshold)) {
        l.threshold = 0.0; /* nothing to round: such a latent never (or always) fires */
    }
    ref_operands(&job->rounding, true, sae->encoder.dtype, d, weight);
    for (int64_t k = 0; job->x_as.other != NULL && k < d; k++) {
        other[k] = ref_operand_else(&job->rounding, true, weight[k]);
    }
    if (job->wanted && sae->layer_norm) {
        l.bias_dot = ref_dot(weight, job->x_as.pre_bias, d);
        for (int64_t k = 0; k < d; k++) {
            l.weight_sum += weight[k];
        }
    }
    return l;
}

/* Latents c .. c + count - 1 of the wanted ones, for every wanted row; an encoder row is widened
 * once. */
static void some_latents(const encode_job *job, int64_t c, int64_t count, double *memory)
{
    const int64_t d = job->sae->d_in;
    const latent_scratch s = scratch_parts(memory, d);
    latent l[TOGETHER];
    double dot[TOGETHER];
    ref_spread spread[REF_WIDE];
    for (int64_t n = 0; n < count; n++) {
        l[n] = load_latent(job, c + n, s.weight + n * d, s.other + n * d);
    }
    if (job->wanted) {
        ref_interleave(s.weight, d, count, d, s.wide);
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        const double *const value = job->x_as.value + i * d;
        ref_dots(value, s.weight, d, count, d, dot);
        if (job->wanted) {
            ref_dot_spreads(value, s.wide, d, NULL, &job->rounding, s.terms, s.term,
                            spread);
        }
        for (int64_t n = 0; n < count; n++) {
            const double pre = l[n].scale * dot[n] + l[n].bias;
            assay_put2(job->pre, i, c + n, pre);
            assay_put2(job->score, i, c + n, l[n].gate * pre);
            if (job->wanted) {
                model_latent(job, i, c + n, &l[n], dot[n], pre, &spread[n]);
            }
        }
    }
}

static assay_status run_latents(const encode_job *job, assay_error *error)
{
    const int64_t stretch = scratch_size(job->sae->d_in);
    const int64_t columns = job->plan.columns;
    double *scratch = ref_alloc_threads(stretch, error);
    if (scratch == NULL) {
        return ASSAY_NO_MEMORY;
    }
    const bool many = ref_worth_threads(job->plan.rows * columns * job->sae->d_in, job->wanted);
#pragma omp parallel for schedule(dynamic, 16) if (many)
    for (int64_t c = 0; c < columns; c += TOGETHER) {
        some_latents(job, c, columns - c < TOGETHER ? columns - c : TOGETHER,
                     ref_own(scratch, stretch));
    }
    free(scratch);
    return ASSAY_OK;
}

static assay_status open_job(encode_job *job, const assay_subset *subset,
                             const assay_precision *contract, assay_error *error)
{
    const assay_sae *sae = job->sae;
    ref_plan same;
    assay_status status = ref_expect_encoder("sae_encode", sae, error);
    if (status == ASSAY_OK) {
        status = ref_expect_matrix("sae_encode", "x", job->x, REF_REAL, REF_ANY, sae->d_in, error);
    }
    if (status == ASSAY_OK) {
        status = ref_plan_make("sae_encode", job->x->shape[0], sae->d_sae, subset, job->pre,
                               job->pre_model, &job->plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_plan_make("sae_encode", job->x->shape[0], sae->d_sae, subset, job->score,
                               job->score_model, &same, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, job->pre_model, &job->rounding, &job->wanted, error);
    }
    if (status == ASSAY_OK) {
        status = ref_scales_refuse("sae_encode", &job->rounding, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    ref_be_quick(&job->rounding, job->plan.rows, job->plan.columns, sae->d_in);
    return ASSAY_OK;
}

assay_status assay_ref_sae_preactivations(const assay_sae *sae, const assay_tensor *x,
                                          const assay_subset *subset,
                                          const assay_precision *contract, const assay_tensor *pre,
                                          const assay_tensor *score,
                                          const assay_error_model *pre_model,
                                          const assay_error_model *score_model,
                                          assay_error *error)
{
    encode_job job = {.sae = sae, .x = x, .pre = pre, .score = score, .contract = contract,
                      .pre_model = pre_model, .score_model = score_model};
    assay_status status = open_job(&job, subset, contract, error);
    if (status == ASSAY_OK) {
        status = ref_sae_operands_load(sae, x, &job.plan, &job.rounding, job.wanted, &job.x_as,
                                       error);
    }
    if (status == ASSAY_OK) {
        status = run_latents(&job, error);
    }
    ref_sae_operands_free(&job.x_as);
    return status;
}
