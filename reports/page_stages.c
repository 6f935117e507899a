/* Where a stage's time goes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page.h"
#include "reports/text.h"

enum { PARTS_SHOWN = PLOT_COLOURS - 1 };

typedef struct part_names { /* the greatest parts of an op, by time; the rest is "other" */
    const char *name[64];
    double share[64];
    size_t count;
} part_names;

static size_t part_place(const part_names *names, const char *name)
{
    size_t place = 0;
    while (place < names->count && strcmp(names->name[place], name) != 0) {
        place++;
    }
    return place;
}

/* What bench could not attribute. */
static const char *shown_name(const char *name)
{
    return strcmp(name, "other") == 0 ? "outside the ops" : name;
}

static double parts_total(const results_timing *t)
{
    double total = 0.0;
    for (size_t i = 0; i < t->part_count; i++) {
        total += t->part[i].seconds;
    }
    return total;
}

static void collect(part_names *names, const timing_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        const double total = parts_total(t);
        for (size_t k = 0; k < t->part_count && total > 0.0; k++) {
            const size_t place = part_place(names, t->part[k].name);
            if (place == names->count && place < sizeof names->name / sizeof *names->name) {
                names->name[place] = t->part[k].name;
                names->share[place] = 0.0;
                names->count++;
            }
            if (place < names->count) {
                names->share[place] += t->part[k].seconds / total;
            }
        }
    }
    for (size_t i = 1; i < names->count; i++) { /* insertion sort, greatest first */
        for (size_t k = i; k > 0 && names->share[k] > names->share[k - 1]; k--) {
            const double share = names->share[k];
            const char *const name = names->name[k];
            names->share[k] = names->share[k - 1];
            names->name[k] = names->name[k - 1];
            names->share[k - 1] = share;
            names->name[k - 1] = name;
        }
    }
}

/* The series of a part: its own, or the last for those beyond the colours. */
static size_t part_series(const part_names *names, const char *name)
{
    const size_t place = part_place(names, name);
    return place < PARTS_SHOWN ? place : PARTS_SHOWN;
}

static void add_bar(plot *p, const part_names *names, const results_timing *t, double line)
{
    const char *unit;
    const double items = assay_timing_items(t, &unit);
    double start = 0.0;
    for (size_t s = 0; s <= PARTS_SHOWN; s++) {
        double seconds = 0.0;
        for (size_t k = 0; k < t->part_count; k++) {
            seconds += part_series(names, t->part[k].name) == s ? t->part[k].seconds / items : 0.0;
        }
        if (seconds > 0.0) {
            (void)plot_add_point(&p->series[s], start + 0.5 * seconds, line, start,
                                 start + seconds);
            start += seconds;
        }
    }
}

static void parts_table(FILE *out, const timing_group *group, const part_names *names)
{
    (void)fputs("<details><summary>as a table</summary><div class=\"scroll\"><table "
                "class=\"sorts\"><thead><tr><th>implementation</th><th class=\"n\">batch</th>",
                out);
    for (size_t n = 0; n < names->count; n++) {
        (void)fputs("<th class=\"n\">", out);
        text_html(out, shown_name(names->name[n]));
        (void)fputs("</th>", out);
    }
    (void)fputs("<th class=\"n\">sum / whole</th></tr></thead><tbody>\n", out);
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        const double whole = parts_total(t) / t->seconds.value;
        (void)fputs("<tr>", out);
        page_text_cell(out, t->impl);
        page_number(out, t->batch, text_count(t->batch).text);
        for (size_t n = 0; n < names->count; n++) {
            double seconds = (double)NAN;
            for (size_t k = 0; k < t->part_count; k++) {
                seconds =
                    strcmp(t->part[k].name, names->name[n]) == 0 ? t->part[k].seconds : seconds;
            }
            page_number(out, seconds, text_seconds(seconds).text);
        }
        page_number(out, whole, text_percent(whole).text);
        (void)fputs("</tr>\n", out);
    }
    page_table_end(out);
    (void)fputs("</details>\n", out);
}

/* Of an implementation's batch sizes the least, the greatest and one between: the rest is in the
 * table. */
static bool has_bar(const timing_group *group, size_t i)
{
    size_t first = i;
    size_t end = i + 1;
    while (first > 0 && strcmp(group->timing[first - 1].impl, group->timing[i].impl) == 0) {
        first--;
    }
    while (end < group->count && strcmp(group->timing[end].impl, group->timing[i].impl) == 0) {
        end++;
    }
    return group->timing[i].part_count > 0 &&
           (i == first || i + 1 == end || i == first + (end - first) / 2);
}

static void draw_stage(report_page *page, const timing_group *group)
{
    part_names names = {.count = 0};
    plot p = {.title = "time of each op inside a stage", .width = 480.0, .left = 100.0};
    const char *unit = "item";
    char label[96];
    size_t bars = 0;
    collect(&names, group);
    for (size_t s = 0; s <= PARTS_SHOWN; s++) {
        if (plot_add(&p, NULL, (int)s, PLOT_BAR) == NULL) {
            plot_free(&p);
            return;
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        const results_timing *const t = &group->timing[i];
        if (has_bar(group, i)) {
            char name[64];
            (void)assay_timing_items(t, &unit);
            (void)snprintf(name, sizeof name, "%.30s, batch %.0f", t->impl, t->batch);
            p.left = fmax(p.left, 26.0 + 6.7 * (double)strlen(name));
            (void)plot_add_tick(&p.y, -(double)bars, name);
            add_bar(&p, &names, t, -(double)bars);
            bars++;
        }
    }
    (void)snprintf(label, sizeof label, "time per %.*s", (int)strlen(unit) - 1, unit);
    p.x = (plot_axis){.label = label, .seconds = true};
    p.y.low = -(double)bars + 0.4;
    p.y.high = 0.6;
    p.height = 64.0 + 24.0 * (double)bars;
    (void)fputs("<p>", page->out);
    for (size_t n = 0; n < names.count && n < PARTS_SHOWN; n++) {
        page_chip(page->out, (int)n, shown_name(names.name[n]));
    }
    if (names.count > PARTS_SHOWN) {
        page_chip(page->out, PARTS_SHOWN, "further ops (in the table)");
    }
    (void)fputs("</p>\n", page->out);
    (void)fputs("<div class=\"wide\">", page->out);
    page_group_figure(
        page, &p, group->timing, true,
        &(page_origin){&group->timing->file, group->count, sizeof *group->timing});
    (void)fputs("</div>\n", page->out);
    parts_table(page->out, group, &names);
    plot_free(&p);
}

void report_stages(report_page *page)
{
    const assay_results *const r = page->results;
    timing_group group;
    bool opened = false;
    for (size_t at = 0; report_next_group(r, &at, &group);) {
        bool parts = false;
        for (size_t i = 0; i < group.count; i++) {
            parts = parts || group.timing[i].part_count > 0;
        }
        if (parts && !opened) {
            page_section(
                page->out, "stages", "Inside the stages",
                "The time of every op inside a composed stage, a bar an implementation and "
                "batch size, for one item of the stage’s product.");
            opened = true;
        }
        if (parts) {
            draw_stage(page, &group);
        }
    }
    if (opened) {
        page_section_end(page->out);
    }
}
