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
 * and e^ds - 1, at most expm1(worst_t), is what a weight changes by. The errors from rounding q and
 * k to the multiply type are not small for 8-bit types, but known: the softmax is taken once more
 * with the rounded operands, p', and the sum y' of its weights with rounded values. |y' - y| is the
 * error that the operands' types make; the rest is measured from there.
 * Softmax and sum. With e_t = e^ds_t - 1,
 *   y'' - y' = sum_t p'_t e_t (v_t - y') / sum_t p'_t e^ds_t
 * for the normaliser moves with the scores; by Jensen's inequality the denominator is at least
 * e^-(sum p' worst), whose inverse is `drift`. The scores' errors are independent in t: in
 * quadrature, or their worst case where that is smaller. The sum of exponentials errs relatively by
 * its own sum's error, which scales y'; each weight is then rounded to the intermediate and to the
 * multiply type (dy = sum_t v_t p_t u_p, independent), and the product with v is a dot product over
 * t. A weight that underflows costs half a least subnormal of those types, at most itself, times
 * |v_t|.
 * A score beyond the intermediate type's range (f16) has no bound.
 * Source: assay/attention.h; METHOD's first-order propagation. */
#include "ref/attention.h"

#include <math.h>

/* q.k with both operands as they are multiplied. */
static double rounded_dot(const double *q, const double *k, int64_t count,
                            const ref_rounding *rounding, double *rounded)
{
    for (int64_t i = 0; i < count; i++) {
        rounded[i] = ref_operand(rounding, false, q[i]);
        rounded[count + i] = ref_operand(rounding, false, k[i]);
    }
    return ref_dot(rounded, rounded + count, count);
}

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

static void one_score(const ref_head *head, const ref_rounding *rounding, int64_t t, double score,
                      double *terms, ref_head_error *error)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    const ref_spread dot = ref_dot_spread(head->q, head->k + t * head->head_dim, head->head_dim,
                                          NULL, rounding, false, terms);
    const double s = fabs(score);
    const double below = fabs(score - head->maximum);
    const double local = 2.0 * rounding->u_intermediate * s + 2.0 * rounding->u_work * s +
                         3.0 * rounding->u_work * below + 2.0 * rounding->u_function +
                         rounding->intermediate_floor;
    const double worst = scale * dot.worst + local;
    error->open = error->open || (isfinite(s) &&
                                  s / scale + dot.worst >= rounding->intermediate_limit);
    error->worst[t] = expm1(worst);
    error->spread[t] = hypot(scale * hypot(dot.sigma, dot.bound), local) *
                       (worst > 0.0 ? expm1(worst) / worst : 1.0);
}

void ref_head_scores_error(const ref_head *head, const ref_rounding *rounding, double *terms,
                           double *rounded, ref_head_error *error)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    const bool rounds = ref_operand_changes(rounding, false, ASSAY_F64);
    error->open = false;
    for (int64_t t = 0; t < head->visible; t++) {
        const double *k = head->k + t * head->head_dim;
        error->moved[t] = head->score[t];
        if (rounds) {
            error->moved[t] = scale * rounded_dot(head->q, k, head->head_dim, rounding, rounded);
        }
        one_score(head, rounding, t, error->moved[t], terms, error);
    }
    if (rounds) {
        softmax(error->moved, head->visible);
    } else {
        memcpy(error->moved, head->weight, (size_t)head->visible * sizeof *error->moved);
    }
    double drift = 0.0;
    for (int64_t t = 0; t < head->visible; t++) {
        drift += error->moved[t] > 0.0 ? error->moved[t] * log1p(error->worst[t]) : 0.0;
        terms[t] = exp(head->score[t] - head->maximum);
    }
    error->drift = exp(drift);
    /* the exponentials are of one sign and not products */
    const ref_spread total = ref_sum_spread(terms, head->visible, rounding, false);
    error->total_bound = total.bound / head->total + 2.0 * rounding->u_work;
    error->total_sigma = total.sigma / head->total;
}

void ref_head_element_error(const ref_head *head, const ref_rounding *rounding,
                            const ref_head_error *error, int64_t i, double y, double *terms,
                            double *bound, double *sigma)
{
    const double u_weight = ref_then(rounding->u_step, rounding->u_multiply);
    const double floor = fmax(rounding->intermediate_floor, rounding->multiply_floor);
    double moved = 0.0;
    double linear = 0.0;
    double square = 0.0;
    double weight_linear = 0.0;
    double weight_square = 0.0;
    double lost = 0.0;
    for (int64_t t = 0; t < head->visible; t++) {
        const double v = ref_operand(rounding, false, head->v[t * head->head_dim + i]);
        /* a score of -Inf: its own error has no meaning and no weight */
        terms[t] = error->moved[t] == 0.0 && isfinite(v) ? 0.0 : error->moved[t] * v;
        moved += terms[t];
    }
    for (int64_t t = 0; t < head->visible; t++) {
        const double p = error->moved[t];
        const double v = ref_operand(rounding, false, head->v[t * head->head_dim + i]);
        if (p == 0.0) {
            lost += isfinite(v) ? rounding->product_floor * fabs(v) : 0.0;
            continue;
        }
        lost += (fmin(p, floor) + rounding->product_floor) * fabs(v);
        const double slope = p * (v - moved);
        linear += fabs(slope) * error->worst[t];
        square += slope * slope * error->spread[t] * error->spread[t];
        weight_linear += fabs(terms[t]) * u_weight;
        weight_square += terms[t] * terms[t] * u_weight * u_weight;
    }
    const ref_spread sum = ref_sum_spread(terms, head->visible, rounding, false);
    *bound = sum.bound + ref_difference(moved, y) + fabs(moved) * error->total_bound + lost;
    *sigma = hypot(sum.sigma, fabs(moved) * error->total_sigma);
    ref_settle(rounding, linear * error->drift, sqrt(square) * error->drift, bound, sigma);
    ref_settle(rounding, weight_linear, sqrt(weight_square), bound, sigma);
}
