/* Ratios to peers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/interval.h"
#include "reports/page.h"
#include "reports/text.h"

static bool same_plot(const results_comparison *a, const results_comparison *b)
{
    return strcmp(a->op, b->op) == 0 && strcmp(a->case_id, b->case_id) == 0 &&
           strcmp(a->cache, b->cache) == 0 && a->threads == b->threads;
}

static bool same_pair(const results_comparison *a, const results_comparison *b)
{
    return strcmp(a->impl, b->impl) == 0 && strcmp(a->against, b->against) == 0;
}

static void draw_ratios(report_page *page, const results_comparison *c, size_t count)
{
    plot p = {.title = "speed against peers by batch size"};
    char(*names)[160] = calloc(count, sizeof *names); /* series keep pointers to them */
    plot_series *line = NULL;
    double least = (double)INFINITY;
    double most = 0.0;
    int colour = 0;
    for (size_t i = 0; names != NULL && i < count; i++) {
        if (i == 0 || !same_pair(&c[i - 1], &c[i])) {
            (void)snprintf(names[i], sizeof names[i], "%s / %s", c[i].impl, c[i].against);
            line = plot_add(&p, names[i], colour++, PLOT_LINE);
        }
        const interval shown = interval_of_ratio(&c[i].ratio);
        (void)plot_add_point(line, c[i].batch, c[i].ratio.value, shown.low, shown.high);
        least = fmin(least, c[i].batch);
        most = fmax(most, c[i].batch);
    }
    plot_series *const one = plot_add(&p, "equal", PLOT_COLOUR_MUTED, PLOT_BOUND);
    (void)plot_add_point(one, least, 1.0, 0.0, 0.0);
    (void)plot_add_point(one, most > least ? most : least * 1.1, 1.0, 0.0, 0.0);
    page_batch_ticks(&p.x, least, most);
    p.x.label = "batch size";
    p.x.log = true;
    p.y = (plot_axis){.label = "times as fast: above 1, the first is faster", .log = true};
    p.width = 480.0;
    const results_timing named = {
        .op = c->op, .case_id = c->case_id, .cache = c->cache, .threads = c->threads, .system = ""};
    page_group_figure(page, &p, &named, true, &(page_origin){&c->file, count, sizeof *c});
    plot_free(&p);
    free(names);
}

static void ratio_row(FILE *out, const assay_results *results, const results_comparison *c)
{
    const bool good = strcmp(c->verdict, "FASTER") == 0;
    const bool bad = strcmp(c->verdict, "SLOWER") == 0;
    (void)fputs("<tr>", out);
    page_text_cell(out, c->op);
    page_text_cell(out, c->case_id);
    page_number(out, c->batch, text_count(c->batch).text);
    page_text_cell(out, c->cache);
    page_text_cell(out, c->impl);
    page_text_cell(out, c->against);
    page_number(out, c->ratio.value, text_ratio(c->ratio.value).text);
    page_ratio_interval(out, &c->ratio, "pairs");
    page_number(out, c->p, text_small(c->p).text);
    page_number(out, (double)c->pairs, text_count((double)c->pairs).text);
    (void)fprintf(out, "<td class=\"%s\">", good ? "good" : bad ? "bad" : "dim");
    text_html(out, c->verdict);
    (void)fputs("</td>", out);
    page_file_cell(out, results, c->file);
    (void)fputs("</tr>\n", out);
}

void report_peers(report_page *page)
{
    const results_comparison *const c = page->results->comparison;
    const size_t count = page->results->comparison_count;
    if (count == 0) {
        return;
    }
    page_section(page->out, "peers", "Against peers",
                 "Interleaved over fresh pairs of processes in one run; the ratio is the other’s "
                 "time over the first’s, with its 95% interval over the pairs: above 1× the first "
                 "is faster. The verdict is the interval’s; <i>p</i> is of exact signed ranks, "
                 "which few pairs cannot bring down (six to 0.031, four to 0.125).");
    (void)fputs("<div class=\"grid\">\n", page->out);
    for (size_t from = 0; from < count;) {
        size_t to = from;
        while (to < count && same_plot(&c[from], &c[to])) {
            to++;
        }
        draw_ratios(page, &c[from], to - from);
        from = to;
    }
    (void)fputs("</div>\n", page->out);
    page_file_head(page->out, page->results,
                   "op|case|#batch|cache|implementation|against|#ratio|#95% interval|#p|#pairs|"
                   "verdict");
    for (size_t i = 0; i < count; i++) {
        ratio_row(page->out, page->results, &c[i]);
    }
    page_table_end(page->out);
    page_section_end(page->out);
}
