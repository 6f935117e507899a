/* The first stage of the gate: which cases cannot be cleared. */
#include <math.h>
#include <stdlib.h>

#include "bench/statistics/gate.h"
#include "bench/statistics/order.h"
#include "bench/statistics/special.h"

/* Degrees of freedom that the run's own variance counts for, where enough cases stand behind it. */
static const double run_freedom_most = 4.0;

/* What a case's processes say: log slowdown, the variance of one process (of a pair, half the
 * variance of its log ratio), how many degrees of freedom that has, and what makes it the variance
 * of the log slowdown. */
typedef struct said {
    double centre;
    double variance;
    double freedom;
    double factor;
} said;

static double mean_log(const double *seconds, size_t count)
{
    double mean = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean += log(seconds[i]) / (double)count;
    }
    return mean;
}

static double squares(const double *seconds, size_t count, double mean)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double d = log(seconds[i]) - mean;
        sum += d * d;
    }
    return sum;
}

static said listen(const assay_gate_case *c)
{
    const double now = mean_log(c->now, c->now_count);
    const double base = mean_log(c->base, c->base_count);
    said s = {.centre = now - base};
    double sum = 0.0;
    if (c->paired) {
        for (size_t i = 0; i < c->now_count; i++) {
            const double d = log(c->now[i]) - log(c->base[i]) - s.centre;
            sum += d * d;
        }
        s.freedom = (double)(c->now_count - 1);
        s.factor = 2.0 / (double)c->now_count;
        sum *= 0.5;
    } else {
        sum = squares(c->now, c->now_count, now) + squares(c->base, c->base_count, base);
        s.freedom = (double)(c->now_count + c->base_count - 2);
        s.factor = 1.0 / (double)c->now_count + 1.0 / (double)c->base_count;
    }
    s.variance = s.freedom > 0.0 ? sum / s.freedom : 0.0;
    return s;
}

static assay_status check_times(const double *seconds, size_t count, size_t index, const char *side,
                                assay_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!(seconds[i] > 0.0 && isfinite(seconds[i]))) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "case %zu: process %zu of %s took %g s; times above zero are needed",
                              index, i, side, seconds[i]);
        }
    }
    return ASSAY_OK;
}

static assay_status check(const assay_gate_case *c, size_t index, assay_error *error)
{
    if (c->paired && c->now_count != c->base_count) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "case %zu: %zu processes now and %zu of the baseline are no pairs", index,
                          c->now_count, c->base_count);
    }
    const assay_status status = check_times(c->now, c->now_count, index, "the new program", error);
    return status != ASSAY_OK ? status
                              : check_times(c->base, c->base_count, index, "the baseline", error);
}

static assay_status check_options(const assay_gate_options *o, assay_error *error)
{
    return o->q > 0.0 && o->q < 1.0 && o->effect > 0.0 && isfinite(o->effect) && o->miss > 0.0 &&
                   o->miss < 0.5 && o->margin >= 0.0 && o->margin <= o->effect &&
                   o->confidence > 0.0 && o->confidence < 1.0 && o->spread > 0.0 &&
                   isfinite(o->spread)
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "gate options: q %g, effect %g, miss %g, margin %g, confidence %g, "
                            "spread %g; needed are rates between 0 and 1 (miss below 0.5), an "
                            "effect above 0 and a margin not above it, a spread above 0",
                            o->q, o->effect, o->miss, o->margin, o->confidence, o->spread);
}

typedef struct prior {
    double variance;
    double freedom;
} prior;

/* The run's own variance of a process: the median over the cases that know theirs, each divided by
 * what the median of a chi-square over its degrees of freedom is (Wilson and Hilferty 1931). A case
 * alone learns nothing from it; where none knows its variance the assumed spread stands in. */
static prior run_says(double *list, size_t used, double spread)
{
    assay_sort(list, used);
    const double median = used > 0 ? assay_median_sorted(list, used) : 0.0;
    const prior p = {median, fmin(run_freedom_most, (double)used - 1.0)};
    const prior assumed = {spread * spread, run_freedom_most};
    return median > 0.0 ? p : assumed;
}

static void screen_one(assay_gate_case *c, const said *s, const prior *run,
                       const assay_gate_options *options)
{
    const double freedom = s->freedom + run->freedom;
    const double moderated = (s->freedom * s->variance + run->freedom * run->variance) / freedom;
    const double reach =
        assay_student_quantile(1.0 - options->miss, freedom) * sqrt(moderated * s->factor);
    const double effect = log1p(options->effect);
    /* Undisturbed, the new one may take less than it took, and the baseline too. */
    const double low = s->centre - reach + log1p(-c->now_lost);
    const double high = s->centre + reach - log1p(-c->base_lost);
    const bool slower = high >= effect;
    const bool faster = low <= -effect;
    c->screened = exp(s->centre);
    c->screened_low = exp(low);
    c->screened_high = exp(high);
    c->suspicion =
        slower || (faster && options->confirm_faster) ? ASSAY_SUSPECT : ASSAY_CLEARED;
}

assay_status assay_gate_screen(assay_gate_case *cases, size_t count,
                               const assay_gate_options *options, size_t *suspects,
                               assay_error *error)
{
    *suspects = 0;
    assay_status status = check_options(options, error);
    if (status != ASSAY_OK) {
        return status;
    }
    double *list = calloc(count > 0 ? count : 1, sizeof *list);
    if (list == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to screen %zu cases", count);
    }
    size_t used = 0;
    size_t measured = 0;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        const bool both = cases[i].now_count > 0 && cases[i].base_count > 0;
        status = both ? check(&cases[i], i, error) : ASSAY_OK;
        measured += both;
        if (both && status == ASSAY_OK) {
            const said s = listen(&cases[i]);
            if (s.freedom > 0.0) {
                list[used++] = s.variance / pow(1.0 - 2.0 / (9.0 * s.freedom), 3.0);
            }
        }
    }
    if (status == ASSAY_OK && measured == 0) {
        status = assay_fail(error, ASSAY_BAD_INPUT,
                            "the gate measured nothing: none of %zu cases has times on both sides",
                            count);
    }
    const prior run = run_says(list, used, options->spread);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        cases[i].suspicion = ASSAY_UNMEASURED;
        if (cases[i].now_count > 0 && cases[i].base_count > 0) {
            const said s = listen(&cases[i]);
            screen_one(&cases[i], &s, &run, options);
            *suspects += cases[i].suspicion == ASSAY_SUSPECT;
        }
    }
    free(list);
    return status;
}
