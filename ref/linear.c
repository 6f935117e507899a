/* linear: y[n,o] = sum_k x[n,k] w[o,k] + bias[o].
 *
 * Under a contract x and w are the operands that it promises to multiply: rounded to the multiply
 * type, a weight to the storage type first, or dequantised. Their distance from those given is what
 * the contract costs; it is known exactly and no part of a kernel's error.
 *
 * Error model: the dot product's (sums.h), the bias counting as one more term; the output's:
 *   bound = bound_sum + |D| + |round(bias) - bias| + half an ulp of y + underflow
 *   sigma = sigma_sum, with quantised weights and their scales' roundings (quantise.h)
 * An element whose sum may leave the accumulator's range in some order has no bound (reach.h). One
 * that is infinite by a subnormal times an infinity may be NaN where that subnormal is flushed.
 * D = sum_k (x' w' - x w), computed, with the operands that the contract leaves free: subnormals
 * that may be flushed, q * scale that may be rounded to the multiply type.
 * Where rows have scales of any f32 (precision.h, operand_scale), for each scaled operand
 *   bound += 2^-24 |sum|     and for words at an edge     sum_k (dx |w'| + |x'| dw + dx dw)
 * with dx, dw the distance to the neighbouring word. Sums of words are far from f32's end: only the
 * scaled sum may leave it.
 * Source: assay/linear.h, METHOD's dot-product budget. */
#include "ref/operands.h"
#include "ref/panel.h"
#include "ref/quantise.h"
#include "ref/reach.h"
#include "ref/sums.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_linear_params *params, const assay_linear_io *io,
                                 assay_error *error)
{
    assay_status status = ref_expect_matrix("linear", "weight", &params->weight, REF_REAL, REF_ANY,
                                            REF_ANY, error);
    if (status == ASSAY_OK) {
        status = ref_expect_optional("linear", "bias", &params->bias, params->weight.shape[0],
                                     error);
    }
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("linear", "x", &io->x, REF_REAL, REF_ANY,
                                                  params->weight.shape[1], error);
}

assay_status assay_ref_linear_check(const assay_linear_params *params, const assay_linear_io *io,
                                    assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("linear", "y", &io->y, REF_REAL,
                                                  io->x.shape[0], params->weight.shape[0], error);
}

assay_cost assay_ref_linear_cost(const assay_linear_params *params, const assay_linear_io *io)
{
    const int64_t depth = params->weight.shape[1];
    const assay_cost cost = {2.0 * (double)io->x.shape[0] * (double)assay_count(&params->weight),
                             ref_bytes(&params->weight) + ref_bytes(&params->bias) +
                                 ref_bytes(&io->x),
                             ref_bytes(&io->y), depth};
    return cost;
}

enum { BLOCK_ROWS = 96, COLUMNS = REF_PANEL };

typedef struct linear_job {
    const assay_linear_params *params;
    const assay_linear_io *io;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *model;  /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    int64_t depth;
    bool varies; /* other operands are as right */
    bool doubts; /* words of scaled rows may be neighbouring ones */
    double *x;       /* [rows, depth] as multiplied */
    double *other;   /* the same as a kernel may multiply instead */
    double *doubt;   /* what each may differ by, where rows have scales of any f32 */
    ref_wide *wide;  /* with a model: x once more, four rows interleaved */
} linear_job;

/* A row as multiplied. doubt: NULL where none is. */
static void load_operands(const linear_job *job, bool weight, assay_dtype from, double *row,
                          double *doubt)
{
    if (doubt != NULL) {
        ref_operands_in_doubt(&job->rounding, weight, from, job->depth, row, doubt);
    } else {
        ref_operands(&job->rounding, weight, from, job->depth, row);
    }
}

static assay_status load_rows(linear_job *job, assay_error *error)
{
    const int64_t fours = job->model != NULL ? (job->plan.rows + REF_WIDE - 1) / REF_WIDE : 0;
    job->x = ref_alloc(job->plan.rows * job->depth, error);
    job->other = ref_alloc(job->varies ? job->plan.rows * job->depth : 1, error);
    job->doubt = job->doubts ? ref_alloc(job->plan.rows * job->depth, error) : NULL;
    job->wide = (ref_wide *)ref_alloc(fours * REF_WIDE * job->depth, error);
    if (job->x == NULL || job->other == NULL || job->wide == NULL ||
        (job->doubts && job->doubt == NULL)) {
        return ASSAY_NO_MEMORY;
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        double *const row = job->x + i * job->depth;
        ref_load_row(&job->io->x, ref_plan_row(&job->plan, i), row);
        load_operands(job, false, job->io->x.dtype, row,
                      job->doubts ? job->doubt + i * job->depth : NULL);
    }
    for (int64_t f = 0; f < fours; f++) {
        const int64_t row = f * REF_WIDE;
        ref_interleave(job->x + row * job->depth, job->depth, job->plan.rows - row, job->depth,
                       job->wide + f * job->depth);
    }
    for (int64_t k = 0; job->varies && k < job->plan.rows * job->depth; k++) {
        job->other[k] = ref_operand_else(&job->rounding, false, job->x[k]);
    }
    return ASSAY_OK;
}

/* Scratch of one thread: the weight rows of a few columns, as multiplied and as they may be
 * instead; terms, four sums side by side and one alone; what each row of a block gives with each of
 * the columns, with the one and with the other. */
typedef struct column_scratch {
    double *weight, *other;     /* [COLUMNS, depth] */
    double *panel;              /* [depth, COLUMNS] of either */
    ref_wide *terms;            /* [depth + 1] */
    double *term;               /* [depth + 1] */
    double *dot, *other_dot;    /* [BLOCK_ROWS, COLUMNS] */
    double *doubt;              /* [COLUMNS, depth], where rows have scales of any f32 */
} column_scratch;

static int64_t scratch_size(const linear_job *job)
{
    const int64_t depth = job->depth;
    return (job->doubts ? 4 : 3) * COLUMNS * depth + (REF_WIDE + 1) * (depth + 1) +
           2 * BLOCK_ROWS * COLUMNS;
}

static column_scratch scratch_parts(double *memory, int64_t depth)
{
    column_scratch s = {.weight = memory, .other = memory + COLUMNS * depth};
    s.panel = s.other + COLUMNS * depth;
    double *const after = s.panel + COLUMNS * depth;
    s.terms = (ref_wide *)after;
    s.term = after + REF_WIDE * (depth + 1);
    s.dot = s.term + depth + 1;
    s.other_dot = s.dot + BLOCK_ROWS * COLUMNS;
    s.doubt = s.other_dot + BLOCK_ROWS * COLUMNS;
    return s;
}

/* Whether all terms of an element have one sign: its partial sums, in any order, only grow. */
static bool only_grows(const linear_job *job, const double *x, const double *weight,
                       const double *bias)
{
    double most = bias != NULL ? *bias : 0.0;
    double least = most;
    for (int64_t k = 0; k < job->depth; k++) {
        most = fmax(most, x[k] * weight[k]);
        least = fmin(least, x[k] * weight[k]);
    }
    return most <= 0.0 || least >= 0.0;
}

/* Whether the order of its sum decides an element (reach.h). */
static bool may_leave(const linear_job *job, const double *x, const double *weight,
                      const double *bias, double dot, double y, double magnitude)
{
    if (job->rounding.operand_scale != ASSAY_SCALE_NONE) {
        return bias != NULL && fabs(dot) >= job->rounding.work_limit;
    }
    const ref_sum sum = {x, weight, job->depth, magnitude, bias != NULL ? *bias : 0.0, 1.0, 0.0};
    return ref_sum_leaves(&job->rounding, &sum, y) ||
           (ref_quantises(job->contract) &&
            ref_sum_quantised_leaves(&job->rounding, x, job->depth, y));
}

/* What the scales of rows add to the bound of a sum. */
static double scales_error(const linear_job *job, int64_t row, const double *weight,
                           const double *weight_doubt, double dot)
{
    const double *const x = job->x + row * job->depth;
    const double *const doubt = job->doubt + row * job->depth;
    double bound = 0x1p-24 * (ref_quantises(job->contract) ? 1.0 : 2.0) * fabs(dot);
    for (int64_t k = 0; k < job->depth; k++) {
        bound += doubt[k] * (fabs(weight[k]) + weight_doubt[k]) + fabs(x[k]) * weight_doubt[k];
    }
    return bound;
}

/* The error model of rows first .. first+rows-1 of output column j, the c-th of those at hand. */
static void model_column(const linear_job *job, int64_t j, int64_t c, int64_t first, int64_t rows,
                         const double *bias, const column_scratch *s)
{
    const int64_t depth = job->depth;
    const bool quantises = ref_quantises(job->contract);
    ref_spread spread[REF_WIDE];
    for (int64_t i = 0; i < rows; i++) {
        if (i % REF_WIDE == 0) {
            ref_dot_spreads(s->weight + c * depth, job->wide + (first + i) / REF_WIDE * depth,
                            depth, bias, &job->rounding, s->terms, s->term, spread);
        }
        const ref_spread *own = &spread[i % REF_WIDE];
        const int64_t at = i * COLUMNS + c;
        const double dot = s->dot[at];
        const double y = bias != NULL ? dot + *bias : dot;
        double sigma = own->sigma;
        double bound = own->bound +
                       ref_round_error(job->rounding.work, bias != NULL ? *bias : 0.0);
        if (job->varies) {
            bound += ref_difference(s->other_dot[at], dot);
        }
        if (job->doubts) {
            bound += scales_error(job, first + i, s->weight + c * depth, s->doubt + c * depth, dot);
        }
        if (quantises) {
            ref_quantised_error(&job->rounding, dot, own->norm, depth, &bound, &sigma);
        }
        const double *const x = job->x + (first + i) * depth;
        const bool beyond = fabs(y) >= job->rounding.output_limit;
        if (may_leave(job, x, s->weight + c * depth, bias, dot, y, own->magnitude)) {
            ref_model_open(job->model, first + i, j);
        } else if (job->varies && isinf(y) && isnan(s->other_dot[at])) {
            ref_model_nan_too(job->model, first + i, j);
        } else if (beyond && !quantises && only_grows(job, x, s->weight + c * depth, bias)) {
            ref_model_put_growing(job->model, &job->rounding, first + i, j, y, bound, sigma);
        } else {
            ref_model_put(job->model, &job->rounding, first + i, j, y, bound, sigma);
        }
    }
}

static void load_weights(const linear_job *job, int64_t j, int64_t columns,
                         const column_scratch *s)
{
    const int64_t depth = job->depth;
    for (int64_t c = 0; c < columns; c++) {
        double *const row = s->weight + c * depth;
        assay_ref_weight_row(job->contract, &job->params->weight,
                             ref_plan_column(&job->plan, j + c), row);
        load_operands(job, true, job->params->weight.dtype, row,
                      job->doubts ? s->doubt + c * depth : NULL);
    }
    for (int64_t k = 0; job->varies && k < columns * depth; k++) {
        s->other[k] = ref_operand_else(&job->rounding, true, s->weight[k]);
    }
}

static void write_column(const assay_tensor *y, int64_t first, int64_t rows, int64_t column,
                         const double *dot, const double *bias)
{
    double *const to = y->dtype == ASSAY_F64 ? (double *)y->data + column * y->stride[1] : NULL;
    for (int64_t i = 0; i < rows; i++) {
        const double value = bias != NULL ? dot[i * COLUMNS] + *bias : dot[i * COLUMNS];
        if (to != NULL) {
            to[(first + i) * y->stride[0]] = value;
        } else {
            assay_put2(y, first + i, column, value);
        }
    }
}

/* Output columns j .. j+columns-1 for rows first .. first+rows-1. */
static void some_columns(const linear_job *job, int64_t j, int64_t columns, int64_t first,
                         int64_t rows, double *memory)
{
    const int64_t depth = job->depth;
    const column_scratch s = scratch_parts(memory, depth);
    const bool has_bias = assay_present(&job->params->bias);
    load_weights(job, j, columns, &s);
    ref_panel_pack(s.weight, depth, columns, depth, s.panel);
    ref_panel_products(job->x + first * depth, depth, rows, s.panel, depth, s.dot);
    if (job->varies) {
        ref_panel_pack(s.other, depth, columns, depth, s.panel);
        ref_panel_products(job->other + first * depth, depth, rows, s.panel, depth, s.other_dot);
    }
    for (int64_t c = 0; c < columns; c++) {
        const int64_t column = ref_plan_column(&job->plan, j + c);
        const double bias = has_bias ? assay_at1(&job->params->bias, column) : 0.0;
        write_column(&job->io->y, first, rows, j + c, s.dot + c, has_bias ? &bias : NULL);
        if (job->model != NULL) {
            model_column(job, j + c, c, first, rows, has_bias ? &bias : NULL, &s);
        }
    }
}

/* Rows in blocks that stay in a core's cache while the columns pass. */
static assay_status run_columns(linear_job *job, assay_error *error)
{
    const int64_t stretch = scratch_size(job);
    const int64_t rows = job->plan.rows;
    const int64_t groups = (job->plan.columns + COLUMNS - 1) / COLUMNS;
    const int64_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const bool many = ref_worth_threads(rows * job->plan.columns * job->depth,
                                        job->model != NULL);
    double *scratch = ref_alloc_threads(stretch, error);
    if (scratch == NULL) {
        return ASSAY_NO_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 4) if (many)
    for (int64_t task = 0; task < blocks * groups; task++) {
        const int64_t first = task / groups * BLOCK_ROWS;
        const int64_t j = task % groups * COLUMNS;
        const int64_t left = rows - first;
        const int64_t wide = job->plan.columns - j;
        some_columns(job, j, wide < COLUMNS ? wide : COLUMNS, first,
                     left < BLOCK_ROWS ? left : BLOCK_ROWS, ref_own(scratch, stretch));
    }
    free(scratch);
    return ASSAY_OK;
}

assay_status assay_ref_linear(const assay_linear_params *params, const assay_linear_io *io,
                              const assay_subset *subset, const assay_precision *contract,
                              const assay_error_model *model, assay_error *error)
{
    linear_job job;
    bool wanted = false;
    memset(&job, 0, sizeof job);
    assay_status status = check_inputs(params, io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    job.params = params;
    job.io = io;
    job.contract = contract;
    job.depth = params->weight.shape[1];
    status = ref_plan_make("linear", io->x.shape[0], params->weight.shape[0], subset, &io->y,
                           model, &job.plan, error);
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    ref_be_quick(&job.rounding, job.plan.rows, job.plan.columns, job.depth);
    job.varies = wanted && (ref_operand_varies(&job.rounding, false) ||
                            ref_operand_varies(&job.rounding, true));
    job.doubts = wanted && job.rounding.operand_scale == ASSAY_SCALE_ROW;
    status = load_rows(&job, error);
    if (status == ASSAY_OK) {
        status = run_columns(&job, error);
    }
    free(job.x);
    free(job.other);
    free(job.doubt);
    free(job.wide);
    return status;
}
