/* Error model of a sampling distribution.
 *
 * s_t = logits_t / T is rounded, u |s_t|; exp(s_t - m) takes 3 u |s_t - m| + u_function as in
 * attention. So e_t has the relative error
 *   eta_t = u (|s_t| + |m|) + 3 u |s_t - m| + u_function
 * and p_t = e_t / sum e that of eta_t + sum_k p_k eta_k + 2 u, beside the relative error of the sum
 * itself, which is that of any sum (sums.h): a bound and p_t sigma_sum / sum. But equal terms, and
 * logits of 16 bits have many, are not rounded independently: the error of adding t to a partial
 * sum of a given binade follows from t alone. With c equals at most, each value's errors add up as
 * one, and their squares are at most c times those of independent ones.
 *
 * Membership. A token is undecided when
 *   - top_k's cut is within both scaled values' rounding above it (a right kernel's scaling is
 *     monotone, so what is kept stays, but what is just below may become an equal);
 *   - the sum before it is within that sum's own error of top_p,
 *     unless all sums are small whole numbers: then it is met exactly, or not;
 *   - it could change places with a token on the other side of top_p's cut, the exponentials being
 *     within their errors of each other but the scaled values not equal (equals are ordered by
 *     index).
 * With w the share of all undecided tokens in the kept mass, a kept token may be off by p_t w/(1-w)
 * more (w >= 1/2: by 1, nothing is known), an undecided one by its whole share, and one that is
 * kept instead of dropped by that share's own error too. A token that is surely dropped has the
 * probability 0 and no budget; any other one may be drawn, be it dropped here.
 * Where the greatest s, or 1 / T, is beyond the working type a right kernel has Inf - Inf: such a
 * row is left open.
 * Source: assay/sample.h; first-order propagation. */
#include "ref/sample.h"
#include "ref/sums.h"

#include <math.h>

/* Of a token whose scaled logit is s. */
static double exponent_error(const ref_distribution *d, const ref_rounding *r, double s)
{
    return r->u_work * (fabs(s) + fabs(d->maximum)) + 3.0 * r->u_work * fabs(s - d->maximum) +
           r->u_function;
}

/* The relative error of a sum of exponentials, and of quotients by it. */
typedef struct relative {
    double bound, sigma;
} relative;

/* How many of the tokens that are summed share one weight, at most. */
static double most_equals(const ref_distribution *d, bool kept)
{
    int64_t most = 1;
    int64_t run = 0;
    double last = -1.0;
    for (int64_t k = 0; k < d->vocab; k++) { /* in descending order: equals are neighbours */
        const int64_t t = d->order[k];
        if (d->before[t] > 0.0 && (!kept || d->kept[t])) {
            run = d->before[t] == last ? run + 1 : 1;
            last = d->before[t];
            most = run > most ? run : most;
        }
    }
    return (double)most;
}

/* Relative error of a sum by an accumulator whose errors add up. It may take the weights in
 * descending order, so that all partial sums are near the whole; or every token's in the order of
 * tokens, with a zero for one that is not in it. */
static double errors_add_up(const ref_distribution *d, const ref_rounding *r, int64_t used)
{
    enum { LANES = 32 };
    const double blocks = ceil((double)d->vocab / (double)r->block) + LANES;
    const double steps = r->block > 1 ? fmin((double)used, blocks) : (double)used;
    const double terms = ref_is_narrow(r) ? 1.0 : 0.0;
    return (steps + terms) * r->u_sum;
}

/* Of all tokens that top_k left, or of those that are kept. */
static relative sum_error(const ref_distribution *d, const ref_rounding *r, bool kept)
{
    double weighted = 0.0;
    int64_t used = 0;
    const double mass = kept ? d->mass : d->mass_before;
    for (int64_t t = 0; t < d->vocab; t++) {
        if (d->before[t] > 0.0 && (!kept || d->kept[t])) {
            weighted += d->before[t] / mass * exponent_error(d, r, d->scaled[t]);
            d->scratch[used++] = d->before[t];
        }
    }
    if (r->linear) {
        return (relative){weighted + errors_add_up(d, r, used) + 2.0 * r->u_work, 0.0};
    }
    ref_rounding plain = ref_rounding_of_terms(r, assay_dtype_bits(r->work));
    plain.product = plain.product && ref_is_narrow(r);
    const ref_spread spread = ref_sum_spread(d->scratch, used, &plain);
    relative error = {weighted + spread.bound / mass + 2.0 * r->u_work, 0.0};
    if (spread.sigma > 0.0) {
        ref_settle(&plain, (spread.worst - spread.bound) / mass,
                   sqrt(most_equals(d, kept)) * spread.sigma / mass, &error.bound, &error.sigma);
    }
    return error;
}

/* The scaled values on both sides of top_p's cut: the least kept and the greatest dropped. Where
 * these are equal, the next ones: what comes between equals moves the cut among them. */
typedef struct cut {
    double kept, dropped;
    double above, below; /* the least kept above `dropped`, the greatest dropped below `kept` */
} cut;

static cut find_cut(const ref_distribution *d)
{
    const double none = (double)INFINITY;
    cut found = {none, -none, none, -none};
    for (int64_t t = 0; t < d->vocab; t++) {
        if (d->kept[t]) {
            found.kept = fmin(found.kept, d->scaled[t]);
        } else if (d->before[t] > 0.0) {
            found.dropped = fmax(found.dropped, d->scaled[t]);
        }
    }
    for (int64_t t = 0; t < d->vocab; t++) {
        if (d->kept[t] && d->scaled[t] > found.dropped) {
            found.above = fmin(found.above, d->scaled[t]);
        } else if (!d->kept[t] && d->before[t] > 0.0 && d->scaled[t] < found.kept) {
            found.below = fmax(found.below, d->scaled[t]);
        }
    }
    return found;
}

/* Whether rounding may make scaled logits a > b equal or nearly so; a masked one stays -Inf. */
static bool confused(double a, double b, const ref_rounding *r)
{
    return a > b && !isinf(b) && a - b <= 2.0 * r->u_work * (fabs(a) + fabs(b));
}

/* Whether it may do so with their exponentials, by which a nucleus may be ordered. */
static bool may_swap(double a, double b, const ref_distribution *d, const ref_rounding *r)
{
    return a > b && !isinf(b) && a - b <= exponent_error(d, r, a) + exponent_error(d, r, b);
}

/* Whether it may do so with a token's and one's on the other side of the cut. */
static bool may_cross(const ref_distribution *d, const ref_rounding *r, int64_t t, const cut *edge)
{
    const double s = d->scaled[t];
    return d->kept[t] ? may_swap(s, edge->dropped < s ? edge->dropped : edge->below, d, r)
                      : may_swap(edge->kept > s ? edge->kept : edge->above, s, d, r);
}

/* Of so few equals the weights are 1, and all sums small integers: exact in any accumulator. */
enum { COUNTED_MOST = 64 };

static bool is_counted(const assay_sample_params *params, int64_t count)
{
    const double fine = params->top_p * 0x1p24;
    return count <= COUNTED_MOST && (count & (count - 1)) == 0 && fine == floor(fine);
}

bool assay_ref_sample_counts(const assay_sample_params *params, const assay_tensor *logits,
                             int64_t row)
{
    bool equal = is_counted(params, logits->shape[1]) && isfinite(assay_at2(logits, row, 0));
    for (int64_t t = 1; equal && t < logits->shape[1]; t++) {
        equal = assay_at2(logits, row, t) == assay_at2(logits, row, 0);
    }
    return equal;
}

static bool counts(const assay_sample_params *params, const ref_distribution *d)
{
    bool equal = is_counted(params, d->vocab);
    for (int64_t t = 0; equal && t < d->vocab; t++) {
        equal = d->scaled[t] == d->maximum;
    }
    return equal;
}

/* Whether a right kernel may decide the other way on token t; `ahead` is the mass before it. */
static bool undecided(const assay_sample_params *params, const ref_distribution *d,
                      const ref_rounding *r, int64_t t, double ahead, double sum_error,
                      const cut *edge)
{
    const double s = d->scaled[t];
    if (s < d->kth) {
        return confused(d->kth, s, r);
    }
    if (params->top_p < 1.0 && may_cross(d, r, t, edge)) {
        return true;
    }
    return params->top_p < 1.0 && ahead > 0.0 &&
           fabs(ahead / d->mass_before - params->top_p) <= 2.0 * sum_error;
}

/* Whether token t is dropped whatever the roundings; one whose weight underflows is not. */
static bool surely_dropped(const ref_distribution *d, int64_t t, bool open)
{
    const double s = d->scaled[t];
    return !open && !d->kept[t] && (s < d->kth || d->before[t] > 0.0 || isinf(s));
}

static bool overflows(const assay_sample_params *params, const ref_distribution *d,
                      const ref_rounding *r)
{
    const double limit = r->work_limit * (1.0 - 8.0 * r->u_work);
    return fabs(d->maximum) >= limit || 1.0 / params->temperature >= limit;
}

static void write_budget(const ref_distribution *d, const ref_rounding *rounding, int64_t n,
                         const relative *own, double loose, const assay_error_model *model)
{
    const double spill = loose < 0.5 ? loose / (1.0 - loose) : 0.0;
    for (int64_t t = 0; t < d->vocab; t++) {
        const double p = d->probability[t];
        const bool open = assay_at2(&model->bound, n, t) > 0.0;
        const double share = p > 0.0 ? p : open ? exp(d->scaled[t] - d->maximum) / d->mass : 0.0;
        double bound = share * (exponent_error(d, rounding, d->scaled[t]) + own->bound + spill);
        bound += (loose < 0.5 ? 0.0 : 1.0) + (open ? share : 0.0);
        if (surely_dropped(d, t, open)) {
            ref_model_put_raw(model, n, t, p, 0.0, 0.0);
        } else {
            ref_model_put(model, rounding, n, t, p, bound + rounding->product_floor,
                          share * own->sigma);
        }
    }
}

void ref_distribution_error(const assay_sample_params *params,
                            const ref_distribution *distribution, const ref_rounding *rounding,
                            int64_t n, const assay_error_model *model)
{
    const ref_distribution *d = distribution;
    const bool beyond = overflows(params, d, rounding);
    for (int64_t t = 0; beyond && t < d->vocab; t++) {
        ref_model_open(model, n, t);
    }
    if (beyond) {
        return;
    }
    const relative all = sum_error(d, rounding, false);
    const relative own = sum_error(d, rounding, true);
    const double common = all.bound + REF_LAMBDA * all.sigma;
    const cut edge = find_cut(d);
    const bool counted = counts(params, d);
    double loose = 0.0; /* share of the undecided tokens in the kept mass */
    double ahead = 0.0;
    /* tokens in descending order; each is first marked: its bound holds 1 when undecided */
    for (int64_t k = 0; k < d->vocab; k++) {
        const int64_t t = d->order[k];
        const bool open =
            !counted && undecided(params, d, rounding, t, ahead, common, &edge);
        loose += open ? exp(d->scaled[t] - d->maximum) / d->mass : 0.0;
        ahead += d->before[t];
        assay_put2(&model->bound, n, t, open ? 1.0 : 0.0);
    }
    write_budget(d, rounding, n, &own, loose, model);
}
