/* Error model of one attention head, first order in every rounding.
 *
 * Scores. The raw dot product has a dot product's error; kept as an intermediate (u_int), scaled
 * (u, and u for the rounded 1/sqrt(head_dim)), kept again (u_int). exp(s_t - m) adds the
 * subtraction's rounding and that of its argument's conversion to base 2, 3 u |s_t - m|, and the
 * library's error, u_function, twice where a running maximum rescales. All of it acts as an
 * absolute error ds_t of the score:
 *   local_t    = 2 (u_int + u) |s_t| + 3 u |s_t - m| + 2 u_function
 *   spread_t^2 = (scale sigma_dot)^2 + local_t^2
 *   worst_t    = scale worst_dot + local_t
 * and e^ds - 1, at most expm1(worst_t), is what a weight changes by. q, k and v are those that the
 * contract promises to multiply (attention_rows.c). Where it leaves subnormals free the softmax is
 * taken once more with them flushed, p', and the sum y' of its weights with flushed values:
 * |y' - y| is added, and the rest is measured from there.
 * Softmax and sum. With e_t = e^ds_t - 1,
 *   y'' - y' = sum_t p'_t e_t (v_t - y') / sum_t p'_t e^ds_t
 * for the normaliser moves with the scores; by Jensen's inequality the denominator is at least
 * e^-(sum p' worst), whose inverse is `drift`. The scores' errors are independent in t: in
 * quadrature, or their worst case where that is smaller. The sum of exponentials errs relatively by
 * its own sum's error, which scales y'; each weight is then rounded to the intermediate and to the
 * multiply type (dy = sum_t v_t p_t u_p, independent), and the product with v is a dot product over
 * t. A weight that underflows costs half a least subnormal of those types, at most itself, times
 * |v_t|.
 * An infinite value times a weight that may underflow (e^(s_t - m), or that over the total, at the
 * floor of the types it passes, the working type's least normal at the least, for library functions
 * flush) is NaN where it does, else infinite; and a kernel that rescales by a running maximum may
 * have met the value with a weight that does not, whatever float64 makes of it. What is infinite
 * here may then be NaN, and what is NaN by such a weight alone has no bound. A score of -Inf has
 * the weight 0 in any case, and values of either sign are NaN together.
 * A score beyond the intermediate type's range (f16) has no bound; nor one whose sum may leave the
 * accumulator's range in some order (reach.h), nor a sum of values that may.
 * Source: assay/attention.h; METHOD's first-order propagation. */
#include "ref/attention.h"
#include "ref/reach.h"

#include <math.h>

/* moved: scores on the way in, their softmax on the way out. */
static void softmax(double *moved, int64_t count)
{
    double maximum = -(double)INFINITY;
    double total = 0.0;
    for (int64_t t = 0; t < count; t++) {
        maximum = moved[t] > maximum ? moved[t] : maximum;
    }
    for (int64_t t = 0; t < count; t++) {
        moved[t] = exp(moved[t] - maximum);
        total += moved[t];
    }
    for (int64_t t = 0; t < count; t++) {
        moved[t] /= total;
    }
}

/* Whether key t's score may be no number: beyond the intermediate type, or on the way there. */
static bool score_open(const ref_head *head, const ref_rounding *rounding, int64_t t, double score,
                       const ref_spread *dot)
{
    const double raw = score * sqrt((double)head->head_dim);
    const double most = fmin(rounding->intermediate_limit, rounding->work_limit);
    const ref_sum sum = {head->q, head->k + t * head->k_stride, head->head_dim, dot->magnitude,
                         0.0, 1.0, 0.0};
    return (isfinite(raw) && fabs(raw) + dot->worst >= most) ||
           ref_sum_leaves(rounding, &sum, raw);
}

/* Nothing is known of a weight whose score is so far off; 0 times it is 0. */
static const double most_change = 0x1p960;

/* Key t's score, as the kernel's operands make it, and the error of its dot product. */
static void one_score(const ref_head *head, const ref_rounding *rounding, int64_t t, double score,
                      const ref_spread *dot, ref_head_error *error)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    const double s = fabs(score);
    const double below = fabs(score - head->maximum);
    const double local = 2.0 * rounding->u_intermediate * s + 2.0 * rounding->u_work * s +
                         3.0 * rounding->u_work * below + 2.0 * rounding->u_function +
                         rounding->intermediate_floor;
    const double worst = scale * dot->worst + local;
    error->open = error->open || score_open(head, rounding, t, score, dot);
    error->worst[t] = fmin(expm1(worst), most_change); /* of weight 0 it changes nothing */
    error->spread[t] = hypot(scale * hypot(dot->sigma, dot->bound), local) *
                       (worst > 0.0 ? expm1(worst) / worst : 1.0);
    error->spread[t] = fmin(error->spread[t], sqrt(most_change));
}

/* The scores with both operands' subnormals flushed. */
static void flushed_scores(const ref_head *head, const ref_rounding *rounding, double *q,
                           double *score)
{
    const int64_t dim = head->head_dim;
    const double scale = 1.0 / sqrt((double)dim);
    for (int64_t i = 0; i < dim; i++) {
        q[i] = ref_operand_else(rounding, false, head->q[i]);
    }
    ref_dots(q, head->k_flushed, dim, head->visible, dim, score);
    for (int64_t t = 0; t < head->visible; t++) {
        score[t] *= scale;
    }
}

void ref_head_scores_error(const ref_head *head, const ref_rounding *rounding,
                           const ref_head_scratch *scratch, ref_head_error *error)
{
    const int64_t dim = head->head_dim;
    const bool flushes = ref_operand_varies(rounding, false);
    double *const terms = scratch->terms;
    ref_spread dots[REF_WIDE];
    error->open = false;
    memcpy(error->moved, head->score, (size_t)head->visible * sizeof *error->moved);
    if (flushes) {
        flushed_scores(head, rounding, scratch->flushed, error->moved);
    }
    for (int64_t t = 0; t < head->visible; t++) {
        if (t % REF_WIDE == 0) {
            ref_interleave(head->k + t * head->k_stride, head->k_stride, head->visible - t, dim,
                           scratch->wide + dim);
            ref_dot_spreads(head->q, scratch->wide + dim, dim, NULL, rounding,
                            scratch->wide, terms, dots);
        }
        one_score(head, rounding, t, error->moved[t], &dots[t % REF_WIDE], error);
    }
    if (flushes) {
        softmax(error->moved, head->visible);
    } else {
        memcpy(error->moved, head->weight, (size_t)head->visible * sizeof *error->moved);
    }
    double drift = 0.0;
    for (int64_t t = 0; t < head->visible; t++) {
        drift += error->moved[t] > 0.0 ? error->moved[t] * log1p(error->worst[t]) : 0.0;
        terms[t] = exp(head->score[t] - head->maximum);
    }
    error->drift = fmin(exp(drift), most_change);
    /* the exponentials are of one sign and not products */
    const ref_rounding plain =
        ref_rounding_of_terms(rounding, assay_dtype_bits(rounding->work));
    const ref_spread total = ref_sum_spread(terms, head->visible, &plain);
    error->total_bound = total.bound / head->total + 2.0 * rounding->u_work;
    error->total_sigma = total.sigma / head->total;
}

/* Sums over the keys, of four elements. */
typedef struct element_sums {
    ref_wide moved, size, linear, square, weight_linear, weight_square, lost;
} element_sums;

/* Elements first .. first+3 of every key's flushed values. */
static const ref_wide *flushed_values(const ref_head *head, int64_t first)
{
    return head->v_flushed + first / REF_WIDE * head->v_flushed_stride;
}

/* The terms of the moved outputs, and their sum. */
REF_CLONES static void move_elements(const ref_head *head, const ref_head_error *error,
                                     int64_t first, element_sums *sums, ref_wide *terms)
{
    const ref_wide *const values = flushed_values(head, first);
    ref_wide moved = {0.0};
    ref_wide size = {0.0};
    for (int64_t t = 0; t < head->visible; t++) {
        ref_wide v = values[t];
        terms[t] = error->moved[t] * v;
        for (int n = 0; error->moved[t] == 0.0 && n < REF_WIDE; n++) {
            /* a score of -Inf: its own error has no meaning and no weight */
            terms[t][n] = isfinite(v[n]) ? 0.0 : terms[t][n];
        }
        moved += terms[t];
        ref_wide_magnitude(&v);
        size += v;
    }
    sums->moved = moved;
    sums->size = size;
}

/* Whether the weighted sum of values i may leave the range in some order: a kernel that rescales
 * by a running maximum has had weights of up to 1 each on the way. */
static bool value_open(const ref_head *head, const ref_rounding *rounding, int64_t i,
                       double magnitude, double y)
{
    double up = 0.0;
    double down = 0.0;
    if (!ref_reach_near(rounding, magnitude, head->visible) || isnan(y)) {
        return false;
    }
    for (int64_t t = 0; t < head->visible; t++) {
        const double v = head->v[t * head->v_stride + i];
        up += isfinite(v) ? fmax(v, 0.0) : 0.0;
        down += isfinite(v) ? fmax(-v, 0.0) : 0.0;
    }
    up = isinf(y) && y > 0.0 ? 0.0 : up; /* only the other side can change an infinity */
    down = isinf(y) && y < 0.0 ? 0.0 : down;
    return ref_reach_near(rounding, fmax(up, down), head->visible);
}

/* The least weight that is surely none of those that a kernel may flush to 0. */
static double weight_floor(const ref_rounding *r)
{
    const double normal = ldexp(1.0, assay_dtype_normal_exponent(r->work));
    const double kept = fmax(r->intermediate_floor, r->multiply_floor);
    return fmax(fmax(normal, kept), r->flush_in ? r->operand_normal : 0.0);
}

/* What a right kernel may make of element i, which is y here and has infinite values: the same
 * alone, a NaN too, or anything infinite or NaN. */
static void infinite_values(const ref_head *head, const ref_rounding *rounding,
                            const ref_head_error *error, int64_t i, double y, bool *nan_too,
                            bool *open)
{
    const double floor = weight_floor(rounding);
    bool up = false;
    bool down = false;
    bool vanishes = false;
    bool certain = false; /* NaN in any case */
    for (int64_t t = 0; t < head->visible; t++) {
        const double v = head->v[t * head->v_stride + i];
        if (isfinite(v)) {
            continue;
        }
        const double room = 1.0 + error->worst[t];
        const double weight = fmin(head->weight[t], error->moved[t]) / (room * room);
        certain = certain || isnan(v) || !isfinite(head->score[t]);
        up = up || v > 0.0;
        down = down || v < 0.0;
        vanishes = vanishes || weight <= floor;
    }
    certain = certain || (up && down);
    *nan_too = isinf(y) && vanishes;
    *open = isnan(y) && vanishes && !certain;
}

REF_CLONES static void add_keys(const ref_head *head, const ref_rounding *rounding,
                                const ref_head_error *error, int64_t first, const ref_wide *terms,
                                element_sums *sums)
{
    const double u_weight = ref_then(rounding->u_step, rounding->u_multiply);
    const double floor = fmax(rounding->intermediate_floor, rounding->multiply_floor);
    const ref_wide *const values = flushed_values(head, first);
    element_sums all = *sums;
    for (int64_t t = 0; t < head->visible; t++) {
        const double p = error->moved[t];
        ref_wide v = values[t];
        ref_wide steep = p * (v - all.moved);
        const ref_wide slope = steep;
        ref_wide large = terms[t];
        for (int n = 0; p == 0.0 && n < REF_WIDE; n++) {
            all.lost[n] += isfinite(v[n]) ? rounding->product_floor * fabs(v[n]) : 0.0;
        }
        if (p == 0.0) {
            continue;
        }
        ref_wide_magnitude(&v);
        ref_wide_magnitude(&steep);
        ref_wide_magnitude(&large);
        all.lost += (fmin(p, floor) + rounding->product_floor) * v;
        all.linear += steep * error->worst[t];
        all.square += slope * slope * error->spread[t] * error->spread[t];
        all.weight_linear += large * u_weight;
        all.weight_square += terms[t] * terms[t] * u_weight * u_weight;
    }
    *sums = all;
}

void ref_head_elements_error(const ref_head *head, const ref_rounding *rounding,
                             const ref_head_error *error, int64_t first, const double y[REF_WIDE],
                             const ref_head_scratch *scratch, ref_head_budget *budget)
{
    double *const bound = budget->bound;
    double *const sigma = budget->sigma;
    const ref_wide zero = {0.0};
    element_sums sums = {zero, zero, zero, zero, zero, zero, zero};
    ref_spread spread[REF_WIDE];
    move_elements(head, error, first, &sums, scratch->wide);
    add_keys(head, rounding, error, first, scratch->wide, &sums);
    ref_sum_spreads(scratch->wide, head->visible, rounding, scratch->terms, spread);
    for (int n = 0; n < REF_WIDE; n++) {
        const double moved = sums.moved[n];
        bound[n] = spread[n].bound + ref_difference(moved, y[n]) +
                   fabs(moved) * error->total_bound + sums.lost[n];
        sigma[n] = hypot(spread[n].sigma, fabs(moved) * error->total_sigma);
        const bool open =
            error->open || value_open(head, rounding, first + n, sums.size[n], y[n]);
        budget->open[n] = !isnan(y[n]) && open;
        budget->nan_too[n] = false;
        if (!isfinite(y[n]) && !budget->open[n] && first + n < head->head_dim) {
            infinite_values(head, rounding, error, first + n, y[n], &budget->nan_too[n],
                            &budget->open[n]);
        }
        ref_settle(rounding, sums.linear[n] * error->drift, sqrt(sums.square[n]) * error->drift,
                   &bound[n], &sigma[n]);
        ref_settle(rounding, sums.weight_linear[n], sqrt(sums.weight_square[n]), &bound[n],
                   &sigma[n]);
    }
}
