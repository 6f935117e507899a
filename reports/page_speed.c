/* Throughput against batch size, and every timing as a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/interval.h"
#include "reports/page.h"
#include "reports/text.h"

/* How far a floor goes to both sides of a single batch size, as a factor. */
static const double half_dash = 1.25;

static void batch_ticks(plot_axis *axis, const timing_group *group)
{
    double least = (double)INFINITY;
    double most = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        least = fmin(least, group->timing[i].batch);
        most = fmax(most, group->timing[i].batch);
    }
    page_batch_ticks(axis, least, most);
}

/* Whether all implementations of the group have one floor: they read the same bytes. */
static bool floor_is_shared(const timing_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        for (size_t k = 0; k < i; k++) {
            const double one = group->timing[i].floor_seconds;
            const double other = group->timing[k].floor_seconds;
            if (group->timing[i].batch == group->timing[k].batch && one > 0.0 && other > 0.0 &&
                fmax(one, other) > fmin(one, other) * 1.02) {
                return false;
            }
        }
    }
    return true;
}

static int by_x(const void *a, const void *b)
{
    const plot_point *const p = a;
    const plot_point *const q = b;
    return (p->x > q->x) - (p->x < q->x);
}

/* Points of several implementations become one line; a single one a dash, for it is none. */
static void finish_floor(plot_series *floor)
{
    size_t kept = 0;
    if (floor == NULL || floor->count == 0) {
        return;
    }
    qsort(floor->point, floor->count, sizeof *floor->point, by_x);
    for (size_t i = 1; i < floor->count; i++) {
        kept += floor->point[i].x > floor->point[kept].x;
        floor->point[kept] = floor->point[i];
    }
    floor->count = kept + 1;
    if (floor->count == 1) {
        const plot_point at = floor->point[0];
        floor->point[0].x = at.x / half_dash;
        (void)plot_add_point(floor, at.x * half_dash, at.y, 0.0, 0.0);
    }
}

/* The floor as a line: one in grey when all implementations share it, else each its own. */
static void add_floors(report_page *page, plot *p, const timing_group *group)
{
    const char *unit;
    const bool shared = floor_is_shared(group);
    plot_series *floor = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        const bool fresh = i == 0 || strcmp(group->timing[i - 1].impl, t->impl) != 0;
        if (i == 0 || (fresh && !shared)) {
            finish_floor(floor);
            floor = plot_add(p, shared ? "floor" : NULL,
                             shared ? PLOT_COLOUR_MUTED : report_colour(page, t->impl), PLOT_BOUND);
        }
        if (t->floor_seconds > 0.0 && floor != NULL) {
            (void)plot_add_point(floor, t->batch, assay_timing_items(t, &unit) / t->floor_seconds,
                                 0.0, 0.0);
        }
    }
    finish_floor(floor);
}

static void draw_group(report_page *page, const timing_group *group)
{
    const char *unit = "";
    char label[64];
    char title[256];
    plot p = {0};
    plot_series *line = NULL;
    add_floors(page, &p, group);
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        const results_estimate rate = report_throughput(t, &unit);
        if (i == 0 || strcmp(group->timing[i - 1].impl, t->impl) != 0) {
            line = plot_add(&p, t->impl, report_colour(page, t->impl), PLOT_LINE);
        }
        (void)plot_add_point(line, t->batch, rate.value, rate.low, rate.high);
    }
    (void)snprintf(label, sizeof label, "%s/s", unit);
    (void)snprintf(title, sizeof title, "throughput of %s on %s (%s cache) against batch size",
                   group->timing->op, group->timing->case_id, group->timing->cache);
    p.title = title;
    p.x = (plot_axis){.label = "batch size", .log = true};
    p.y = (plot_axis){.label = label, .log = true};
    batch_ticks(&p.x, group);
    page_group_figure(
        page, &p, group->timing, false,
        &(page_origin){&group->timing->file, group->count, sizeof *group->timing});
    plot_free(&p);
}

/* One more remark: what went before is set off from it. */
static void remark(FILE *out, bool *any, const char *style, const char *words)
{
    (void)fprintf(out, "%s<span class=\"%s\">%s</span>", *any ? "; " : "", style, words);
    *any = true;
}

static void notes(FILE *out, const results_timing *t, const char *no_interval)
{
    bool any = false;
    char text[128];
    (void)fputs("<td class=\"w\">", out);
    if (t->verdict != ASSAY_PASS) {
        (void)snprintf(text, sizeof text, "%s: does not count", assay_verdict_name(t->verdict));
        remark(out, &any, "bad", text);
    }
    if (t->impossible) {
        remark(out, &any, "bad", "impossibly fast");
    }
    if (t->stop_missed) {
        remark(out, &any, "warn", "time bound came first");
    }
    if (no_interval != NULL) {
        (void)snprintf(text, sizeof text, "no interval: %s", no_interval);
        remark(out, &any, "dim", text);
    }
    const double joules = assay_node_real(t->metrics, "joules_per_row", NAN);
    if (joules > 0.0) {
        (void)snprintf(text, sizeof text, "%s J a row", text_si(joules).text);
        remark(out, &any, "dim", text);
    }
    if (t->contaminated > 0.0) {
        (void)snprintf(text, sizeof text, "%s samples disturbed, %s",
                       text_count(t->contaminated).text,
                       t->used < t->samples.count ? "left out"
                       : t->alone < 1.0           ? "its cores shared all the time"
                                                  : "too many to leave out");
        remark(out, &any, "dim", text);
    }
    (void)fputs("</td>", out);
}

static void timing_row(FILE *out, const assay_results *results, const results_timing *t)
{
    const char *unit;
    const results_estimate rate = report_throughput(t, &unit);
    const interval shown = interval_of_timing(t);
    char text[96];
    (void)fputs("<tr>", out);
    page_text_cell(out, t->case_id);
    page_text_cell(out, t->impl);
    page_number(out, t->batch, text_count(t->batch).text);
    page_text_cell(out, t->cache);
    page_number(out, t->seconds.value, text_seconds(t->seconds.value).text);
    (void)snprintf(text, sizeof text, "%s%s", shown.why == NULL ? "± " : "",
                   text_percent(shown.half).text); /* – for NaN */
    page_number(out, shown.half, text);
    page_number(out, t->p99_seconds, text_seconds(t->p99_seconds).text);
    (void)snprintf(text, sizeof text, "%s %s/s", text_si(rate.value).text, unit);
    page_number(out, rate.value, text);
    page_number(out, t->floor_fraction, text_percent(t->floor_fraction).text);
    page_number(out, t->prepare_seconds, text_seconds(t->prepare_seconds).text);
    page_number(out, t->peak_bytes, text_bytes(t->peak_bytes).text);
    page_number(out, (double)t->samples.count, text_count((double)t->samples.count).text);
    notes(out, t, shown.why);
    page_file_cell(out, results, t->file);
    (void)fputs("</tr>\n", out);
}

/* Cold and warm plots of an op apart: the first kind is shown, the other folded. */
static void op_plots(report_page *page, size_t from, size_t to, const char *cache)
{
    timing_group group;
    (void)fputs("<div class=\"grid\">\n", page->out);
    for (size_t at = from; at < to && report_next_group(page->results, &at, &group);) {
        if (strcmp(group.timing->cache, cache) == 0) {
            draw_group(page, &group);
        }
    }
    (void)fputs("</div>\n", page->out);
}

static void op_part(report_page *page, size_t from, size_t to)
{
    const results_timing *const timing = page->results->timing;
    bool cold = false;
    bool warm = false;
    for (size_t i = from; i < to; i++) {
        cold = cold || strcmp(timing[i].cache, "cold") == 0;
        warm = warm || strcmp(timing[i].cache, "warm") == 0;
    }
    (void)fputs("<h3>", page->out);
    text_html(page->out, timing[from].op);
    (void)fputs("</h3>\n", page->out);
    op_plots(page, from, to, cold ? "cold" : "warm");
    if (cold && warm) {
        (void)fputs("<details><summary>with warm caches</summary>\n", page->out);
        op_plots(page, from, to, "warm");
        (void)fputs("</details>\n", page->out);
    }
    (void)fprintf(page->out, "<details><summary>%zu timing%s as a table</summary>\n", to - from,
                  to - from == 1 ? "" : "s");
    page_file_head(page->out, page->results,
                   "case|implementation|#batch|cache|#median|#95% interval|#p99|#throughput|"
                   "#of floor|#prepare|#peak memory|#samples|notes");
    for (size_t i = from; i < to; i++) {
        timing_row(page->out, page->results, &timing[i]);
    }
    page_table_end(page->out);
    (void)fputs("</details>\n", page->out);
}

void report_speed(report_page *page)
{
    const assay_results *const r = page->results;
    if (r->timing_count == 0) {
        return;
    }
    page_section(
        page->out, "throughput", "Throughput against batch size",
        "Medians of the raw samples with their 95% intervals; both axes are logarithmic. A hollow "
        "point has no interval that says anything (one sample, or processes that differ too much: "
        "the table has the reason). The dashed line is the floor: the most that this machine’s "
        "measured ceilings allow for the bytes and operations of the case (in an implementation’s "
        "own colour where it reads other bytes than the rest).");
    for (size_t from = 0; from < r->timing_count;) {
        size_t to = from;
        while (to < r->timing_count && strcmp(r->timing[to].op, r->timing[from].op) == 0) {
            to++;
        }
        op_part(page, from, to);
        from = to;
    }
    page_section_end(page->out);
}
