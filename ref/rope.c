/* rope: with a = position f_i, and half = head_dim/2, for every head:
 *   y_i        = x_i cos a        - x_(i+half) sin a
 *   y_(i+half) = x_(i+half) cos a + x_i sin a
 *
 * Error model. In an angle type of unit u_a the kernel's a is off by
 *   da = position |round(f) - f| + u_a |a|        (twice u_a |a| where the position itself rounds)
 * so with |sin| and |cos| as each other's slopes, the library's error, and their rounding to the
 * working or intermediate type (u_c):
 *   dcos = |sin a| da + da^2/2 + (8 u_a + u_c) |cos a|      and the same for sin with both swapped
 * Products are rounded (u_p, of the working or intermediate type), so is their sum:
 *   bound = |x_i| dcos + |x_j| dsin + u_p (|x_i cos a| + |x_j sin a| + |y|) + half an ulp of y
 *         + underflow
 *   sigma = 0
 * f32 angles: at position 8000 and f = 1, da is 5e-4 rad: what the bound then mostly consists of.
 * Source: assay/rope.h (transformers apply_rotary_pos_emb, whose bf16 flow rounds cos, sin, both
 * products and their sum to bf16). */
#include "ref/operands.h"
#include "ref/rounding.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_rope_params *params, const assay_rope_io *io,
                                 assay_error *error)
{
    const assay_status status = ref_expect_matrix("rope", "x", &io->x, REF_REAL, REF_ANY, REF_ANY,
                                                  error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (params->head_dim < 2 || params->head_dim % 2 != 0 ||
        io->x.shape[1] % params->head_dim != 0 || params->inverse_frequency == NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "rope: head_dim %lld must be even, divide x's %lld columns, and come "
                          "with head_dim/2 inverse frequencies",
                          (long long)params->head_dim, (long long)io->x.shape[1]);
    }
    return ref_expect_vector("rope", "position", &io->position, REF_INTEGER, io->x.shape[0],
                             error);
}

assay_status assay_ref_rope_check(const assay_rope_params *params, const assay_rope_io *io,
                                  assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("rope", "y", &io->y, REF_REAL, io->x.shape[0],
                                                  io->x.shape[1], error);
}

assay_cost assay_ref_rope_cost(const assay_rope_params *params, const assay_rope_io *io)
{
    (void)params;
    const assay_cost cost = {3.0 * (double)assay_count(&io->y),
                             ref_bytes(&io->x) + ref_bytes(&io->position), ref_bytes(&io->y), 2};
    return cost;
}

/* Bound of one output a*cos + b*sin (the sign is in b), without output rounding. */
static double rotation_bound(const ref_rounding *rounding, double position, double frequency,
                             double cosine, double sine, double a, double b)
{
    const double angle = position * frequency;
    const bool inexact = ref_round(rounding->angle, position) != position;
    const double off = fabs(position) * ref_round_error(rounding->angle, frequency) +
                       (inexact ? 2.0 : 1.0) * rounding->u_angle * fabs(angle);
    const double c = fabs(cosine);
    const double s = fabs(sine);
    const double units = REF_FUNCTION_UNITS * rounding->u_angle +
                         ref_then(rounding->u_work, rounding->u_intermediate);
    const double off_cos = s * off + 0.5 * off * off + units * c;
    const double off_sin = c * off + 0.5 * off * off + units * s;
    const double y = a * cosine + b * sine;
    const double step = ref_then(rounding->u_work, rounding->u_intermediate);
    const double floors = 3.0 * rounding->product_floor + 2.0 * rounding->intermediate_floor +
                          ref_flushed(rounding, a) + ref_flushed(rounding, b);
    return fabs(a) * (off_cos + rounding->intermediate_floor) +
           fabs(b) * (off_sin + rounding->intermediate_floor) +
           step * (fabs(a) * c + fabs(b) * s + fabs(y)) + floors;
}

typedef struct rope_job {
    const assay_rope_params *params;
    const assay_rope_io *io;
    const assay_error_model *model; /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    double least;  /* position */
    int64_t range; /* of positions, in the table; 0: there is none */
    double *table; /* [range, head_dim] */
} rope_job;

/* The cosines and sines of a position, which all heads share. */
static void fill_turn(const rope_job *job, double position, double *turn)
{
    const int64_t half = job->params->head_dim / 2;
    for (int64_t i = 0; i < half; i++) {
        const double angle = position * job->params->inverse_frequency[i];
        turn[i] = cos(angle);
        turn[half + i] = sin(angle);
    }
}

/* Rows of many prompts repeat positions: where there are more rows than positions from the least to
 * the greatest, each is turned once. */
static assay_status make_table(rope_job *job, bool many, assay_error *error)
{
    const int64_t dim = job->params->head_dim;
    double most = -1.0;
    job->least = (double)INFINITY;
    for (int64_t n = 0; n < job->plan.rows; n++) {
        const double position = assay_at1(&job->io->position, ref_plan_row(&job->plan, n));
        job->least = fmin(job->least, position);
        most = fmax(most, position);
    }
    const bool repeats = job->plan.rows > 0 && most - job->least < (double)job->plan.rows;
    job->range = repeats ? (int64_t)(most - job->least) + 1 : 0;
    job->table = ref_alloc(job->range * dim, error);
#pragma omp parallel for if (many)
    for (int64_t p = 0; p < (job->table != NULL ? job->range : 0); p++) {
        fill_turn(job, job->least + (double)p, job->table + p * dim);
    }
    return job->table != NULL ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* y = x turned, all heads. */
static void rotate_heads(int64_t columns, int64_t dim, const double *turn, const double *x,
                         double *y)
{
    const int64_t half = dim / 2;
    for (int64_t h = 0; h < columns; h += dim) {
        for (int64_t i = 0; i < half; i++) {
            const double a = x[h + i];
            const double b = x[h + half + i];
            y[h + i] = a * turn[i] - b * turn[half + i];
            y[h + half + i] = b * turn[i] + a * turn[half + i];
        }
    }
}

/* Output row n. y may be x, so the row is read whole before it is written. own: [head_dim]. */
static void rotate_row(const rope_job *job, int64_t n, double *x, double *turned, double *own)
{
    const int64_t dim = job->params->head_dim;
    const int64_t half = dim / 2;
    const int64_t row = ref_plan_row(&job->plan, n);
    const double position = assay_at1(&job->io->position, row);
    const double *turn = own;
    ref_load_row(&job->io->x, row, x);
    if (job->range > 0) {
        turn = job->table + (int64_t)(position - job->least) * dim;
    } else {
        fill_turn(job, position, own);
    }
    rotate_heads(job->io->x.shape[1], dim, turn, x, turned);
    for (int64_t j = 0; j < job->plan.columns; j++) {
        assay_put2(&job->io->y, n, j, turned[ref_plan_column(&job->plan, j)]);
    }
    for (int64_t j = 0; job->model != NULL && j < job->plan.columns; j++) {
        const int64_t column = ref_plan_column(&job->plan, j);
        const int64_t place = column % dim;
        const int64_t i = place < half ? place : place - half;
        const double a = x[column];
        const double b = place < half ? -x[column + half] : x[column - half];
        const double y = turned[column];
        if (ref_kept_leaves(&job->rounding, fabs(a) + fabs(b)) && !isnan(y)) {
            ref_model_open(job->model, n, j);
        } else {
            ref_model_put(job->model, &job->rounding, n, j, y,
                          rotation_bound(&job->rounding, position,
                                         job->params->inverse_frequency[i], turn[i],
                                         turn[half + i], a, b), 0.0);
        }
    }
}

assay_status assay_ref_rope(const assay_rope_params *params, const assay_rope_io *io,
                            const assay_subset *subset, const assay_precision *contract,
                            const assay_error_model *model, assay_error *error)
{
    rope_job job = {.params = params, .io = io};
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("rope", io->x.shape[0], io->x.shape[1], subset, &io->y, model,
                               &job.plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t columns = io->x.shape[1];
    const int64_t width = 2 * columns + params->head_dim;
    double *scratch = ref_alloc_threads(width, error);
    if (scratch == NULL) {
        return ASSAY_NO_MEMORY;
    }
    job.model = wanted ? model : NULL;
    const bool many = ref_worth_threads(16 * job.plan.rows * columns, wanted);
    status = make_table(&job, many, error);
#pragma omp parallel for if (many)
    for (int64_t n = 0; n < (status == ASSAY_OK ? job.plan.rows : 0); n++) {
        double *own = ref_own(scratch, width);
        rotate_row(&job, n, own, own + columns, own + 2 * columns);
    }
    free(job.table);
    free(scratch);
    return status;
}
