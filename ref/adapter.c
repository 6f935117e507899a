/* adapter: v = x - mean, over (||x - mean|| + 1e-8) if normalize_input (identity: never), then
 *   e^log_scale v   +   (v U) V^T  or  v W^T   +   bias,   the parts that the type has.
 *
 * Error model, first order. Every element of v has independent roundings (the difference's and,
 * when normalised, the quotient's or reciprocal's and product's), e_v = u [mean] + 2 u [normalised]
 * relatively; the norm acts on the whole row with
 *   rho = min(sum_err / (2 ||v||), sqrt(sum_err)) / (||v|| + 1e-8) + 3 u
 * the second form being that of a norm whose square underflows.
 *   scaled part a   bound |a| (rho + e_v + u_function + 2 u)   sigma |a| rho_sigma
 *   matrix part b   a dot product's error (sums.h), |b| rho, e_v sqrt(sum t^2), D for operands
 *                   that the contract leaves free, the step of the multiply type for elements of v
 *                   that are as near to its rounding's edge as their error; the low-rank chain's
 *                   inner products z_r have the same, plus u_step |z_r|, and reach b as
 *                   sum_r |V_ir| times theirs, or times the step it makes them take where they are
 *                   rounded
 *   sum             u (|a| + |a + b| + |y|) + |round(bias) - bias| + half an ulp of y + underflow
 *   flushed         f_k = what u_k = x_k - mean_k loses where x_k, mean_k or it are subnormal and
 *                   may be flushed, over the divisor: e^log_scale f to a, sum_k |W_k| f_k to b; an
 *                   infinite element may be NaN where what is flushed meets an infinity
 * Under a contract the products are of the operands that it promises to multiply: v and z rounded
 * to the multiply type, weights to their storage and multiply types, or dequantised.
 * Where the squares overflow the working type a right kernel gives 0: there is no bound.
 * Source: assay/adapter.h (SelfIE's published code). */
#include "ref/adapter.h"
#include "ref/operands.h"
#include "ref/quantise.h"
#include "ref/reach.h"
#include "ref/sums.h"

#include <math.h>
#include <stdlib.h>

typedef struct adapter_job {
    const assay_adapter_params *params;
    const assay_adapter_io *io;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *model;  /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    int64_t d, rank;
    double *mean;       /* [d] */
    double *v;          /* [d], of the row at hand */
    double *lost;       /* [d] what v loses where x or mean are flushed */
    double *operand;    /* [d] v as multiplied; and what a kernel's may differ by from it */
    double *doubt;      /* [d] */
    double *z;          /* [rank] v U, as multiplied */
    double *z_bound;    /* [rank] */
    double *z_sigma;    /* [rank] */
    double *z_doubt;    /* [rank] */
    double *weight;     /* [d] */
    double *terms;      /* [d + 1] */
    double element;     /* e_v */
    double rho, rho_sigma;
    bool open;          /* v U may leave the accumulator's range (reach.h) */
    bool vanishes;      /* v U may be NaN where a subnormal is flushed */
    bool narrow;        /* the multiply type is narrower than the working type */
} adapter_job;

static void load_row(adapter_job *job, int64_t row)
{
    const ref_rounding *r = &job->rounding;
    const int64_t d = job->d;
    const bool normalised = job->params->normalize_input &&
                            job->params->type != ASSAY_ADAPTER_IDENTITY;
    ref_load_row(&job->io->x, row, job->v);
    for (int64_t k = 0; k < d; k++) {
        const double x = job->v[k];
        job->v[k] -= job->mean[k];
        job->lost[k] = ref_flushed(r, x) + ref_flushed(r, job->mean[k]) +
                       ref_flushed(r, job->v[k]);
    }
    job->rho = 0.0;
    job->rho_sigma = 0.0;
    job->element = assay_present(&job->params->mean) ? r->u_work : 0.0;
    if (!normalised) {
        return;
    }
    const double square = ref_dot(job->v, job->v, d);
    const double divisor = sqrt(square) + 1e-8;
    if (job->model != NULL) {
        const ref_rounding squares = ref_rounding_of_terms(r, 2 * assay_dtype_bits(r->work));
        const ref_spread sum = ref_dot_spread(job->v, job->v, d, NULL, &squares, job->terms);
        const double direct = sum.bound / (2.0 * sqrt(square));
        job->rho = fmin(direct, sqrt(sum.bound)) / divisor + 3.0 * r->u_work + job->element;
        job->rho_sigma = square > 0.0 ? sum.sigma / (2.0 * sqrt(square)) / divisor : 0.0;
        job->element += 2.0 * r->u_work;
        if (!(square < r->work_limit)) {
            job->rho = (double)INFINITY;
        }
    }
    for (int64_t k = 0; k < d; k++) {
        job->v[k] /= divisor;
        job->lost[k] = job->lost[k] / divisor + ref_flushed(r, job->v[k]);
    }
}

/* v as it is multiplied. A kernel's v is off by its own error, which may take an element to the
 * multiply type's next value; one that nothing was done to has no error. */
static void round_row(adapter_job *job)
{
    const ref_rounding *r = &job->rounding;
    const double made = job->rho + REF_LAMBDA * job->rho_sigma + job->element;
    const double off = made > 0.0 ? made + r->u_work : 0.0;
    for (int64_t k = 0; k < job->d; k++) {
        job->operand[k] = ref_operand(r, false, job->v[k]);
        job->doubt[k] = off < 1.0 && job->narrow
            ? ref_operand_doubt(r, job->v[k], off * fabs(job->v[k]) + job->lost[k]) : job->lost[k];
    }
}

/* Loaded weights of one of the adapter's matrices, as the contract promises to multiply them. Only
 * a full-rank one is quantised: the others are rounded under any contract. */
static void weights_as_multiplied(const adapter_job *job, const assay_tensor *matrix, int64_t count)
{
    ref_rounding r = job->rounding;
    r.quant_bits = job->params->type == ASSAY_ADAPTER_FULL_RANK ? r.quant_bits : 0;
    ref_operands(&r, true, matrix->dtype, count, job->weight);
}

/* The error of a dot product, and the sum of its terms' magnitudes. */
typedef struct part_error {
    double bound, sigma, magnitude;
    bool vanishes; /* an infinite one may be NaN */
} part_error;

/* v . weight, with the error of the dot product and of v in it. */
static double dot_with_v(const adapter_job *job, const assay_tensor *matrix, part_error *error)
{
    const ref_rounding *r = &job->rounding;
    const bool quantises = job->params->type == ASSAY_ADAPTER_FULL_RANK && /* no other weight is */
                           ref_quantises(job->contract);
    weights_as_multiplied(job, matrix, job->d);
    const double dot = ref_dot(job->operand, job->weight, job->d);
    if (job->model == NULL) {
        return dot;
    }
    const ref_spread sum = ref_dot_spread(job->operand, job->weight, job->d, NULL, r,
                                          job->terms);
    double shift = 0.0;
    double doubt = 0.0;
    for (int64_t k = 0; k < job->d; k++) {
        const double other = ref_operand_else(r, quantises, job->weight[k]);
        doubt += job->doubt[k] * fabs(job->weight[k]);
        error->vanishes = error->vanishes ||
                          ref_product_may_vanish(r, job->operand[k], job->weight[k]) ||
                          (job->lost[k] > 0.0 && isinf(job->weight[k]));
        shift += ref_difference(ref_operand_else(r, false, job->operand[k]) * other,
                                job->operand[k] * job->weight[k]);
    }
    error->bound = sum.bound + shift + doubt +
                   (dot != 0.0 ? fabs(dot) * job->rho : 0.0);
    error->sigma = hypot(sum.sigma, fabs(dot) * job->rho_sigma);
    error->magnitude = sum.magnitude;
    ref_independent(r, job->element * sum.norm, job->d, &error->bound, &error->sigma);
    if (quantises) {
        ref_quantised_error(r, dot, sum.norm, job->d, &error->bound, &error->sigma);
    }
    return dot;
}

static void low_rank_inner(adapter_job *job)
{
    job->open = false;
    job->vanishes = false;
    for (int64_t q = 0; q < job->rank; q++) {
        part_error inner = {0.0, 0.0, 0.0, false};
        ref_load(&job->params->u, q * job->params->u.stride[1], job->params->u.stride[0], job->d,
                 job->weight);
        job->z[q] = dot_with_v(job, &job->params->u, &inner);
        const ref_sum sum = {job->operand, job->weight, job->d, inner.magnitude, 0.0, 1.0, 0.0};
        job->open = job->model != NULL &&
                    (job->open || ref_sum_leaves(&job->rounding, &sum, job->z[q]) ||
                     ref_kept_leaves(&job->rounding,
                                     fabs(job->z[q]) + inner.bound + REF_LAMBDA * inner.sigma) ||
                     (isfinite(job->z[q]) &&
                      ref_reach_near(&job->rounding, fabs(job->z[q]), job->d)));
        job->vanishes = job->vanishes || inner.vanishes;
        job->z_bound[q] = inner.bound + job->rounding.u_step * fabs(job->z[q]);
        job->z_sigma[q] = inner.sigma;
        job->z_doubt[q] = job->model != NULL && job->narrow
            ? ref_operand_doubt(&job->rounding, job->z[q],
                                job->z_bound[q] + REF_LAMBDA * job->z_sigma[q]) : 0.0;
        job->z[q] = ref_operand(&job->rounding, false, job->z[q]);
    }
}

/* The matrix part of element `column`, with its error. */
static double matrix_part(const adapter_job *job, int64_t column, part_error *error)
{
    if (job->params->type == ASSAY_ADAPTER_FULL_RANK) {
        assay_ref_weight_row(job->contract, &job->params->weight, column, job->weight);
        return dot_with_v(job, &job->params->weight, error);
    }
    if (!ref_adapter_has_low_rank(job->params->type)) {
        return 0.0;
    }
    ref_load_row(&job->params->v, column, job->weight);
    weights_as_multiplied(job, &job->params->v, job->rank);
    const double dot = ref_dot(job->z, job->weight, job->rank);
    if (job->model == NULL) {
        return dot;
    }
    const ref_rounding *r = &job->rounding;
    const ref_spread sum = ref_dot_spread(job->z, job->weight, job->rank, NULL, r,
                                          job->terms);
    *error = (part_error){sum.bound, sum.sigma, sum.magnitude, job->vanishes};
    double shift = 0.0;
    for (int64_t q = 0; q < job->rank; q++) {
        const double w = job->weight[q];
        error->vanishes = error->vanishes || ref_product_may_vanish(r, job->z[q], w);
        shift += ref_difference(
            ref_operand_else(r, false, job->z[q]) * ref_operand_else(r, false, w), job->z[q] * w);
        /* the step that z's error may make it take is all of that error, once it is rounded */
        error->bound += fabs(w) * (job->narrow ? job->z_doubt[q] : job->z_bound[q]);
        error->sigma = job->narrow ? error->sigma : hypot(error->sigma, fabs(w) * job->z_sigma[q]);
    }
    error->bound += shift;
    return dot;
}

/* Whether the order of its sums decides an element. */
static bool may_leave(const adapter_job *job, double scale, double a, double bias, double y,
                      double magnitude)
{
    const bool full = job->params->type == ASSAY_ADAPTER_FULL_RANK;
    const ref_sum sum = {full ? job->operand : job->z, job->weight, full ? job->d : job->rank,
                         magnitude, a, 1.0, bias};
    return (job->open && !isnan(y)) || (scale >= job->rounding.work_limit && !isnan(y)) ||
           ref_sum_leaves(&job->rounding, &sum, y) ||
           (full && ref_quantises(job->contract) &&
            ref_sum_quantised_leaves(&job->rounding, job->operand, job->d, y));
}

static void write_element(const adapter_job *job, int64_t i, int64_t c)
{
    const assay_adapter_params *params = job->params;
    const ref_rounding *r = &job->rounding;
    const int64_t column = ref_plan_column(&job->plan, c);
    const bool has_scale = ref_adapter_has_scale(params->type);
    const double log_scale = has_scale ? assay_at1(&params->log_scale, 0) : 0.0;
    const bool scaled = has_scale || params->type == ASSAY_ADAPTER_IDENTITY;
    const double scale = scaled ? exp(log_scale) : 0.0;
    const double a = scaled ? scale * job->v[column] : 0.0;
    part_error part = {0.0, 0.0, 0.0, false};
    const double b = matrix_part(job, column, &part);
    const double bias = ref_adapter_has_bias(params->type) ? assay_at1(&params->bias, column) : 0.0;
    const double y = a + b + bias;
    assay_put2(&job->io->y, i, c, y);
    if (job->model == NULL) {
        return;
    }
    const double exact = has_scale
        ? r->u_function + 2.0 * r->u_work + ref_round_error(r->work, log_scale) : 0.0;
    double bound = part.bound + ref_round_error(r->work, bias);
    if (ref_adapter_has_bias(params->type)) {
        bound += r->u_step * (fabs(a) + fabs(a + b) + fabs(y));
    }
    bound += a != 0.0 ? fabs(a) * (job->rho + job->element + exact) : 0.0;
    bound += job->lost[column] > 0.0 ? scale * job->lost[column] : 0.0;
    const bool kept = ref_adapter_has_bias(params->type) && !isnan(y) &&
                      ref_kept_leaves(r, fmax(fabs(a), fabs(a + b)) + bound +
                                             REF_LAMBDA * part.sigma);
    if (kept || may_leave(job, scale, a, bias, y, part.magnitude)) {
        ref_model_open(job->model, i, c);
    } else if (isinf(y) && part.vanishes) {
        ref_model_nan_too(job->model, i, c);
    } else {
        ref_model_put(job->model, r, i, c, y, bound, hypot(part.sigma, fabs(a) * job->rho_sigma));
    }
}

static assay_status run_rows(adapter_job *job, assay_error *error)
{
    const int64_t d = job->d;
    double *memory = ref_alloc(8 * d + 6 * job->rank + 2, error);
    if (memory == NULL) {
        return ASSAY_NO_MEMORY;
    }
    job->mean = memory;
    job->v = memory + d;
    job->weight = memory + 2 * d;             /* d or rank elements, whichever is more */
    job->terms = job->weight + d + job->rank; /* the same, and one */
    job->z = job->terms + d + job->rank + 1;
    job->z_bound = job->z + job->rank;
    job->z_sigma = job->z_bound + job->rank;
    job->z_doubt = job->z_sigma + job->rank;
    job->operand = job->z_doubt + job->rank;
    job->doubt = job->operand + d;
    job->lost = job->doubt + d;
    memset(job->mean, 0, (size_t)d * sizeof *job->mean);
    if (assay_present(&job->params->mean)) {
        ref_load_vector(&job->params->mean, job->mean);
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        load_row(job, ref_plan_row(&job->plan, i));
        round_row(job);
        low_rank_inner(job);
        for (int64_t c = 0; c < job->plan.columns; c++) {
            write_element(job, i, c);
        }
    }
    free(memory);
    return ASSAY_OK;
}

assay_status assay_ref_adapter(const assay_adapter_params *params, const assay_adapter_io *io,
                               const assay_subset *subset, const assay_precision *contract,
                               const assay_error_model *model, assay_error *error)
{
    adapter_job job = {.params = params, .io = io, .contract = contract};
    bool wanted = false;
    assay_status status = ref_adapter_expect(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("adapter", io->x.shape[0], io->x.shape[1], subset, &io->y, model,
                               &job.plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status == ASSAY_OK) {
        status = ref_scales_refuse("adapter", &job.rounding, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    job.narrow = wanted && !ref_fits(job.rounding.work, job.rounding.multiply);
    job.d = io->x.shape[1];
    job.rank = ref_adapter_has_low_rank(params->type) ? params->u.shape[1] : 0;
    return run_rows(&job, error);
}
