/* Pre-activations and scores of a sparse autoencoder (sae.h):
 *   pre_j = scale_j (W_e[j,:] . (z - pre_bias)) + bias_j,   score_j = gate_j pre_j
 *
 * Error model, with a = W_e[j,:] . (z - pre_bias):
 *   - a's dot product (sums.h) and D, the computed error of rounding its operands: pre_bias to the
 *     working type, the difference to the working, intermediate and multiply types, the weight to
 *     its storage and multiply types;
 *   - layer norm: mean and deviation act on the whole row, (W.z) std_err and |sum_k W| mean_err /
 *     (std + eps); its two elementwise roundings are independent, u_step sqrt(2 sum t_k^2); an
 *     element as near to an edge of the multiply type's rounding as its own error may take the next
 *     value: the step of the type times |W|;
 *   - scale, bias and gate are float64 and are rounded to the working type: exact differences, plus
 *     u for each operation. A kernel may fold the scale into its weights, whose roundings then are
 *     independent: u sqrt(sum t_k^2);
 *   - pre is kept in the intermediate type and as an f32 value (float64 under a float64 output);
 *   - the threshold, exact here, is rounded to the working type by a kernel that compares in it.
 * A budget of the score is that of pre times |gate|, plus the gate's own roundings.
 * More than 2^27 multiply-adds take ref_sum_spread's quick route. */
#include "ref/autoencoder.h"
#include "ref/quantise.h"

#include <math.h>
#include <stdlib.h>

typedef struct encode_job {
    const assay_sae *sae;
    const assay_tensor *x, *pre, *score;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *pre_model, *score_model; /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    bool wanted, quick, rounds;
    double *value;    /* [rows, d_in]: z - pre_bias */
    double *rounded;  /* [rows, d_in]: as multiplied */
    double *doubt;    /* [rows, d_in]: what a kernel's may differ by from it; NULL: nothing */
    double *pre_bias; /* [d_in] */
    ref_norm *norm;   /* [rows] */
} encode_job;

/* The kernel's own path of one element to its multiplier. */
static double rounded_element(const encode_job *job, double z, double pre_bias)
{
    const double difference = z - ref_round(job->rounding.work, pre_bias);
    const double kept = ref_round(job->rounding.intermediate,
                                  ref_round(job->rounding.work, difference));
    return ref_operand(&job->rounding, false, pre_bias != 0.0 ? kept : z);
}

/* A normalised element is known to within its row's errors only: those may take it to the multiply
 * type's next value. */
static double element_doubt(const encode_job *job, int64_t i, double z, double pre_bias)
{
    const ref_norm *n = &job->norm[i];
    const double relative = n->std_bound + REF_LAMBDA * n->std_sigma + 3.0 * job->rounding.u_step;
    const double mean = n->mean_bound + REF_LAMBDA * n->mean_sigma;
    const double off = fabs(z) * relative + mean / (n->std + REF_NORM_EPS) +
                       (pre_bias != 0.0 ? job->rounding.u_step * fabs(z - pre_bias) : 0.0);
    return isfinite(off) ? ref_operand_doubt(&job->rounding, z - pre_bias, off) : 0.0;
}

static void prepare_row(encode_job *job, int64_t i, double *scratch)
{
    const int64_t d = job->sae->d_in;
    double *value = job->value + i * d;
    double *rounded = job->rounds ? job->rounded + i * d : NULL;
    ref_load_row(job->x, ref_plan_row(&job->plan, i), value);
    if (job->sae->layer_norm) {
        job->norm[i] = ref_norm_measure(value, d, job->wanted ? &job->rounding : NULL, scratch);
        for (int64_t k = 0; k < d; k++) {
            value[k] = (value[k] - job->norm[i].mean) / (job->norm[i].std + REF_NORM_EPS);
        }
    }
    for (int64_t k = 0; k < d; k++) {
        if (rounded != NULL) {
            rounded[k] = rounded_element(job, value[k], job->pre_bias[k]);
        }
        if (job->doubt != NULL) {
            job->doubt[i * d + k] = element_doubt(job, i, value[k], job->pre_bias[k]);
        }
        value[k] -= job->pre_bias[k];
    }
}

static assay_status prepare_rows(encode_job *job, assay_error *error)
{
    const int64_t d = job->sae->d_in;
    job->value = ref_alloc(job->plan.rows * d, error);
    job->rounded = ref_alloc(job->rounds ? job->plan.rows * d : 1, error);
    job->pre_bias = ref_alloc(2 * d, error);
    job->norm = calloc((size_t)job->plan.rows + 1, sizeof *job->norm);
    const bool doubts = job->rounds && job->sae->layer_norm &&
                        !ref_fits(job->rounding.work, job->rounding.multiply);
    job->doubt = doubts ? ref_alloc(job->plan.rows * d, error) : NULL;
    if (job->value == NULL || job->rounded == NULL || job->pre_bias == NULL || job->norm == NULL ||
        (doubts && job->doubt == NULL)) {
        return assay_fail(error, ASSAY_NO_MEMORY,
                          "sae_encode: no memory for %lld rows of %lld; ask for fewer rows",
                          (long long)job->plan.rows, (long long)d);
    }
    memset(job->pre_bias, 0, (size_t)d * sizeof *job->pre_bias);
    if (assay_present(&job->sae->pre_bias)) {
        ref_load_vector(&job->sae->pre_bias, job->pre_bias);
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        prepare_row(job, i, job->pre_bias + d);
    }
    return ASSAY_OK;
}

typedef struct latent {
    int64_t j;
    const double *weight, *rounded;
    double weight_sum; /* sum_k W */
    double bias_dot;   /* W . pre_bias */
    double scale, bias, gate, threshold;
    double *terms;
} latent;

/* What layer norm adds to the error of a = W.(z - pre_bias). */
static void layer_norm_error(const encode_job *job, int64_t i, const latent *l, double a,
                             double norm, double *bound, double *sigma)
{
    const ref_norm *n = &job->norm[i];
    const double z = fabs(a + l->bias_dot); /* W . z */
    const double reach = fabs(l->weight_sum) / (n->std + REF_NORM_EPS);
    const double elementwise = sqrt(2.0) * job->rounding.u_step;
    for (int64_t k = 0; job->doubt != NULL && k < job->sae->d_in; k++) {
        *bound += job->doubt[i * job->sae->d_in + k] * fabs(l->rounded[k]);
    }
    *bound += z * n->std_bound + reach * n->mean_bound;
    *sigma = hypot(*sigma, hypot(z * n->std_sigma, reach * n->mean_sigma));
    ref_independent(&job->rounding, elementwise * norm, job->sae->d_in, bound, sigma);
}

static void model_latent(const encode_job *job, int64_t i, int64_t c, const latent *l, double a,
                         double pre)
{
    const ref_rounding *r = &job->rounding;
    const int64_t d = job->sae->d_in;
    const double *value = job->value + i * d;
    const ref_spread dot = ref_dot_spread(value, l->weight, d, NULL, r, job->quick, l->terms);
    double bound = dot.bound;
    double sigma = dot.sigma;
    if (job->rounds) {
        bound += ref_operands_error(job->contract, job->rounded + i * d, l->weight, l->rounded, d,
                                    a);
    }
    if (job->sae->layer_norm) {
        layer_norm_error(job, i, l, a, dot.norm, &bound, &sigma);
    }
    if (ref_quantises(job->contract)) {
        ref_quantised_error(r, a, dot.norm, d, &bound, &sigma);
    }
    const double magnitude = fabs(l->scale);
    bound *= magnitude;
    sigma *= magnitude;
    if (assay_present(&job->sae->encode_scale)) {
        bound += ref_round_error(r->work, l->scale) * fabs(a) + r->u_work * magnitude * fabs(a);
        ref_independent(r, magnitude * r->u_work * dot.norm, d, &bound, &sigma);
    }
    if (assay_present(&job->sae->encode_bias)) {
        bound += ref_round_error(r->work, l->bias) + r->u_work * fabs(pre);
    }
    const double u_value = ldexp(1.0, r->output == ASSAY_F64 ? -53 : -24);
    const bool keeps = r->u_intermediate > r->u_work;
    bound += (ref_then(r->u_work, u_value) - r->u_work) * fabs(pre) + r->intermediate_floor;
    const double reach = fabs(pre) + bound + REF_LAMBDA * sigma;
    bound += keeps ? ref_half_ulp(r->intermediate, reach) : 0.0;
    const bool open = !isfinite(pre) ? r->saturates
                                     : fabs(pre) + bound >= r->intermediate_limit;
    if (open) {
        ref_model_open(job->pre_model, i, c);
        if (job->score_model != NULL) {
            ref_model_open(job->score_model, i, c);
        }
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

/* One latent for every wanted row; its encoder row is widened once. scratch: [3 d_in + 1]. */
static void one_latent(const encode_job *job, int64_t c, double *scratch)
{
    const assay_sae *sae = job->sae;
    const int64_t d = sae->d_in;
    const int64_t j = ref_plan_column(&job->plan, c);
    latent l = {.j = j, .weight = scratch, .rounded = scratch + d, .terms = scratch + 2 * d};
    assay_ref_weight_row(job->contract, &sae->encoder, j, scratch);
    l.scale = ref_latent_value(&sae->encode_scale, j, 1.0);
    l.bias = ref_latent_value(&sae->encode_bias, j, 0.0);
    l.gate = ref_latent_value(&sae->gate, j, 1.0);
    const bool jumps = sae->activation == ASSAY_JUMPRELU;
    l.threshold = jumps ? assay_at1(&sae->threshold, j) : 0.0;
    if (isinf(l.threshold)) {
        l.threshold = 0.0; /* nothing to round: such a latent never (or always) fires */
    }
    for (int64_t k = 0; job->rounds && k < d; k++) {
        scratch[d + k] = ref_operand(&job->rounding, true, l.weight[k]);
    }
    if (job->wanted && sae->layer_norm) {
        l.bias_dot = ref_dot(l.weight, job->pre_bias, d);
        for (int64_t k = 0; k < d; k++) {
            l.weight_sum += l.weight[k];
        }
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        const double a = ref_dot(job->value + i * d, l.weight, d);
        const double pre = l.scale * a + l.bias;
        assay_put2(job->pre, i, c, pre);
        assay_put2(job->score, i, c, l.gate * pre);
        if (job->wanted) {
            model_latent(job, i, c, &l, a, pre);
        }
    }
}

static assay_status run_latents(const encode_job *job, assay_error *error)
{
    const int64_t stretch = 3 * job->sae->d_in + 1;
    double *scratch = ref_alloc_threads(stretch, error);
    if (scratch == NULL) {
        return ASSAY_NO_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t c = 0; c < job->plan.columns; c++) {
        one_latent(job, c, ref_own(scratch, stretch));
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
    if (status != ASSAY_OK) {
        return status;
    }
    job->quick = ref_quick(job->plan.rows, job->plan.columns, sae->d_in);
    job->rounds = job->wanted && (ref_operand_changes(&job->rounding, false, job->x->dtype) ||
                                  ref_operand_changes(&job->rounding, true, sae->encoder.dtype) ||
                                  assay_present(&sae->pre_bias) || sae->layer_norm);
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
        status = prepare_rows(&job, error);
    }
    if (status == ASSAY_OK) {
        status = run_latents(&job, error);
    }
    free(job.value);
    free(job.rounded);
    free(job.doubt);
    free(job.pre_bias);
    free(job.norm);
    return status;
}
