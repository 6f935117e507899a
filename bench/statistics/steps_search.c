/* Where steps could be, and which of them are. */
#include <math.h>
#include <string.h>

#include "bench/statistics/special.h"
#include "bench/statistics/steps_series.h"

/* -2 log likelihood: twenty times less likely; and a slope's price by Akaike. */
static const double clearly = 6.0;
static const double slope_pays = 2.0;

double assay_series_squares(const assay_series *s, size_t first, size_t end)
{
    const double weight = s->sum[end] - s->sum[first];
    const double y = s->sum_y[end] - s->sum_y[first];
    return fmax(s->sum_yy[end] - s->sum_yy[first] - y * y / weight, 0.0);
}

double assay_series_mean(const assay_series *s, size_t first, size_t end)
{
    return (s->sum_y[end] - s->sum_y[first]) / (s->sum[end] - s->sum[first]);
}

void assay_series_segment(assay_series *s, size_t least, double penalty)
{
    for (size_t end = 1; end <= s->runs; end++) {
        s->best[end] = INFINITY;
        for (size_t first = 0; first + least <= end; first++) {
            const double all = s->best[first] + assay_series_squares(s, first, end) +
                               (first > 0 ? penalty : 0.0);
            if (all < s->best[end]) {
                s->best[end] = all;
                s->from[end] = first;
            }
        }
    }
    for (size_t end = s->from[s->runs]; end > 0; end = s->from[end]) {
        s->edge[s->edges++] = end;
    }
    for (size_t i = 0; i < s->edges / 2; i++) {
        const size_t swapped = s->edge[i];
        s->edge[i] = s->edge[s->edges - 1 - i];
        s->edge[s->edges - 1 - i] = swapped;
    }
}

/* Runs first .. end - 1 explained by a straight line, and by a line with a step before run `at`:
 * the part of the step that no line explains (Frisch and Waugh), its size and its weight. */
typedef struct lines {
    double squares; /* around the line */
    double step;    /* of the line with a step */
    double weight;  /* 1 / variance of that step */
} lines;

static lines fit_lines(const assay_series *s, size_t first, size_t at, size_t end)
{
    const double weight = s->sum[end] - s->sum[first];
    const double y = assay_series_mean(s, first, end);
    const double after = (s->sum[end] - s->sum[at]) / weight;
    double t = 0.0;
    for (size_t i = first; i < end; i++) {
        t += s->weight[i] * (double)(i - first) / weight;
    }
    double tt = 0.0;
    double ty = 0.0;
    double th = 0.0;
    double hy = 0.0;
    double hh = 0.0;
    for (size_t i = first; i < end; i++) {
        const double w = s->weight[i];
        const double d = (double)(i - first) - t;
        const double h = (i >= at ? 1.0 : 0.0) - after;
        tt += w * d * d;
        ty += w * d * (s->y[i] - y);
        th += w * d * h;
        hy += w * h * (s->y[i] - y);
        hh += w * h * h;
    }
    lines l = {.squares = fmax(assay_series_squares(s, first, end) - ty * ty / tt, 0.0)};
    l.weight = hh - th * th / tt;
    l.step = (hy - th * ty / tt) / l.weight;
    return l;
}

typedef struct window {
    size_t first;
    size_t end;
} window;

static window window_of(const assay_series *s, size_t index, size_t most)
{
    const size_t at = s->edge[index];
    const size_t previous = index > 0 ? s->edge[index - 1] : 0;
    const size_t next = index + 1 < s->edges ? s->edge[index + 1] : s->runs;
    const window w = {at - previous > most ? at - most : previous,
                      next - at > most ? at + most : next};
    return w;
}

/* The step at one candidate; p is 1 when it does not count as a step at all. Where a slope
 * beside it pays (Akaike), the step is what a line with a step makes of it. */
assay_step assay_series_test(const assay_series *s, size_t index,
                             const assay_steps_options *options)
{
    const size_t at = s->edge[index];
    const double inflation = assay_series_inflation(s, at);
    const window w = window_of(s, index, options->window);
    const double places = (double)(s->runs - 2 * options->least + 1);
    const lines l = fit_lines(s, w.first, at, w.end);
    double freedom = (double)(w.end - w.first - 2);
    double squares = assay_series_squares(s, w.first, at) + assay_series_squares(s, at, w.end);
    double d = assay_series_mean(s, at, w.end) - assay_series_mean(s, w.first, at);
    double variance =
        1.0 / (s->sum[at] - s->sum[w.first]) + 1.0 / (s->sum[w.end] - s->sum[at]);
    double scale = inflation * fmax(1.0, squares / freedom);
    const double both = fmax(l.squares - l.step * l.step * l.weight, 0.0);
    if (freedom > 2.0 && squares - both > slope_pays * scale) {
        freedom -= 1.0;
        squares = both;
        d = l.step;
        variance = 1.0 / l.weight;
        scale = inflation * fmax(1.0, squares / freedom);
    }
    const double error = sqrt(scale * variance);
    const double reach = error * assay_student_quantile(0.5 + 0.5 * options->confidence, freedom);
    assay_step step = {at, exp(d), exp(d - reach), exp(d + reach), 1.0};
    if (fabs(d) >= log1p(options->margin) &&
        l.squares - squares >= (clearly + log(places)) * scale) {
        step.p = fmin(1.0, 2.0 * places * assay_student(-fabs(d) / error, freedom));
    }
    return step;
}

/* The place of least squares between the neighbours. */
static void settle(assay_series *s, size_t index, size_t least, size_t most)
{
    const window w = window_of(s, index, most);
    double lowest = INFINITY;
    for (size_t at = w.first + least; at + least <= w.end; at++) {
        const double squares =
            assay_series_squares(s, w.first, at) + assay_series_squares(s, at, w.end);
        if (squares < lowest) {
            lowest = squares;
            s->edge[index] = at;
        }
    }
}

/* The candidate that is least of a step by Student's t, where its p is above the options'; else the
 * count of edges. */
static size_t weakest(assay_series *s, const assay_steps_options *options)
{
    double worst = options->p;
    size_t index = s->edges;
    for (size_t i = 0; i < s->edges; i++) {
        settle(s, i, options->least, options->window);
        const assay_step step = assay_series_test(s, i, options);
        if (step.p > worst) {
            worst = step.p;
            index = i;
        }
    }
    return index;
}

/* The same by the order of the runs; *index stays where there is none. */
static assay_status weakest_order(const assay_series *s, const assay_steps_options *options,
                                  size_t *index, assay_error *error)
{
    assay_status status = ASSAY_OK;
    double worst = options->chance;
    for (size_t i = 0; i < s->edges && status == ASSAY_OK; i++) {
        const window w = window_of(s, i, options->window);
        double chance = 0.0;
        status = assay_series_shuffle(s, w.first, w.end, options->least, options->chance, &chance,
                                      error);
        if (chance > worst) {
            worst = chance;
            *index = i;
        }
    }
    return status;
}

assay_status assay_series_weed(assay_series *s, const assay_steps_options *options,
                               assay_error *error)
{
    for (;;) {
        size_t index = weakest(s, options);
        const assay_status status =
            index == s->edges ? weakest_order(s, options, &index, error) : ASSAY_OK;
        if (status != ASSAY_OK || index == s->edges) {
            return status;
        }
        s->edges--;
        memmove(s->edge + index, s->edge + index + 1, (s->edges - index) * sizeof *s->edge);
    }
}
