/* Fractions of the floor, and accuracy against throughput. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

enum { BATCHES_MAX = 256 };

static size_t all_batches(const assay_results *r, double *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < r->timing_count; i++) {
        size_t at = 0;
        while (at < count && batch[at] < r->timing[i].batch) {
            at++;
        }
        if ((at < count && batch[at] == r->timing[i].batch) || count == BATCHES_MAX) {
            continue;
        }
        memmove(batch + at + 1, batch + at, (count - at) * sizeof *batch);
        batch[at] = r->timing[i].batch;
        count++;
    }
    return count;
}

/* A line of the table: one implementation in one group, a cell a batch size. */
static size_t heat_row(FILE *out, const assay_results *r, size_t at, const double *batch,
                       size_t count)
{
    const results_timing *const first = &r->timing[at];
    size_t end = at;
    (void)fputs("<tr>", out);
    page_text_cell(out, first->op);
    page_text_cell(out, first->case_id);
    page_text_cell(out, first->cache);
    page_text_cell(out, first->impl);
    for (size_t b = 0; b < count; b++) {
        const results_timing *const t = &r->timing[end];
        const bool here = end < r->timing_count && strcmp(t->op, first->op) == 0 &&
                          strcmp(t->case_id, first->case_id) == 0 &&
                          strcmp(t->cache, first->cache) == 0 && t->threads == first->threads &&
                          strcmp(t->impl, first->impl) == 0 && t->batch == batch[b];
        if (here && isfinite(t->floor_fraction)) {
            (void)fprintf(out, "<td class=\"n heat\" style=\"--v:%.3f\" data-v=\"%.6g\">%s</td>",
                          fmin(fmax(t->floor_fraction, 0.0), 1.0), t->floor_fraction,
                          text_percent(t->floor_fraction).text);
        } else {
            (void)fputs("<td></td>", out);
        }
        end += here;
    }
    (void)fputs("</tr>\n", out);
    return end > at ? end : at + 1;
}

static void heat_table(report_page *page)
{
    const assay_results *const r = page->results;
    double batch[BATCHES_MAX];
    const size_t count = all_batches(r, batch);
    (void)fputs("<div class=\"scroll\"><table class=\"sorts\"><thead><tr><th>op</th><th>case</th>"
                "<th>cache</th><th>implementation</th>",
                page->out);
    for (size_t b = 0; b < count; b++) {
        (void)fprintf(page->out, "<th class=\"n\">%s%s</th>", b == 0 ? "batch " : "",
                      text_count(batch[b]).text);
    }
    (void)fputs("</tr></thead><tbody>\n", page->out);
    for (size_t at = 0; at < r->timing_count;) {
        at = heat_row(page->out, r, at, batch, count);
    }
    page_table_end(page->out);
}

static void floor_dots(report_page *page)
{
    const assay_results *const r = page->results;
    const double lanes = (double)page->impl_count + 1.0;
    plot p = {.title = "fraction of the floor reached, by op"};
    p.x = (plot_axis){.label = "floor / median time", .log = true, .percent = true, .high = 1.5};
    for (size_t i = 0; i < r->timing_count; i++) {
        if (r->timing[i].floor_fraction > 0.0) {
            (void)page_op_line(&p.y, r->timing[i].op);
        }
    }
    for (size_t k = 0; k < page->impl_count; k++) {
        plot_series *const points =
            plot_add(&p, NULL, report_colour(page, page->impl[k]), PLOT_POINTS);
        for (size_t i = 0; i < r->timing_count; i++) {
            const results_timing *const t = &r->timing[i];
            const double line = page_op_line(&p.y, t->op);
            if (strcmp(t->impl, page->impl[k]) == 0 && t->floor_fraction > 0.0) {
                const double lane = ((double)k + 1.0) / lanes - 0.5;
                (void)plot_add_point(points, t->floor_fraction, line - 0.8 * lane, 0.0, 0.0);
            }
        }
    }
    page_op_lines_end(&p);
    plot_series *const limit = plot_add(&p, NULL, PLOT_COLOUR_MUTED, PLOT_BOUND);
    (void)plot_add_point(limit, 1.0, p.y.low, 0.0, 0.0);
    (void)plot_add_point(limit, 1.0, p.y.high, 0.0, 0.0);
    page_figure(page, &p,
                "<b>Every timing</b>, one dot each; the dashed line is the floor itself.");
    for (size_t k = 0; k < page->impl_count; k++) {
        const int colour = report_colour(page, page->impl[k]);
        if (colour >= 0 && p.series[k].count > 0) {
            page_chip(page->out, colour, page->impl[k]);
        }
    }
    plot_free(&p);
}

void report_floor(report_page *page)
{
    const assay_results *const r = page->results;
    bool any = false;
    for (size_t i = 0; i < r->timing_count; i++) {
        any = any || r->timing[i].floor_fraction > 0.0;
    }
    if (!any) {
        return;
    }
    page_section(page->out, "floor", "Fraction of the floor",
                 "The least time the machine’s measured bandwidth and arithmetic allow, over the "
                 "time taken: 100 % is the machine’s limit.");
    (void)fputs("<div class=\"grid\"><div>\n", page->out);
    floor_dots(page);
    (void)fputs("</div></div>\n<details><summary>every case by batch size</summary>\n", page->out);
    heat_table(page);
    (void)fputs("</details>\n", page->out);
    page_section_end(page->out);
}

/* Of equally fast ones the most accurate is last. */
static int by_merit(const void *a, const void *b)
{
    const plot_point *const p = a;
    const plot_point *const q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y < q->y) - (p->y > q->y);
}

/* Of points sorted by speed, those that none is both faster and more accurate than. */
static size_t pareto(plot_point *point, size_t count)
{
    size_t kept = 0;
    double best = (double)INFINITY;
    qsort(point, count, sizeof *point, by_merit);
    for (size_t i = count; i-- > 0;) {
        if (point[i].y < best) {
            best = point[i].y;
            point[count - 1 - kept++] = point[i];
        }
    }
    memmove(point, point + count - kept, kept * sizeof *point);
    return kept;
}

static void draw_front(report_page *page, const timing_group *group, double batch)
{
    const char *unit = "";
    char label[64];
    char title[256];
    double least = (double)INFINITY;
    plot p = {0};
    plot_series *front = plot_add(&p, NULL, PLOT_COLOUR_MUTED, PLOT_FRONT);
    for (size_t i = 0; i < group->count; i++) {
        const double error = report_accuracy(page->results, &group->timing[i]);
        least = error > 0.0 ? fmin(least, error) : least;
    }
    if (!isfinite(least)) { /* discrete outcomes, all of them right: no plot */
        plot_free(&p);
        return;
    }
    least *= 0.1;
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        const double error = report_accuracy(page->results, t);
        if (t->batch == batch && t->verdict == ASSAY_PASS && !t->impossible && isfinite(error)) {
            const double rate = report_throughput(t, &unit).value;
            plot_series *const point =
                plot_add(&p, t->impl, report_colour(page, t->impl), PLOT_POINTS);
            (void)plot_add_point(point, rate, fmax(error, least), 0.0, 0.0);
            front = p.series; /* adding a series may have moved them */
            (void)plot_add_point(front, rate, fmax(error, least), 0.0, 0.0);
        }
    }
    front = p.series;
    if (front != NULL) {
        front->count = pareto(front->point, front->count);
    }
    (void)snprintf(label, sizeof label, "%s/s at batch %.0f: right is faster", unit, batch);
    (void)snprintf(title, sizeof title, "error against throughput of %s", group->timing->op);
    p.title = title;
    p.x = (plot_axis){.label = label, .log = true};
    p.y = (plot_axis){.label = "relative L2 error: down is better", .log = true};
    page_group_figure(
        page, &p, group->timing, true,
        &(page_origin){&group->timing->file, group->count, sizeof *group->timing});
    plot_free(&p);
}

void report_fronts(report_page *page)
{
    const assay_results *const r = page->results;
    timing_group group;
    if (r->timing_count == 0) {
        return;
    }
    page_section(
        page->out, "front", "Accuracy against throughput",
        "One dot an implementation, at the case and batch size most of them were timed at. "
        "The line is the Pareto front: nothing measured is both faster and more accurate. An op "
        "whose results are choices (a token) and all right has no plot.");
    (void)fputs("<div class=\"grid\">\n", page->out);
    for (size_t at = 0; at < r->timing_count;) {
        const char *const op = r->timing[at].op;
        timing_group best = {0};
        double best_batch = 0.0;
        size_t best_count = 0;
        while (at < r->timing_count && strcmp(r->timing[at].op, op) == 0 &&
               report_next_group(r, &at, &group)) {
            size_t count;
            const double batch = report_common_batch(&group, &count);
            if (count > best_count || (count == best_count && batch > best_batch)) {
                best = group;
                best_batch = batch;
                best_count = count;
            }
        }
        draw_front(page, &best, best_batch);
    }
    (void)fputs("</div>\n", page->out);
    page_section_end(page->out);
}
