#include "reports/history_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/interval.h"
#include "reports/text.h"

enum { DATE_TICKS = 4 };

/* A close-up shows at least so much around the middle, or noise would look like news. */
static const double least_span = 0.06;

static bool same_case(const history_series *a, const history_series *b)
{
    return strcmp(a->op, b->op) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->cache, b->cache) == 0 && a->threads == b->threads && a->batch == b->batch;
}

size_t history_case_size(const history_drawing *d, const history_series *s)
{
    const history_series *const end = d->table->series + d->table->count;
    size_t count = 1;
    while (s + count < end && same_case(s, s + count)) {
        count++;
    }
    return count;
}

char *history_series_name(const history_series *s)
{
    char *text = NULL;
    const int written =
        asprintf(&text, "%s/%s %s, batch %.0f, %s", s->op, s->impl, s->name, s->batch, s->cache);
    return written >= 0 ? text : NULL;
}

static void add_points(const history_drawing *d, const history_series *s, const char *label,
                       plot *p)
{
    plot_series *const line = plot_add(p, label, report_colour(&d->page, s->impl), PLOT_LINE);
    for (size_t i = 0; i < s->count; i++) {
        const results_estimate *const e = &s->point[i].seconds;
        const interval shown = interval_of_median(e, 0, s->point[i].process_count);
        (void)plot_add_point(line, (double)s->point[i].run, e->value, shown.low, shown.high);
    }
}

/* The geometric mean of points from `from` to before `to`. */
static double level(const history_series *s, size_t from, size_t to)
{
    double sum = 0.0;
    for (size_t i = from; i < to; i++) {
        sum += log(s->point[i].seconds.value);
    }
    return exp(sum / (double)(to - from));
}

/* The levels as one dashed line, and the steps between them as bars that stand out of it, in the
 * colour of bad or of good news. */
static void add_levels(const history_series *s, double reach, plot *p)
{
    double before = 0.0;
    for (size_t i = 0, from = 0; i <= s->steps.count; i++) {
        const size_t to = i < s->steps.count ? s->steps.step[i].at : s->count;
        const double here = level(s, from, to);
        const double x = (double)s->point[from].run - (from > 0 ? 0.5 : 0.0);
        const double end = (double)s->point[to - 1].run + (to < s->count ? 0.5 : 0.0);
        plot_series *const line = plot_add(p, NULL, PLOT_COLOUR_INK, PLOT_BOUND);
        (void)plot_add_point(line, x, here, 0.0, 0.0);
        (void)plot_add_point(line, end, here, 0.0, 0.0);
        if (i > 0) {
            plot_series *const bar =
                plot_add(p, NULL, here > before ? PLOT_COLOUR_BAD : PLOT_COLOUR_INK, PLOT_BOUND);
            (void)plot_add_point(bar, x, fmin(here, before) - reach, 0.0, 0.0);
            (void)plot_add_point(bar, x, fmax(here, before) + reach, 0.0, 0.0);
            (void)snprintf(bar->text, sizeof bar->text, "%+.1f%%",
                           100.0 * (s->steps.step[i - 1].ratio - 1.0));
        }
        before = here;
        from = to;
    }
}

static void set_x(const history_drawing *d, size_t from, size_t to, plot *p)
{
    const size_t stride = 1 + (to - from) / DATE_TICKS;
    p->x.label = "run, by its date (UTC)";
    p->x.low = (double)from - 0.5;
    p->x.high = (double)to + 0.5;
    for (size_t run = from; run <= to; run += stride) {
        char date[16];
        (void)snprintf(date, sizeof date, "%.10s", d->runs->row[run].date);
        (void)plot_add_tick(&p->x, (double)run, date);
    }
}

void history_draw_one(const history_drawing *d, const history_series *s, plot *p)
{
    double low = s->point[0].seconds.value;
    double high = low;
    for (size_t i = 1; i < s->count; i++) {
        low = fmin(low, s->point[i].seconds.value);
        high = fmax(high, s->point[i].seconds.value);
    }
    const double middle = 0.5 * (low + high);
    const double span = fmax(high - low, least_span * middle);
    *p = (plot){.title = "median time over the runs, close up"};
    p->y = (plot_axis){.label = "time a call", .seconds = true};
    p->y.low = fmax(middle - 0.75 * span, 0.02 * low);
    p->y.high = middle + 0.75 * span;
    add_levels(s, 0.12 * span, p);
    add_points(d, s, NULL, p);
    set_x(d, s->point[0].run, s->point[s->count - 1].run, p);
}

void history_draw_case(const history_drawing *d, const history_series *s, size_t count, plot *p)
{
    size_t from = SIZE_MAX;
    size_t to = 0;
    *p = (plot){.title = "median time over the runs"};
    p->y = (plot_axis){.label = "time a call", .log = true, .seconds = true};
    for (size_t i = 0; i < count; i++) {
        add_points(d, &s[i], s[i].impl, p);
        from = s[i].point[0].run < from ? s[i].point[0].run : from;
        to = s[i].point[s[i].count - 1].run > to ? s[i].point[s[i].count - 1].run : to;
    }
    set_x(d, from, to, p);
}
