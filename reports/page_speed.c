/* Throughput against batch size, and every timing as a table. */
#include <math.h>
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

static bool one_batch(const timing_group *group)
{
    size_t i = 1;
    while (i < group->count && group->timing[i].batch == group->timing[0].batch) {
        i++;
    }
    return i == group->count;
}

/* The floor as a line: one in grey when all implementations share it, else each its own. */
static void add_floors(report_page *page, plot *p, const timing_group *group)
{
    const char *unit;
    double least = (double)INFINITY;
    double most = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        if (t->batch == group->timing[0].batch && t->floor_seconds > 0.0) {
            least = fmin(least, t->floor_seconds);
            most = fmax(most, t->floor_seconds);
        }
    }
    const bool shared = most <= least * 1.02;
    const bool alone = one_batch(group);
    plot_series *floor = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        const bool fresh = i == 0 || strcmp(group->timing[i - 1].impl, t->impl) != 0;
        if (fresh && (i == 0 || !shared)) {
            floor = plot_add(p, shared ? "floor" : NULL,
                             shared ? PLOT_COLOUR_MUTED : report_colour(page, t->impl), PLOT_BOUND);
        } else if (fresh) {
            break;
        }
        if (t->floor_seconds > 0.0) {
            const double rate = assay_timing_items(t, &unit) / t->floor_seconds;
            (void)plot_add_point(floor, t->batch / (alone ? half_dash : 1.0), rate, 0.0, 0.0);
            if (alone) { /* one point is no line */
                (void)plot_add_point(floor, t->batch * half_dash, rate, 0.0, 0.0);
            }
        }
    }
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

static void notes(FILE *out, const results_timing *t, const char *no_interval)
{
    (void)fputs("<td>", out);
    if (t->verdict != ASSAY_PASS) {
        (void)fprintf(out, "<span class=\"bad\">%s: does not count</span> ",
                      assay_verdict_name(t->verdict));
    }
    if (t->impossible) {
        (void)fputs("<span class=\"bad\">impossibly fast</span> ", out);
    }
    if (t->stop_missed) {
        (void)fputs("<span class=\"warn\">time bound came first</span> ", out);
    }
    if (no_interval != NULL) {
        (void)fprintf(out, "<span class=\"dim\">no interval: %s</span> ", no_interval);
    }
    if (t->contaminated > 0.0) {
        (void)fprintf(out, "<span class=\"dim\">%s samples disturbed</span>",
                      text_count(t->contaminated).text);
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
