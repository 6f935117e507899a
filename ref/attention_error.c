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
 * Softmax and sum. dy = sum_t p_t (v_t - y) ds_t, for the normaliser moves with the scores. The
 * scores' errors are independent in t: in quadrature, or their worst case where that is smaller.
 * Those from rounding q and k to the multiply type are known (shift_t), so they add up with sign.
 * The sum of exponentials errs relatively by its own sum's error, which scales y; each weight p_t
 * is then rounded to the intermediate and multiply types (dy = sum_t v_t p_t u_p, independent), and
 * the product with v is a dot product over t. Weights that underflow cost half a least subnormal of
 * the intermediate type times |v_t|.
 * Source: assay/attention.h; METHOD's first-order propagation. */
#include "ref/attention.h"

#include <math.h>

/* Error of q.k from rounding both operands, signed. */
static double rounded_shift(const double *q, const double *k, int64_t count,
                            const ref_rounding *rounding, double *rounded)
{
    for (int64_t i = 0; i < count; i++) {
        rounded[i] = ref_operand(rounding, false, q[i]);
        rounded[count + i] = ref_operand(rounding, false, k[i]);
    }
    return ref_dot(rounded, rounded + count, count) - ref_dot(q, k, count);
}

void ref_head_scores_error(const ref_head *head, const ref_rounding *rounding, double *terms,
                           double *rounded, ref_head_error *error)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    const bool rounds = ref_operand_changes(rounding, false, ASSAY_F64);
    for (int64_t t = 0; t < head->visible; t++) {
        const double *k = head->k + t * head->head_dim;
        const ref_spread dot = ref_dot_spread(head->q, k, head->head_dim, NULL, rounding, false,
                                              terms);
        const double s = fabs(head->score[t]);
        const double below = fabs(head->score[t] - head->maximum);
        const double local = 2.0 * rounding->u_intermediate * s + 2.0 * rounding->u_work * s +
                             3.0 * rounding->u_work * below + 2.0 * rounding->u_function +
                             rounding->intermediate_floor;
        error->shift[t] = rounds ? scale * rounded_shift(head->q, k, head->head_dim, rounding,
                                                         rounded) : 0.0;
        error->spread[t] = hypot(scale * hypot(dot.sigma, dot.bound), local);
        error->worst[t] = scale * dot.worst + local;
    }
    for (int64_t t = 0; t < head->visible; t++) {
        terms[t] = exp(head->score[t] - head->maximum);
    }
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
    double shift = 0.0;
    double linear = 0.0;
    double square = 0.0;
    double weight_linear = 0.0;
    double weight_square = 0.0;
    double reach = 0.0;
    for (int64_t t = 0; t < head->visible; t++) {
        const double p = head->weight[t];
        const double v = head->v[t * head->head_dim + i];
        terms[t] = 0.0;
        if (p == 0.0 && isfinite(v)) {
            reach += fabs(v); /* a score of -Inf: its own error has no meaning and no weight */
            continue;
        }
        const double slope = p * (v - y);
        const double value_error = ref_operand(rounding, false, v) - v;
        shift += slope * error->shift[t] + p * value_error;
        linear += fabs(slope) * error->worst[t];
        square += slope * slope * error->spread[t] * error->spread[t];
        weight_linear += fabs(p * v) * u_weight;
        weight_square += p * v * (p * v) * u_weight * u_weight;
        reach += fabs(v);
        terms[t] = p * v;
    }
    const ref_spread sum = ref_sum_spread(terms, head->visible, rounding, false);
    const double floor = fmax(rounding->intermediate_floor, rounding->product_floor);
    *bound = sum.bound + ref_difference(shift, 0.0) + fabs(y) * error->total_bound +
             floor * reach;
    *sigma = hypot(sum.sigma, fabs(y) * error->total_sigma);
    ref_settle(rounding, linear, sqrt(square), bound, sigma);
    ref_settle(rounding, weight_linear, sqrt(weight_square), bound, sigma);
}
