/* Machines side by side: absolute, and each against its own ceilings. */
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "reports/compare_page.h"

static bool in_group(const results_timing *t, const results_timing *like)
{
    return strcmp(t->op, like->op) == 0 && strcmp(t->case_id, like->case_id) == 0 &&
           strcmp(t->cache, like->cache) == 0 && t->threads == like->threads &&
           t->verdict == ASSAY_PASS && !t->impossible;
}

/* Of the implementations that were asked for: with FROM=TO, A's FROM against the others' TO. */
static bool chosen(const comparison *c, size_t f, const results_timing *t)
{
    const compare_options *const o = &c->options;
    const char *const exact = f == 0 ? o->from : o->to;
    return (exact == NULL || strcmp(exact, t->impl) == 0) &&
           (o->impl == NULL || fnmatch(o->impl, t->impl, 0) == 0);
}

/* A file's line: at each batch size the best of its implementations. */
static void best_line(const comparison *c, plot *p, size_t f, const results_timing *like,
                      bool fraction, double *least, double *most)
{
    const assay_results *const r = &c->file[f].results;
    plot_series *const line = plot_add(p, c->file[f].label, (int)f, PLOT_LINE);
    double done = 0.0;
    for (;;) {
        double batch = (double)INFINITY;
        for (size_t i = 0; i < r->timing_count; i++) {
            const results_timing *const t = &r->timing[i];
            if (in_group(t, like) && chosen(c, f, t) && t->batch > done) {
                batch = fmin(batch, t->batch);
            }
        }
        if (!isfinite(batch)) {
            break;
        }
        results_estimate best = {0.0, 0.0, 0.0};
        double scale = 1.0;
        for (size_t i = 0; i < r->timing_count; i++) {
            const results_timing *const t = &r->timing[i];
            const char *unit;
            const results_estimate rate = report_throughput(t, &unit);
            if (in_group(t, like) && chosen(c, f, t) && t->batch == batch &&
                rate.value > best.value) {
                scale = fraction ? t->floor_fraction / rate.value : 1.0;
                best = rate;
            }
        }
        if (best.value > 0.0) {
            (void)plot_add_point(line, batch, scale * best.value, scale * best.low,
                                 scale * best.high);
            *least = fmin(*least, batch);
            *most = fmax(*most, batch);
        }
        done = batch;
    }
}

static void draw_machines(const comparison *c, report_page *page, const results_timing *like,
                          bool fraction)
{
    const char *unit;
    char label[96];
    double least = (double)INFINITY;
    double most = 0.0;
    plot p = {.title = fraction ? "fraction of each machine's own floor by batch size"
                                : "throughput by batch size"};
    (void)assay_timing_items(like, &unit);
    for (size_t f = 0; f < c->file_count; f++) {
        best_line(c, &p, f, like, fraction, &least, &most);
    }
    (void)snprintf(label, sizeof label, "%s/s", unit);
    p.x = (plot_axis){.label = "batch size", .log = true};
    p.y = fraction ? (plot_axis){.label = "of the machine’s own floor", .percent = true}
                   : (plot_axis){.label = label, .log = true};
    page_batch_ticks(&p.x, least, most);
    if (most > least) { /* a single batch size is no line: the table has it */
        page_group_figure(page, &p, like, true, &(page_origin){0});
    }
    plot_free(&p);
}

void compare_machines(const comparison *c, report_page *page)
{
    const assay_results *const base = &c->file[0].results;
    timing_group group;
    if (c->item_count == 0) {
        return;
    }
    page_section(page->out, "machines", "Absolute, and against each machine’s own ceilings",
                 "The best verified implementation of each file at every batch size; left as "
                 "measured, right as a fraction of the floor that the file’s own ceilings give. A "
                 "hollow point has no interval that says anything.");
    (void)fputs("<div class=\"grid\">\n", page->out);
    for (size_t at = 0; report_next_group(base, &at, &group);) {
        bool matched = false;
        for (size_t i = 0; i < c->item_count; i++) {
            matched = matched || in_group(c->item[i].base, group.timing);
        }
        if (matched) {
            draw_machines(c, page, group.timing, false);
            draw_machines(c, page, group.timing, true);
        }
    }
    (void)fputs("</div>\n", page->out);
    page_section_end(page->out);
}
