#include "ref/reach.h"

#include <float.h>
#include <math.h>

typedef struct extent {
    double up, down; /* no partial sum of the finite terms is above up, or below -down */
    bool finite;     /* all terms are */
} extent;

/* Partial sums in order, each product on its own among them: it may be rounded by itself. */
static void in_order(const double *a, const double *b, int64_t count, extent *all)
{
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++) {
        const double term = a[k] * b[k];
        sum += isfinite(term) ? term : 0.0;
        all->up = fmax(all->up, isfinite(term) ? fmax(term, sum) : 0.0);
        all->down = fmax(all->down, isfinite(term) ? fmax(-term, -sum) : 0.0);
    }
}

static void add_term(extent *all, double term)
{
    all->finite = all->finite && isfinite(term);
    all->up += isfinite(term) ? fmax(term, 0.0) : 0.0;
    all->down += isfinite(term) ? fmax(-term, 0.0) : 0.0;
}

static extent extent_of(const ref_rounding *rounding, const ref_sum *sum)
{
    extent all = {.finite = true};
    double magnitude = 0.0;
    for (int64_t k = 0; k < sum->count; k++) {
        const double term = sum->a[k] * sum->b[k];
        magnitude += isfinite(term) ? fabs(term) : 0.0;
        add_term(&all, term);
    }
    if (rounding->sequential) {
        all.up = 0.0;
        all.down = 0.0;
        in_order(sum->a, sum->b, sum->count, &all);
    }
    const double off = rounding->u_sum * (double)(sum->count + 1) * magnitude;
    all.up += all.up > 0.0 ? off : 0.0;
    all.down += all.down > 0.0 ? off : 0.0;
    return all;
}

static void scale_all(extent *all, double factor)
{
    const double size = fabs(factor);
    const double up = size * (factor < 0.0 ? all->down : all->up);
    const double down = size * (factor < 0.0 ? all->up : all->down);
    all->up = fmax(all->up, up); /* a NaN factor changes nothing: y is NaN */
    all->down = fmax(all->down, down);
    all->finite = all->finite && isfinite(factor);
}

static bool leaves(const extent *all, double limit, double y)
{
    const double same = y < 0.0 ? all->down : all->up;
    const double opposite = y < 0.0 ? all->up : all->down;
    if (all->finite && !isfinite(y)) { /* float64's own range: y is that of one order */
        return all->up > 0.0 && all->down > 0.0;
    }
    if (isnan(y)) {
        return false;
    }
    return opposite >= limit || (same >= limit && fabs(y) < limit);
}

bool ref_sum_leaves(const ref_rounding *rounding, const ref_sum *sum, double y)
{
    const double size = (sum->magnitude + fabs(sum->before)) * fmax(fabs(sum->scale), 1.0);
    if (!ref_reach_near(rounding, size + fabs(sum->after), sum->count + 2)) {
        return false;
    }
    extent all = extent_of(rounding, sum);
    add_term(&all, sum->before);
    scale_all(&all, sum->scale);
    add_term(&all, sum->after);
    return leaves(&all, fmin(rounding->work_limit, DBL_MAX), y);
}

bool ref_sum_quantised_leaves(const ref_rounding *rounding, const double *x, int64_t count,
                              double y)
{
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++) {
        sum += isfinite(x[k]) ? fabs(x[k]) : 0.0;
    }
    return !isnan(y) && ldexp(sum, rounding->quant_bits) >= rounding->work_limit;
}
