/* A comparison as a page: ratios, machines absolute and against their own ceilings, differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/compare_page.h"
#include "reports/text.h"

static void files_table(const comparison *c, FILE *out)
{
    page_table(out, "|file|date|revision|processor|#cases matched|#faster|#slower|#same|#unsure|"
                    "#median ratio");
    for (size_t f = 0; f < c->file_count; f++) {
        const compare_file *const file = &c->file[f];
        const results_file *const r = &file->results.file[0];
        const double counts[] = {(double)file->matched, (double)file->count[ASSAY_FASTER],
                                 (double)file->count[ASSAY_SLOWER], (double)file->count[ASSAY_SAME],
                                 (double)file->count[ASSAY_UNSURE]};
        (void)fputs("<tr><td>", out);
        page_chip(out, (int)f, (const char[]){file->label[0], '\0'});
        (void)fputs("</td>", out);
        page_text_cell(out, r->path);
        page_text_cell(out, r->date);
        page_text_cell(out, assay_node_text(r->environment, "revision", ""));
        page_text_cell(out, assay_node_text(r->environment, "cpu", ""));
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            page_number(out, f == 0 ? (double)NAN : counts[i],
                        f == 0 ? "" : text_count(counts[i]).text);
        }
        page_number(out, f == 0 ? (double)NAN : file->common_ratio,
                    f == 0 ? "" : text_ratio(file->common_ratio).text);
        (void)fputs("</tr>\n", out);
    }
    page_table_end(out);
}

static void difference_row(void *context, const char *key, char *const *value, size_t count)
{
    FILE *const out = context;
    (void)fputs("<tr>", out);
    page_text_cell(out, key);
    for (size_t i = 0; i < count; i++) {
        (void)fputs("<td class=\"w\">", out);
        text_html(out, value[i] == NULL || value[i][0] == '\0' ? "–" : value[i]);
        (void)fputs("</td>", out);
    }
    (void)fputs("</tr>\n", out);
}

static void differences(const comparison *c, FILE *out)
{
    if (compare_count_differences(c) == 0) {
        page_section(out, "environment", "What differs around the kernels",
                     "Nothing: dates aside, all that was recorded of the environments is the "
                     "same.");
        page_section_end(out);
        return;
    }
    page_section(out, "environment", "What differs around the kernels",
                 "Dates aside, everything recorded of the environments that is not the same.");
    (void)fputs("<div class=\"scroll\"><table><thead><tr><th></th>", out);
    for (size_t f = 0; f < c->file_count; f++) {
        (void)fputs("<th>", out);
        text_html(out, c->file[f].label);
        (void)fputs("</th>", out);
    }
    (void)fputs("</tr></thead><tbody>\n", out);
    compare_environments(c, difference_row, out);
    page_table_end(out);
    page_section_end(out);
}

/* Every ratio along one axis, a line an op, files beside one another in it. */
static void ratio_dots(const comparison *c, report_page *page)
{
    plot p = {.title = "ratios of every case by op", .width = 480.0};
    p.x = (plot_axis){.label = "times as fast as A (logarithmic)", .log = true};
    for (size_t f = 1; f < c->file_count; f++) {
        plot_series *const dots = plot_add(&p, NULL, (int)f, PLOT_POINTS);
        for (size_t i = 0; i < c->item_count; i++) {
            const compare_case *const item = &c->item[i];
            if (item->file == f && item->ratio.value > 0.0) {
                const double lane = (double)f / (double)c->file_count - 0.5;
                (void)plot_add_point(dots, item->ratio.value,
                                     page_op_line(&p.y, item->base->op) - 0.8 * lane, 0.0, 0.0);
            }
        }
    }
    page_op_lines_end(&p);
    plot_series *const one = plot_add(&p, NULL, PLOT_COLOUR_MUTED, PLOT_BOUND);
    (void)plot_add_point(one, 1.0, p.y.low, 0.0, 0.0);
    (void)plot_add_point(one, 1.0, p.y.high, 0.0, 0.0);
    (void)fputs("<div class=\"wide\">\n", page->out);
    if (c->item_count > 0) {
        page_figure(page, &p,
                    "<b>Every case</b>, one dot each; right of the dashed line is faster "
                    "than A.");
    }
    (void)fputs("</div>\n", page->out);
    plot_free(&p);
}

static void case_row(const comparison *c, const compare_case *item, FILE *out)
{
    static const char *const styles[] = {"dim", "dim", "good", "bad"};
    const results_timing *const t = item->base;
    char text[128];
    (void)fputs("<tr><td>", out);
    page_chip(out, (int)item->file, (const char[]){c->file[item->file].label[0], '\0'});
    (void)fputs("</td>", out);
    page_text_cell(out, t->op);
    page_text_cell(out, t->case_id);
    (void)snprintf(text, sizeof text, "%s%s%s", item->now->impl,
                   strcmp(item->now->impl, t->impl) == 0 ? "" : " against ",
                   strcmp(item->now->impl, t->impl) == 0 ? "" : t->impl);
    page_text_cell(out, text);
    page_number(out, t->batch, text_count(t->batch).text);
    page_text_cell(out, t->cache);
    page_number(out, t->seconds.value, text_seconds(t->seconds.value).text);
    page_number(out, item->now->seconds.value, text_seconds(item->now->seconds.value).text);
    page_number(out, item->ratio.value, text_ratio(item->ratio.value).text);
    page_ratio_interval(out, &item->ratio, "processes");
    page_number(out, item->corrected_p, text_small(item->corrected_p).text);
    page_number(out, item->floor_ratio, text_ratio(item->floor_ratio).text);
    (void)fprintf(out, "<td class=\"%s\">%s</td></tr>\n", styles[item->change],
                  assay_change_name(item->change));
}

static void cases(const comparison *c, FILE *out)
{
    if (c->item_count == 0) {
        return;
    }
    page_section(out, "cases", "Case by case",
                 "Unpaired: the runs were not interleaved, so what differs between sessions is in "
                 "the ratio and not in its interval. The unit is the process; p is corrected for "
                 "the false-discovery rate over a file’s cases.");
    page_table(out, "|op|case|implementation|#batch|cache|#A|#then|#ratio|#95% interval|#p|#ratio "
                    "of floor fractions|verdict");
    for (size_t i = 0; i < c->item_count; i++) {
        case_row(c, &c->item[i], out);
    }
    page_table_end(out);
    page_section_end(out);
}

static void accuracy(const comparison *c, FILE *out)
{
    if (c->accuracy_count + c->accuracy_same == 0) {
        return;
    }
    char lead[160];
    (void)snprintf(lead, sizeof lead,
                   "%zu of %zu verdicts changed by a bit (a factor of two in error) or more.",
                   c->accuracy_count, c->accuracy_count + c->accuracy_same);
    page_section(out, "accuracy", "Accuracy", lead);
    if (c->accuracy_count > 0) {
        page_table(out, "|change|op|implementation|case|verdicts|#of budget, A|#then|#rel. L2, A|"
                        "#then");
        for (size_t i = 0; i < c->accuracy_count; i++) {
            const compare_accuracy *const a = &c->accuracy[i];
            const bool worse = a->kind == COMPARE_WORSE;
            (void)fputs("<tr><td>", out);
            page_chip(out, (int)a->file, (const char[]){c->file[a->file].label[0], '\0'});
            (void)fprintf(out, "</td><td class=\"%s\">%s</td>", worse ? "bad" : "good",
                          worse ? "worse" : "better");
            page_text_cell(out, a->now->op);
            page_text_cell(out, a->now->impl);
            page_text_cell(out, a->now->case_id);
            (void)fprintf(out, "<td>%s → %s</td>", assay_verdict_name(a->base->verdict),
                          assay_verdict_name(a->now->verdict));
            page_number(out, a->base->budget_used, text_small(a->base->budget_used).text);
            page_number(out, a->now->budget_used, text_small(a->now->budget_used).text);
            page_number(out, a->base->rel_l2, text_small(a->base->rel_l2).text);
            page_number(out, a->now->rel_l2, text_small(a->now->rel_l2).text);
            (void)fputs("</tr>\n", out);
        }
        page_table_end(out);
    }
    page_section_end(out);
}

static void write_page(const comparison *c, report_page *page)
{
    page_head(page->out, "assay compare");
    (void)fputs("<h1>Comparison</h1>\n", page->out);
    files_table(c, page->out);
    ratio_dots(c, page);
    differences(c, page->out);
    compare_machines(c, page);
    cases(c, page->out);
    accuracy(c, page->out);
    page_foot(page->out);
}

assay_status compare_html(const comparison *c, const char *path, assay_error *error)
{
    report_page page = {.results = &c->file[0].results};
    char *text = NULL;
    char *html = NULL;
    size_t size = 0;
    size_t html_size = 0;
    bool drawn = true;
    assay_status status = plot_sheet_open(&page.sheet, error);
    if (status == ASSAY_OK) {
        page.out = open_memstream(&text, &size);
        if (page.out != NULL) {
            write_page(c, &page);
        }
        if (page.out == NULL || fclose(page.out) != 0) {
            status = assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the page");
        }
    }
    if (status == ASSAY_OK) {
        status = plot_sheet_finish(page.sheet, text, size, &html, &html_size, &drawn, error);
    }
    if (status == ASSAY_OK) {
        status = text_write_file(path, html, html_size, error);
    }
    if (status == ASSAY_OK && !drawn) {
        (void)fprintf(stderr, "assay compare: gnuplot is missing, the page has no plots: install "
                              "it (Debian: gnuplot-nox)\n");
    }
    free(text);
    free(html);
    plot_sheet_close(&page.sheet);
    return status;
}
