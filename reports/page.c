#include "reports/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/interval.h"
#include "reports/page_style.h"
#include "reports/text.h"

static bool is_peer(const char *impl)
{
    return strncmp(impl, "peer:", 5) == 0 || strncmp(impl, "pytorch", 7) == 0 ||
           strncmp(impl, "llama", 5) == 0;
}

static int by_peer_then_name(const void *a, const void *b)
{
    const char *const one = *(const char *const *)a;
    const char *const other = *(const char *const *)b;
    const int peers = (int)is_peer(one) - (int)is_peer(other);
    return peers != 0 ? peers : strcmp(one, other);
}

assay_status report_page_open(report_page *page, const assay_results *results, assay_error *error)
{
    const size_t most = results->verdict_count + results->timing_count +
                        2 * results->comparison_count + results->evaluation_count + 1;
    size_t count = 0;
    *page = (report_page){.results = results, .impl = calloc(most, sizeof *page->impl)};
    if (page->impl == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the report");
    }
    for (size_t i = 0; i < results->verdict_count; i++) {
        page->impl[count++] = results->verdict[i].impl;
    }
    for (size_t i = 0; i < results->timing_count; i++) {
        page->impl[count++] = results->timing[i].impl;
    }
    for (size_t i = 0; i < results->comparison_count; i++) {
        page->impl[count++] = results->comparison[i].impl;
        page->impl[count++] = results->comparison[i].against;
    }
    for (size_t i = 0; i < results->evaluation_count; i++) {
        page->impl[count++] = results->evaluation[i].impl;
    }
    qsort(page->impl, count, sizeof *page->impl, by_peer_then_name);
    for (size_t i = 0; i < count; i++) {
        if (page->impl_count == 0 || strcmp(page->impl[page->impl_count - 1], page->impl[i]) != 0) {
            page->impl[page->impl_count++] = page->impl[i];
        }
    }
    return plot_sheet_open(&page->sheet, error);
}

void report_page_close(report_page *page)
{
    plot_sheet_close(&page->sheet);
    free(page->impl);
    *page = (report_page){0};
}

/* The oracle and the host's checks are no implementations that are timed: they take no colour. */
int report_colour(const report_page *page, const char *impl)
{
    int place = 0;
    if (strcmp(impl, "oracle") == 0 || strcmp(impl, "host") == 0) {
        return PLOT_COLOUR_MUTED;
    }
    for (size_t i = 0; i < page->impl_count && strcmp(page->impl[i], impl) != 0; i++) {
        place += strcmp(page->impl[i], "oracle") != 0 && strcmp(page->impl[i], "host") != 0;
    }
    return place;
}

bool report_next_group(const assay_results *results, size_t *at, timing_group *group)
{
    const results_timing *const first = &results->timing[*at];
    if (*at >= results->timing_count) {
        return false;
    }
    *group = (timing_group){first, 0};
    while (*at < results->timing_count && strcmp(results->timing[*at].op, first->op) == 0 &&
           strcmp(results->timing[*at].case_id, first->case_id) == 0 &&
           strcmp(results->timing[*at].cache, first->cache) == 0 &&
           results->timing[*at].threads == first->threads) {
        group->count++;
        (*at)++;
    }
    return true;
}

double report_common_batch(const timing_group *group, size_t *most)
{
    double best = 0.0;
    *most = 0;
    for (size_t i = 0; i < group->count; i++) {
        size_t count = 0;
        for (size_t k = 0; k < group->count; k++) {
            count += group->timing[k].batch == group->timing[i].batch;
        }
        if (count > *most || (count == *most && group->timing[i].batch > best)) {
            *most = count;
            best = group->timing[i].batch;
        }
    }
    return best;
}

void report_group_name(FILE *out, const results_timing *timing)
{
    (void)fputs("<b>", out);
    text_html(out, timing->case_id);
    (void)fputs("</b>", out);
    if (timing->system[0] != '\0' && strstr(timing->case_id, timing->system) == NULL) {
        (void)fputs(" · ", out);
        text_html(out, timing->system);
    }
    (void)fprintf(out, " · %s cache · %.0f thread%s", timing->cache, timing->threads,
                  timing->threads == 1.0 ? "" : "s");
}

results_estimate report_throughput(const results_timing *timing, const char **unit)
{
    const double items = assay_timing_items(timing, unit);
    const interval shown = interval_of_timing(timing);
    return (results_estimate){items / timing->seconds.value, items / shown.high,
                              items / shown.low};
}

double report_accuracy(const assay_results *results, const results_timing *timing)
{
    double worst = timing->rel_l2;
    for (size_t i = 0; isnan(timing->rel_l2) && i < results->verdict_count; i++) {
        const results_verdict *const verdict = &results->verdict[i];
        if (verdict->verdict == ASSAY_PASS && strcmp(verdict->op, timing->op) == 0 &&
            strcmp(verdict->impl, timing->impl) == 0 && isfinite(verdict->rel_l2)) {
            worst = fmax(worst, verdict->rel_l2);
        }
    }
    return worst;
}

void page_head(FILE *out, const char *title)
{
    (void)fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
                out);
    text_html(out, title);
    (void)fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n%s<main>\n", page_style,
                  plot_marks);
}

void page_foot(FILE *out)
{
    (void)fprintf(out, "</main>\n<script>\n%s</script>\n</body>\n</html>\n", page_script);
}

void page_section(FILE *out, const char *id, const char *heading, const char *lead)
{
    (void)fprintf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, heading);
    if (lead != NULL) {
        (void)fprintf(out, "<p class=\"lead\">%s</p>\n", lead);
    }
}

void page_section_end(FILE *out)
{
    (void)fputs("</section>\n", out);
}

void page_number(FILE *out, double value, const char *text)
{
    if (isfinite(value)) {
        (void)fprintf(out, "<td class=\"n\" data-v=\"%.6g\">%s</td>", value, text);
    } else {
        (void)fprintf(out, "<td class=\"n\">%s</td>", text);
    }
}

void page_ratio_interval(FILE *out, const results_estimate *ratio, const char *units)
{
    const interval shown = interval_of_ratio(ratio);
    char text[128];
    if (shown.why == NULL) {
        (void)snprintf(text, sizeof text, "%s … %s", text_ratio(shown.low).text,
                       text_ratio(shown.high).text);
    } else {
        (void)snprintf(text, sizeof text, "– <span class=\"dim\">%s %s</span>", units, shown.why);
    }
    page_number(out, shown.low, text);
}

void page_text_cell(FILE *out, const char *text)
{
    (void)fputs("<td>", out);
    text_html(out, text);
    (void)fputs("</td>", out);
}

void page_table(FILE *out, const char *columns)
{
    (void)fputs("<div class=\"scroll\"><table class=\"sorts\"><thead><tr>", out);
    while (*columns != '\0') {
        const size_t length = strcspn(columns, "|");
        const bool number = *columns == '#';
        (void)fprintf(out, "<th scope=\"col\"%s>%.*s</th>", number ? " class=\"n\"" : "",
                      (int)length - number, columns + number);
        columns += length + (columns[length] == '|');
    }
    (void)fputs("</tr></thead><tbody>\n", out);
}

void page_table_end(FILE *out)
{
    (void)fputs("</tbody></table></div>\n", out);
}

void page_figure(report_page *page, const plot *p, const char *caption_html)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const drawing = open_memstream(&text, &size);
    const bool placed = drawing != NULL && plot_place(page->sheet, p, drawing);
    if (drawing != NULL && fclose(drawing) == 0 && placed) {
        (void)fprintf(page->out, "<figure>%s<figcaption>%s</figcaption></figure>\n", text,
                      caption_html);
    }
    free(text);
}

void page_group_figure(report_page *page, const plot *p, const results_timing *timing, bool with_op,
                       const page_origin *origin)
{
    char *caption = NULL;
    size_t size = 0;
    FILE *const text = open_memstream(&caption, &size);
    if (text == NULL) {
        return;
    }
    if (with_op) {
        (void)fputs("<b>", text);
        text_html(text, timing->op);
        (void)fputs("</b> · ", text);
    }
    report_group_name(text, timing);
    page_file_names(text, page->results, origin);
    if (fclose(text) == 0) {
        page_figure(page, p, caption);
    }
    free(caption);
}

void page_batch_ticks(plot_axis *axis, double least, double most)
{
    const double octaves = log2(most / least);
    const double step = octaves > 16.0 ? 8.0 : octaves > 6.0 ? 4.0 : 2.0;
    for (double at = least; at > 0.0 && at <= most * 1.001; at *= step) {
        (void)plot_add_tick(axis, at, text_count(at).text);
    }
}

double page_op_line(plot_axis *axis, const char *op)
{
    size_t line = 0;
    while (line < axis->tick_count && strcmp(axis->tick[line].label, op) != 0) {
        line++;
    }
    if (line == axis->tick_count) {
        (void)plot_add_tick(axis, -(double)line, op);
    }
    return -(double)line;
}

void page_op_lines_end(plot *p)
{
    const double lines = (double)p->y.tick_count;
    size_t longest = 8;
    for (size_t i = 0; i < p->y.tick_count; i++) {
        const size_t length = strlen(p->y.tick[i].label);
        longest = length > longest ? length : longest;
    }
    p->y.low = -lines + 0.4;
    p->y.high = 0.6;
    p->height = 74.0 + 22.0 * lines;
    p->left = 24.0 + 6.9 * (double)(longest < 32 ? longest : 32);
}

void page_chip(FILE *out, int colour, const char *name)
{
    (void)fprintf(out, "<span class=\"chip\"><i style=\"background:var(--s%d)\"></i>",
                  colour < 0 ? 0 : colour % PLOT_COLOURS);
    text_html(out, name);
    (void)fputs("</span> ", out);
}
