/* Cases over time, with the steps found in them, as a page. */
#include <stdlib.h>
#include <string.h>

#include "reports/history_draw.h"
#include "reports/text.h"

static void write_step(const history_drawing *d, const history_series *s, const assay_step *step,
                       FILE *out)
{
    const history_run_row *const run = &d->runs->row[s->point[step->at].run];
    (void)fprintf(out, "<br><span class=\"%s\">%s×</span> the time before (95%%: %s to %s) since ",
                  step->ratio > 1.0 ? "bad" : "good", text_small(step->ratio).text,
                  text_small(step->low).text, text_small(step->high).text);
    text_html(out, run->date);
    (void)fputs(", revision ", out);
    text_html(out, run->revision);
}

static void write_caption(const history_drawing *d, const history_series *s, bool close_up,
                          FILE *out)
{
    (void)fputs("<b>", out);
    text_html(out, s->op);
    if (close_up) {
        (void)fputs(" / ", out);
        text_html(out, s->impl);
    }
    (void)fputs("</b> · ", out);
    text_html(out, s->name);
    (void)fprintf(out, " · batch %.0f · %s cache", s->batch, s->cache);
    for (size_t k = 0; close_up && k < s->steps.count; k++) {
        write_step(d, s, &s->steps.step[k], out);
    }
}

static void place(history_drawing *d, const history_series *s, size_t count, bool close_up)
{
    plot p;
    char *caption = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&caption, &size);
    if (close_up) {
        history_draw_one(d, s, &p);
    } else {
        history_draw_case(d, s, count, &p);
    }
    if (out != NULL) {
        write_caption(d, s, close_up, out);
        if (fclose(out) == 0) {
            page_figure(&d->page, &p, caption);
        }
    }
    free(caption);
    plot_free(&p);
}

static void write_changed(history_drawing *d)
{
    size_t drawn = 0;
    (void)fputs("<div class=\"grid\">\n", d->page.out);
    for (size_t i = 0; i < d->table->count; i++) {
        if (d->table->series[i].steps.count > 0) {
            place(d, &d->table->series[i], 1, true);
            drawn++;
        }
    }
    (void)fputs("</div>\n", d->page.out);
    if (drawn == 0) {
        (void)fputs("<p class=\"note\">none</p>\n", d->page.out);
    }
}

static void write_all(history_drawing *d)
{
    (void)fputs("<div class=\"grid\">\n", d->page.out);
    for (size_t i = 0; i < d->table->count;) {
        const history_series *const s = &d->table->series[i];
        const size_t count = history_case_size(d, s);
        place(d, s, count, false);
        i += count;
    }
    (void)fputs("</div>\n", d->page.out);
}

static void write_page(history_drawing *d)
{
    FILE *const out = d->page.out;
    const history_run_row *const newest = &d->runs->row[d->runs->count - 1];
    page_head(out, "assay history");
    (void)fputs("<h1>History</h1>\n<p class=\"sub\">machine ", out);
    text_html(out, newest->machine);
    (void)fprintf(out, " · %zu run%s · the newest of ", d->runs->count,
                  d->runs->count == 1 ? "" : "s");
    text_html(out, newest->date);
    (void)fputs("</p>\n", out);
    page_section(out, "changes", "What changed",
                 "One implementation of one case a plot: the median of every run with its 95% "
                 "interval, close up (the axis does not begin at zero). Dashed: the levels, and a "
                 "bar where a step was found that lasts and is larger than the noise from run to "
                 "run.");
    write_changed(d);
    page_section_end(out);
    page_section(out, "all", "Every case",
                 "All implementations of a case side by side, on a logarithmic scale.");
    write_all(d);
    page_section_end(out);
    page_foot(out);
}

assay_status history_write_page(history_drawing *d, const char *path, assay_error *error)
{
    char *text = NULL;
    char *html = NULL;
    size_t size = 0;
    size_t html_size = 0;
    bool drawn = true;
    assay_status status = plot_sheet_open(&d->page.sheet, error);
    if (status != ASSAY_OK) {
        return status;
    }
    d->page.out = open_memstream(&text, &size);
    if (d->page.out != NULL) {
        write_page(d);
    }
    if (d->page.out == NULL || fclose(d->page.out) != 0) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the page");
    }
    if (status == ASSAY_OK) {
        status = plot_sheet_finish(d->page.sheet, text, size, &html, &html_size, &drawn, error);
    }
    if (status == ASSAY_OK && !drawn) {
        status =
            assay_fail(error, ASSAY_IO, "gnuplot is missing: install it (Debian: gnuplot-nox)");
    }
    if (status == ASSAY_OK) {
        status = text_write_file(path, html, html_size, error);
    }
    free(text);
    free(html);
    plot_sheet_close(&d->page.sheet);
    return status;
}
